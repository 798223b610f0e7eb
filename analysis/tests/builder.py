# SPDX-License-Identifier: MIT
"""Writes synthetic run directories: the whole format, numbers chosen by the test."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
EMPTY = 5
PHASES = ("count_control", "count_op", "control", "op", "twice")
LEVELS = {"off": 0, "counts": 1, "stamps": 2, "full": 3, "hardware": 4,
          "pmu": 5}  # PROBE_* of probes/record.h
COUNTS, EXITED, LEFT, HAS_COUNTERS = 1, 2, 4, 8  # RECORD_* there
COUNTERS = {"vmreads": 4, "vmwrites": 2, "msr_accesses": 0, "xsetbvs": 0, "invalidations": 0}

NAMES = {"schema": "exitmeter.names/1",
         "msrs": [{"first": "0x174", "last": "0x174", "name": "IA32_SYSENTER_CS"},
                  {"first": "0xc0000080", "last": "0xc0000080", "name": "IA32_EFER"}],
         "ports": [{"first": "0x3f8", "last": "0x3ff", "name": "com1"}], "exceptions": []}


def fields(header: str, macro: str) -> list[dict[str, Any]]:
    """The field list of a C header, with offsets at natural packing."""
    text = (ROOT / "probes" / header).read_text(encoding="utf-8")
    found, offset = [], 0
    for bits, name in re.findall(rf"^{macro}\((\d+), (\w+),", text, re.MULTILINE):
        found.append({"name": name, "offset": offset, "bits": int(bits)})
        offset += int(bits) // 8
    assert offset == 64
    return found


def layout() -> dict[str, Any]:
    """As bench/trace_layout.c writes it."""
    return {"schema": "exitmeter.layout/1", "record_size": 64,
            "record": fields("record_fields.h", "RECORD_FIELD"),
            "packet": fields("packet_fields.h", "PACKET_FIELD"), "wide_record_size": 128,
            "wide": [{**entry, "offset": 64 + entry["offset"]}
                     for entry in fields("wide_fields.h", "WIDE_FIELD")]}


def dtype(structure: list[dict[str, Any]]) -> np.dtype:
    return np.dtype([(entry["name"], f"<u{entry['bits'] // 8}") for entry in structure])


RECORD = dtype(layout()["record"])
PACKET = dtype(layout()["packet"])
WIDE = dtype(layout()["record"] + layout()["wide"])


@dataclass
class Row:
    """One benchmark under one policy. parts: the five parts of a round trip that exits; plain:
    round trip without exit; both with the control's ticks in them. extra: added to the exit
    transition of sample i, cycled. times: exits a sample, of those parts each, and gap from the end
    of one to the next."""

    benchmark: str = "cpuid"
    policy: str = "intercept-all"
    exits: bool = True
    parts: tuple[int, ...] = (5, 10, 20, 8, 4)
    times: int = 1
    gap: int = 0
    plain: int = 6
    control: int = 2
    extra: tuple[int, ...] = (0,)
    counters: dict[str, int] = field(default_factory=lambda: dict(COUNTERS))
    status: str = "done"
    prediction: str = "agrees"  # of a benchmark that ran; "": as runs of earlier versions have none
    reason: str = ""
    reason_number: int = 10
    detail: int = 0
    level: str | None = None
    discarded: int = 0
    full: bool = False  # no room for the record that ends the op phase
    kind: str = "benchmark"
    stub: str = "general"
    doubt: int = 0  # what a second operation in a sample takes more than the first
    disturbed: tuple[str, ...] = ()
    smis: int | None = None
    cores: tuple[int, int] | None = None
    before: int = 3  # of the exit transition: from the guest's stamp to the CPU's own
    # At the level "pmu": what each place counts in the core's three parts, and in the guest.
    host: tuple[tuple[int, int, int], ...] = ((10, 20, 30), (1, 2, 3), (0, 0, 0))
    guest: tuple[int, int, int] = (5, 6, 0)
    first_count: int = 0  # what all counters begin with
    events: tuple[dict[str, Any], ...] = ()  # of run.json
    group: int = 0


@dataclass
class Build:
    """The knobs of a run."""

    rows: list[Row]
    level: str = "full"
    samples: int = 20
    count_samples: int = 5
    cpus: int = 1
    repetitions: int = 1
    twice: bool = True
    unit: str = "ticks"
    target: str = "bochs"
    status: str | None = None
    reason: str = ""
    machine: dict[str, Any] = field(default_factory=lambda: {
        "cpu_model": "corei7_haswell_4770", "vendor": "GenuineIntel", "brand": "Core(TM) i7",
        "signature": "0x000306c3", "memory_bytes": 535756800,
        "capabilities": {"vmx_basic": "0xda0400000000000f"}})
    build: dict[str, Any] = field(default_factory=lambda: {
        "core_sha256": "aa", "guests_sha256": "bb", "compiler": "gcc 12 -O2",
        "emulator": "Bochs x86 Emulator 2.7"})


    calibration: dict[str, Any] = field(default_factory=lambda: {
        "sample": {"what": "empty", "n": 20, "min": EMPTY, "p50": EMPTY, "max": EMPTY},
        "probes_full": {"what": "full", "n": 20, "min": 11, "p50": 12, "max": 13},
        "rdtsc": {"what": "RDTSC alone", "n": 20, "min": 1, "p50": 1, "max": 1},
        "rdpmc": {"what": "RDPMC alone", "absent": "it faults"}})


class Writer:
    """Collects samples and packets as the jobs are laid out."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self.samples: list[np.ndarray] = []
        self.sample_count = 0
        self.streams: list[list[bytes]] = [[], []]
        self.stream_sizes = [0, 0]
        self.clock = 1000
        self.discarded = 0

    def phase(self, job: int, number: int, row: Row, level: int) -> dict[str, Any]:
        name = PHASES[number]
        measured = name in ("control", "op")
        count = self.build.samples if measured else self.build.count_samples
        if name == "twice" and (row.stub == "floor" or not self.build.twice):
            return {"samples": 0, "sample_offset": self.sample_count, "records": 0, "discarded": 0,
                    "stream": None, "packet_offset": None, "totals": None, "folded": None}
        operation = name.endswith("op") or name == "twice"
        exits = operation and row.exits and row.kind != "root"
        counted = level >= 3
        wide = level >= 4
        begin = self.clock
        add = np.resize(np.asarray(row.extra, "<u8"), count) if operation else 0
        took = np.zeros(count, "<u8") + add + (
            sum(row.parts) + (row.times - 1) * (sum(row.parts[1:4]) + row.gap) if exits
            else row.plain if operation else row.control)
        whole = took
        if name == "twice":  # the second one adds what the first did, but no empty sample
            whole = 2 * took - EMPTY + row.doubt
        samples = np.zeros((count, 2), "<u8")
        samples[:, 0] = self.clock + np.concatenate([[0], np.cumsum(whole + 7)[:-1]])
        samples[:, 1] = samples[:, 0] + whole
        self.clock = int(samples[-1, 1]) + 7
        records = np.zeros(count * row.times if exits else 0, WIDE if wide else RECORD)
        if exits:
            first = samples[:, 0] + row.parts[0] + add
            each = sum(row.parts[1:4]) + row.gap
            entered = (first[:, None] + each * np.arange(row.times, dtype="<u8")).ravel()
            for stamp, after in zip(("entered", "dispatched", "handled", "entering"),
                                    np.cumsum((0, *row.parts[1:4])).tolist()):
                records[stamp] = entered + after
        offset = None
        if exits:
            records["reason"] = row.reason_number
            records["detail"] = row.detail
            records["flags"] = COUNTS if counted else 0
            if wide:
                records["flags"] |= EXITED
                records["exited"] = (samples[:, 0] + row.before) & 0xFFFFFFFF
            if level == 5:
                self.count(row, records)
            if counted:
                for counter, value in row.counters.items():
                    records[counter] = value
        left = np.zeros(1, records.dtype)
        left["reason"], left["flags"], left["vmreads"] = 18, LEFT | COUNTS, 99
        left["entered"] = left["dispatched"] = left["handled"] = self.clock
        if not (row.full and name == "op"):
            records = np.concatenate([records, left])
        if level > 1:
            offset = self.stream_sizes[wide]
            header = np.zeros(1, PACKET)
            header["magic"], header["job"], header["phase"] = 0xC1FC1FC1, job, number
            header["probe_level"], header["stream_id"] = level, wide
            header["timestamp_begin"], header["timestamp_end"] = begin, self.clock
            if name == "op":
                self.discarded += row.discarded
            header["events_discarded"] = self.discarded
            header["content_size"] = header["packet_size"] = 8 * (
                64 + records.itemsize * len(records))
            self.streams[wide] += [header.tobytes(), records.tobytes()]
            self.stream_sizes[wide] += 64 + records.nbytes
        first = self.sample_count
        self.samples.append(samples)
        self.sample_count += count
        return {"samples": count, "sample_offset": first,
                "records": len(records) if level > 1 else 0,
                "discarded": row.discarded if name == "op" else 0, "packet_offset": offset,
                "stream": None if offset is None else "cpu0_wide" if wide else "cpu0",
                "totals": totals(row, count * row.times if exits else 0) if level == 1 else None,
                "folded": None}

    @staticmethod
    def count(row: Row, records: np.ndarray) -> None:
        """Counters that go on and on, in the guest between exits and in the host within them."""
        records["flags"] |= HAS_COUNTERS
        points = ("entered", "dispatched", "handled", "entering")
        for place in range(3):
            host = guest = row.first_count
            for record in records:
                guest += row.guest[place]
                record[f"guest_{place}"] = guest & 0xFFFFFFFF
                for point, step in zip(points, (0, *row.host[place])):
                    host += step
                    record[f"{point}_{place}"] = host & 0xFFFFFFFF
                host += 1000  # what it counts outside of the four points


def validity(row: Row) -> dict[str, Any]:
    """As bench/validity.c writes it."""
    made: dict[str, Any] = {"disturbed": list(row.disturbed), "readings": [], "smis": row.smis,
                            "clocks": None}
    if row.smis is None:
        made["smis_absent"] = "this CPU has no MSR_SMI_COUNT"
    if row.cores:
        made["clocks"] = {phase: {"core_per_mille": core, "awake_per_mille": 1000}
                          for phase, core in zip(("control", "op"), row.cores)}
    else:
        made["clocks_absent"] = "IA32_APERF and IA32_MPERF do not count"
    return made


def totals(row: Row, exits: int) -> dict[str, Any]:
    """Sums of the level "counts": of the operations, and of the VMCALL that ends the phase."""
    by_reason = {"18": 1, **({str(row.reason_number): exits} if exits else {})}
    return {"exits": by_reason, **{name: row.counters.get(name, 0) * exits + 2 for name in COUNTERS}}


def write_run(path: Path, build: Build) -> Path:
    """Write a run directory; returns path."""
    writer = Writer(build)
    jobs: list[dict[str, Any]] = []
    for repetition in range(build.repetitions):
        for row in build.rows:
            level = LEVELS[row.level or build.level]
            index = len(jobs)
            job: dict[str, Any] = {
                "index": index, "name": f"{build.target}/{row.benchmark}/{row.policy}",
                "benchmark": row.benchmark, "policy": row.policy, "repetition": repetition,
                "probe_level": row.level or build.level, "status": row.status,
                "reason": row.reason, "expected_exits_per_op": row.exits * row.times,
                "group": row.group, "events": list(row.events)}
            if row.kind == "root":
                job["expected_exits_per_op"] = None
            if row.prediction:
                held = row.kind == "benchmark" and row.status != "skipped"
                job["prediction"] = row.prediction if held else None
            if row.status == "done" and row.kind == "check":
                job["exits_per_op"] = job["expected_exits_per_op"] = None
                job["controls"] = {}
                job["phases"] = {name: {"samples": 0, "sample_offset": 0, "records": 0,
                                        "discarded": 0, "stream": None, "packet_offset": None,
                                        "totals": None, "folded": None} for name in PHASES}
            elif row.status == "done":
                counting = 0 if row.kind == "root" else 3
                job["phases"] = {name: writer.phase(index, number, row,
                                                    counting if number < 2 else level)
                                 for number, name in enumerate(PHASES)}
                job["interruptions"] = {"control": 0, "op": 0}
                job["exits_per_op"] = (float(row.exits * row.times)
                                       + (row.discarded - row.full) / build.samples)
                if row.kind == "root":
                    job["exits_per_op"] = job["interruptions"] = None
                job["controls"] = {"pin_based": "0x16", "primary": "0xb6006172",
                                   "secondary": "0xaa", "exit": "0x36fff", "entry": "0x13ff",
                                   "vpid": 1, "ept_pointer": "0x1234501e"}
            job["validity"] = validity(row) if row.status == "done" else None
            jobs.append(job)
    failed = any(row.status == "failed" for row in build.rows)
    names = list(dict.fromkeys(row.benchmark for row in build.rows))
    policies = list(dict.fromkeys(row.policy for row in build.rows if row.kind != "root"))
    kinds = {row.benchmark: row.kind for row in build.rows}
    stubs = {row.benchmark: row.stub for row in build.rows}
    document = {
        "schema": "exitmeter.run/3", "status": build.status or ("failed" if failed else "complete"),
        "reason": build.reason, "created": "2026-11-21T03:04:05Z",
        "command": ["exitmeter", "run"], "target": build.target, "unit": build.unit,
        "host": {"hostname": "h", "kernel": "6.1", "cpu": "c"}, "machine": build.machine,
        "build": build.build, "clock": {"start": 1, "end": 2, "drift": None, "drift_absent": "no other clock"}, "samples": build.samples,
        "count_samples": build.count_samples, "rounds": 1, "cpus": build.cpus,
        "repetitions": build.repetitions,
        "benchmarks": [{"name": name, "kind": kinds[name], "description": f"about {name}",
                        "instruction": name.upper(),
                        "exits": [{"reason": 10, "times": 1, "gate": "always", "index": 0,
                                   "width": 0, "when_on": [], "when_off": []}],
                        "stub": stubs[name]}
                       for name in names],
        "policies": [{"name": name, "sha256": "cc", "probe_level": build.level}
                     for name in policies],
        "jobs": jobs, "calibration": build.calibration}
    (path / "trace").mkdir(parents=True)
    (path / "run.json").write_text(json.dumps(document), encoding="utf-8")
    (path / "samples.bin").write_bytes(b"".join(part.tobytes() for part in writer.samples))
    for name, stream in zip(("cpu0", "cpu0_wide"), writer.streams):
        if stream or name == "cpu0":
            (path / "trace" / name).write_bytes(b"".join(stream))
    (path / "layout.json").write_text(json.dumps(layout()), encoding="utf-8")
    (path / "names.json").write_text(json.dumps(NAMES), encoding="utf-8")
    (path / "trace" / "metadata").write_text(
        '/* CTF 1.8 */\nevent {\n  name = "CPUID";\n  id = 10;\n  stream_id = 0;\n};\n'
        'event {\n  id = 18;\n  name = "VMCALL";\n};\n', encoding="utf-8")
    return path


def edit(path: Path, change: Any) -> None:
    """Rewrite run.json (or another JSON file) through change(document)."""
    file = path / "run.json" if path.is_dir() else path
    document = json.loads(file.read_text(encoding="utf-8"))
    change(document)
    file.write_text(json.dumps(document), encoding="utf-8")

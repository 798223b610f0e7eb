# SPDX-License-Identifier: MIT
"""A run directory, opened and checked: run.json, and each job's samples and records.

Samples and records are views of the files (numpy memmap); of the records opening a run looks at
the time stamps alone. Every offset, count and size is checked before anything is read through it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Iterator

import numpy as np

from .document import Node, load
from .errors import BadInput
from .failed_entry import in_records, in_totals
from .layout import PLACES
from .profile import SCHEMA as PROFILE_SCHEMA
from .profile_names import Names, load_names
from .totals import Folded, Totals, read_folded, read_totals
from .trace import Trace
from .validity import Validity, read_validity

SCHEMA = "exitmeter.run/3"

# enum phase of guests/results.h, in its order.
PHASES = ("count_control", "count_op", "control", "op", "twice")

# In place of a policy where it is all the same which: of jobs in VMX root operation.
ANY_POLICY = "any"

STATUSES = ("done", "skipped", "failed", "not_run")

SAMPLE_BYTES = 16


@dataclass(frozen=True)
class Phase:
    """What one phase of a job left: samples as u64[n, 2], TSC before and after, of its last round;
    and their records, None where the phase kept none. damaged: the trace has lost some of them, and
    records are those that are whole. discarded: exits that found no room for a
    record. totals: sums of all rounds, at the level "counts". folded: all rounds, if several."""

    samples: np.ndarray
    records: np.ndarray | None
    damaged: bool
    discarded: int
    totals: Totals | None
    folded: Folded | None

    @property
    def operations(self) -> int:
        """Operations of all rounds."""
        return self.folded.samples if self.folded else len(self.samples)

    @property
    def exits(self) -> int | None:
        """Exits of all rounds' operations. Each round ends with one more, which is not theirs.
        None where nothing counted them."""
        if self.totals:
            return sum(self.totals.exits.values()) - (self.folded.rounds if self.folded else 1)
        if self.records is None:
            return None
        if self.folded:
            return self.folded.records + self.folded.discarded - self.folded.rounds
        return len(self.records) + self.discarded - 1


@dataclass(frozen=True)
class Event:
    """A performance event of a job on one side, "host" or "guest": the place of its counter in the
    wide records and the counter's bits; or why it was not counted."""

    name: str
    side: str
    place: int
    mask: int
    absent: str


@dataclass(frozen=True)
class Job:
    """One benchmark under one policy, once; probe_level as it was in force. Only a done job has
    phases; a check is a job that proves behaviour: it takes no samples and nothing is measured.
    root: measured in VMX root operation, where nothing exits: under ANY_POLICY, and nothing is said
    of exits.
    failed_entries: VM entries of a failed job that failed, by phase and name."""

    index: int
    name: str
    benchmark: str
    policy: str
    repetition: int
    probe_level: str
    check: bool
    root: bool
    status: str
    reason: str
    controls: dict[str, Any]
    stated_exits_per_op: float | None
    interruptions: int
    phases: dict[str, Phase]
    validity: Validity | None
    failed_entries: tuple[str, ...]
    group: int = 0
    events: tuple[Event, ...] = ()


@dataclass(frozen=True)
class Run:
    """An opened run. document is run.json as it stands; the rest of it is checked. damages: what is
    broken in the trace, by file, packet and byte offset. monitored: the monitor is not our core:
    there are no records, and exits are as its own statistics have them, if it has any."""

    path: Path
    document: dict[str, Any]
    status: str
    reason: str
    target: str
    unit: str
    samples: int
    count_samples: int
    cpus: int
    monitored: bool
    repetitions: int
    benchmarks: dict[str, dict[str, Any]]
    probe_levels: dict[str, str]
    jobs: tuple[Job, ...]
    trace: Trace | None

    @property
    def failed(self) -> bool:
        return self.status == "failed"

    @property
    def measured_jobs(self) -> list[Job]:
        """Jobs that brought numbers."""
        return [job for job in self.jobs if job.phases]

    @property
    def checks_passed(self) -> list[Job]:
        return [job for job in self.jobs if job.check and job.status == "done"]

    @property
    def missing_jobs(self) -> list[Job]:
        """Jobs that did not come to their end: skipped, failed, never run."""
        return [job for job in self.jobs if job.status != "done"]

    @property
    def damages(self) -> tuple[str, ...]:
        return self.trace.damages if self.trace else ()

    @cached_property
    def reason_names(self) -> dict[int, str]:
        """Names of exit reasons, from the trace's metadata."""
        return self.trace.event_names() if self.trace else {}

    @cached_property
    def names(self) -> Names:
        """What MSRs and ports are called."""
        return load_names(self.path / "names.json")

    @property
    def place(self) -> str:
        """The target, and what of it changes what a figure means."""
        accelerator, nested = self.document.get("accelerator"), self.document.get("nested")
        return (self.target + (f" with {accelerator}" if isinstance(accelerator, str) else "") +
                (", nested" if nested is True else ""))

    @property
    def notes(self) -> list[str]:
        """What a monitor that is not our core, or who ran it, says of all the figures."""
        monitor = self.document.get("monitor")
        return monitor.get("notes", []) if isinstance(monitor, dict) else []

    def fact(self, section: str, key: str) -> str:
        """A string of run.json's sections machine, build or host; "" if it is not there."""
        part = self.document.get(section)
        value = part.get(key) if isinstance(part, dict) else None
        return value if isinstance(value, str) else ""


def open_run(path: Path) -> Run:
    """Open and check a run directory. BadInput names the file that is wrong, and how."""
    if not path.is_dir():
        raise BadInput(f"{path}: {'not a run directory' if path.exists() else 'no such run'}")
    top = load(path / "run.json")
    if top["schema"].value == PROFILE_SCHEMA:
        raise BadInput(f"{path}: the profile of a guest, not benchmarks; `exitmeter profile` shows "
                       "it")
    top.schema(SCHEMA)
    status = top["status"].text()
    if status not in ("complete", "failed"):
        raise top["status"].bad(f'"{status}" is neither "complete" nor "failed"')
    benchmarks = {node["name"].text(): _benchmark(node) for node in top["benchmarks"]}
    levels = {node["name"].text(): node["probe_level"].text() for node in top["policies"]}
    done = any(node["status"].value == "done" for node in top["jobs"])
    _check_monitor(top)
    trace = Trace(path) if done or Trace.exists(path) else None
    samples = path / "samples.bin"
    kinds = {name: row.get("kind") for name, row in benchmarks.items()}
    reader = _JobReader(top, kinds, _open_samples(samples), samples, trace)
    jobs = []
    for index, node in enumerate(top["jobs"]):
        job = reader.read(node, index)
        if job.benchmark not in benchmarks:
            raise node["benchmark"].bad(f'"{job.benchmark}" is not among the benchmarks')
        if job.policy not in levels and not (job.root and job.policy == ANY_POLICY):
            raise node["policy"].bad(f'"{job.policy}" is not among the policies')
        if job.status == "failed" and status != "failed":
            raise top["status"].bad(f'"{status}", yet {job.name} failed')
        jobs.append(job)
    reader.check_ranges()
    return Run(path=path, document=top.object(), status=status, reason=top["reason"].text(),
               target=top["target"].text(), unit=top["unit"].text(),
               samples=top["samples"].count(), count_samples=top["count_samples"].count(),
               cpus=top["cpus"].count() if "cpus" in top else 1, monitored=reader.monitored,
               repetitions=top["repetitions"].count(), benchmarks=benchmarks,
               probe_levels=levels, jobs=tuple(jobs), trace=trace)


def _benchmark(node: Node) -> dict[str, Any]:
    for key in ("kind", "instruction", "description", "stub"):
        if key in node:
            node[key].text()
    for entry in node["exits"] if "exits" in node else ():
        entry["reason"].count()
    return node.object()


def _check_monitor(top: Node) -> None:
    """What Run.notes takes from there."""
    if "monitor" in top and top["monitor"].value is not None and "notes" in top["monitor"]:
        for note in top["monitor"]["notes"]:
            note.text()


def _interruptions(node: Node) -> int:
    """Exits of the host's own that the op phase had more than the control phase."""
    return node["op"].count() - node["control"].count()


def _positive(node: Node) -> int:
    if node.count() == 0:
        raise node.bad("1 or more is needed")
    return node.value


def _open_samples(file: Path) -> np.ndarray:
    """samples.bin as u64[n, 2]; an absent file counts as empty (a run that died before any)."""
    size = file.stat().st_size if file.exists() else 0
    if size % SAMPLE_BYTES:
        raise BadInput(f"{file}: {size} bytes are not a whole number of {SAMPLE_BYTES}-byte "
                       "samples: cut off")
    if size == 0:
        return np.zeros((0, 2), dtype="<u8")
    try:
        return np.memmap(file, dtype="<u8", mode="r").view(np.ndarray).reshape(-1, 2)
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error


def _events(node: Node) -> tuple[Event, ...]:
    """A job's events; a run from before there were any has none."""
    found = []
    for event in node["events"] if "events" in node else []:
        side, place = event["side"].text(), event["place"].count()
        if side not in ("host", "guest"):
            raise event["side"].bad(f'"{side}" is neither "host" nor "guest"')
        if place not in PLACES:
            raise event["place"].bad(f"{place}: a record has {len(PLACES)} places")
        absent = event["absent"].text() if "absent" in event else ""
        found.append(Event(event["name"].text(), side, place,
                           0 if absent else event["mask"].bits(), absent))
    return tuple(found)


class _JobReader:
    """Turns the jobs of run.json into Job."""

    def __init__(self, top: Node, kinds: dict[str, Any], samples: np.ndarray, file: Path,
                 trace: Trace | None) -> None:
        self.kinds = kinds
        self.samples = samples
        self.file = file
        self.trace = trace
        self.names = trace.event_names() if trace else {}
        self.monitored = "monitor" in top and top["monitor"].value is not None
        self.ranges: list[tuple[int, int, Node]] = []
        counting, measured = _positive(top["count_samples"]), _positive(top["samples"])
        self.lengths = dict(zip(PHASES, (counting, counting, measured, measured, counting)))

    def read(self, node: Node, index: int) -> Job:
        if node["index"].count() != index:
            raise node["index"].bad(f"{node['index'].value} at position {index}")
        status = node["status"].text()
        if status not in STATUSES:
            raise node["status"].bad(f'"{status}" is none of {", ".join(STATUSES)}')
        kind = self.kinds.get(node["benchmark"].text())
        check, root = kind == "check", kind == "root"
        measured = status == "done" and not check
        counted = measured and not root and not (self.monitored and
                                                 node["exits_per_op"].value is None)
        phases = {name: self._phase(node["phases"][name], index, name)
                  for name in PHASES} if measured else {}
        return Job(index=index, name=node["name"].text(), benchmark=node["benchmark"].text(),
                   policy=node["policy"].text(), repetition=node["repetition"].count(),
                   probe_level=node["probe_level"].text(), check=check, root=root,
                   status=status,
                   reason=node["reason"].text() if "reason" in node else "",
                   controls=node["controls"].object() if status == "done" else {},
                   stated_exits_per_op=(node["exits_per_op"].number() if counted else None),
                   interruptions=_interruptions(node["interruptions"]) if counted else 0,
                   phases=phases,
                   validity=read_validity(node["validity"]) if measured else None,
                   failed_entries=tuple(self._failed_entries(node, index))
                   if status == "failed" and self.trace else (),
                   group=node["group"].count() if "group" in node else 0,
                   events=_events(node) if measured else ())

    def _failed_entries(self, node: Node, job: int) -> Iterator[str]:
        """Of a job that has phases: it may have failed before it had any."""
        for number, name in enumerate(PHASES):
            phase = node["phases"][name] if "phases" in node else None
            if phase is None or "packet_offset" not in phase:
                continue
            found = []
            if phase["packet_offset"].value is not None:
                found = in_records(self.trace.records(phase, job, number)[0], self.names)
            elif read_totals(phase["totals"]):
                found = in_totals(read_totals(phase["totals"]))
            yield from (f"{name}: {line}" for line in found)

    def _phase(self, node: Node, job: int, name: str) -> Phase:
        first, count = node["sample_offset"].count(), node["samples"].count()
        if count != self.lengths[name] and not (name == "twice" and count == 0):
            raise node["samples"].bad(f"{count}, but the run takes {self.lengths[name]}")
        if first + count > len(self.samples):
            raise BadInput(f"{self.file}: {len(self.samples)} samples, but {node.key} needs "
                           f"those from {first} to {first + count - 1}: cut off, or of another run")
        self.ranges.append((first, count, node))
        records, whole = None, True
        if node["packet_offset"].value is not None:
            records, whole = self.trace.records(node, job, PHASES.index(name))
        elif node["records"].count():
            raise node["records"].bad(f"{node['records'].count()}, but packet_offset names no packet "
                                      "that has them")
        return Phase(self.samples[first:first + count], records, not whole,
                     node["discarded"].count(), read_totals(node["totals"]), read_folded(node["folded"], count))

    def check_ranges(self) -> None:
        """No two phases may claim the same samples."""
        ranges = sorted(self.ranges, key=lambda entry: entry[0])
        for (first, count, node), (start, _, other) in zip(ranges, ranges[1:]):
            if start < first + count:
                raise other["sample_offset"].bad(f"shares samples with {node.key}")

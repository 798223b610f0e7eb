# SPDX-License-Identifier: MIT
"""A run directory, opened and checked: run.json, and each job's samples and records.

Samples and records are views of the files (numpy memmap): opening a run costs the same however
large it is. Every offset, count and size is checked before anything is read through it.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from .document import Node, load
from .errors import BadInput
from .stream import Stream
from .totals import Folded, Totals, read_folded, read_totals

SCHEMA = "exitmeter.run/3"

# enum phase of guests/results.h, in its order.
PHASES = ("count_control", "count_op", "control", "op")

STATUSES = ("done", "skipped", "failed", "not_run")

SAMPLE_BYTES = 16


@dataclass(frozen=True)
class Phase:
    """What one phase of a job left: samples as u64[n, 2], TSC before and after, of its last round;
    and their records, None where the phase kept none. discarded: exits that found no room for a
    record. totals: sums of all rounds, at the level "counts". folded: all rounds, if several."""

    samples: np.ndarray
    records: np.ndarray | None
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
class Job:
    """One benchmark under one policy, once. Only a done job has phases; a check is a job that
    proves behaviour: it takes no samples and nothing is measured."""

    index: int
    name: str
    benchmark: str
    policy: str
    repetition: int
    probe_level: str
    check: bool
    status: str
    reason: str
    controls: dict[str, Any]
    stated_exits_per_op: float | None
    interruptions: int
    phases: dict[str, Phase]


@dataclass(frozen=True)
class Run:
    """An opened run. document is run.json as it stands; the rest of it is checked."""

    path: Path
    document: dict[str, Any]
    status: str
    reason: str
    target: str
    unit: str
    samples: int
    count_samples: int
    cpus: int
    repetitions: int
    benchmarks: dict[str, dict[str, Any]]
    probe_levels: dict[str, str]
    jobs: tuple[Job, ...]
    stream: Stream | None

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

    @cached_property
    def reason_names(self) -> dict[int, str]:
        """Names of exit reasons, from the trace's metadata."""
        return self.stream.event_names() if self.stream else {}

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
    top.schema(SCHEMA)
    status = top["status"].text()
    if status not in ("complete", "failed"):
        raise top["status"].bad(f'"{status}" is neither "complete" nor "failed"')
    benchmarks = {node["name"].text(): node.object() for node in top["benchmarks"]}
    levels = {node["name"].text(): node["probe_level"].text() for node in top["policies"]}
    done = any(node["status"].value == "done" for node in top["jobs"])
    stream = Stream(path) if done else None  # a run that died may not have a trace
    samples = path / "samples.bin"
    checks = {name for name, row in benchmarks.items() if row.get("kind") == "check"}
    reader = _JobReader(top, checks, _open_samples(samples), samples, stream)
    jobs = []
    for index, node in enumerate(top["jobs"]):
        job = reader.read(node, index)
        if job.benchmark not in benchmarks:
            raise node["benchmark"].bad(f'"{job.benchmark}" is not among the benchmarks')
        if job.policy not in levels:
            raise node["policy"].bad(f'"{job.policy}" is not among the policies')
        if job.status == "failed" and status != "failed":
            raise top["status"].bad(f'"{status}", yet {job.name} failed')
        jobs.append(job)
    reader.check_ranges()
    return Run(path=path, document=top.object(), status=status, reason=top["reason"].text(),
               target=top["target"].text(), unit=top["unit"].text(),
               samples=top["samples"].count(), count_samples=top["count_samples"].count(),
               cpus=top["cpus"].count() if "cpus" in top else 1,
               repetitions=top["repetitions"].count(), benchmarks=benchmarks,
               probe_levels=levels, jobs=tuple(jobs), stream=stream)


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
    return np.memmap(file, dtype="<u8", mode="r").reshape(-1, 2)


class _JobReader:
    """Turns the jobs of run.json into Job."""

    def __init__(self, top: Node, checks: set[str], samples: np.ndarray, file: Path,
                 stream: Stream | None) -> None:
        self.checks = checks
        self.samples = samples
        self.file = file
        self.stream = stream
        self.ranges: list[tuple[int, int, Node]] = []
        counting, measured = _positive(top["count_samples"]), _positive(top["samples"])
        self.lengths = dict(zip(PHASES, (counting, counting, measured, measured)))

    def read(self, node: Node, index: int) -> Job:
        if node["index"].count() != index:
            raise node["index"].bad(f"{node['index'].value} at position {index}")
        status = node["status"].text()
        if status not in STATUSES:
            raise node["status"].bad(f'"{status}" is none of {", ".join(STATUSES)}')
        check = node["benchmark"].text() in self.checks
        measured = status == "done" and not check
        phases = {name: self._phase(node["phases"][name], index, name)
                  for name in PHASES} if measured else {}
        return Job(index=index, name=node["name"].text(), benchmark=node["benchmark"].text(),
                   policy=node["policy"].text(), repetition=node["repetition"].count(),
                   probe_level=node["probe_level"].text(), check=check, status=status,
                   reason=node["reason"].text() if "reason" in node else "",
                   controls=node["controls"].object() if status == "done" else {},
                   stated_exits_per_op=node["exits_per_op"].number() if measured else None,
                   interruptions=_interruptions(node["interruptions"]) if measured else 0,
                   phases=phases)

    def _phase(self, node: Node, job: int, name: str) -> Phase:
        first, count = node["sample_offset"].count(), node["samples"].count()
        if count != self.lengths[name]:
            raise node["samples"].bad(f"{count}, but the run takes {self.lengths[name]}")
        if first + count > len(self.samples):
            raise BadInput(f"{self.file}: {len(self.samples)} samples, but {node.key} needs "
                           f"those from {first} to {first + count - 1}: cut off, or of another run")
        self.ranges.append((first, count, node))
        records = None
        if node["packet_offset"].value is not None:
            records = self.stream.records(node["packet_offset"].count(), node["records"].count(),
                                          job, PHASES.index(name))
        return Phase(self.samples[first:first + count], records, node["discarded"].count(),
                     read_totals(node["totals"]), read_folded(node["folded"], count))

    def check_ranges(self) -> None:
        """No two phases may claim the same samples."""
        ranges = sorted(self.ranges, key=lambda entry: entry[0])
        for (first, count, node), (start, _, other) in zip(ranges, ranges[1:]):
            if start < first + count:
                raise other["sample_offset"].bad(f"shares samples with {node.key}")

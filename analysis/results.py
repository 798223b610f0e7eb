# SPDX-License-Identifier: MIT
"""What a run measured: one Result for each benchmark under each policy, repetitions pooled."""

from dataclasses import dataclass
from math import isclose

import numpy as np

from .errors import BadInput
from .run import Job, Phase, Run
from .statistics import (COUNTERS, PARTS, Absent, counters, distribution, durations, exit_reasons,
                         exits, median, split)


@dataclass(frozen=True)
class Split:
    """Medians of the five parts by name, and of the whole round trip, end - start, control
    included: the parts of each sample add up to it, their medians need not."""

    parts: dict[str, int]
    whole: int


@dataclass(frozen=True)
class Costs:
    """Counters per exit, means over exits; phase says which phase's records they come from."""

    per_exit: dict[str, float]
    exits: int
    phase: str


@dataclass(frozen=True)
class Result:
    """One benchmark under one policy. Times are in the run's unit, less the control.

    values: every net sample, repetitions one after another. controls, repetition_p50: the
    control's median and the net median of each repetition.
    """

    benchmark: str
    policy: str
    values: np.ndarray
    net: dict[str, int]
    controls: tuple[int, ...]
    repetition_p50: tuple[int, ...]
    exits_per_op: float
    split: Split | Absent
    costs: Costs | Absent
    reasons: dict[int, int]

    @property
    def name(self) -> str:
        return f"{self.benchmark}/{self.policy}"

    @property
    def steady(self) -> bool:
        """All samples are equal."""
        return self.net["min"] == self.net["max"]


def results(run: Run) -> list[Result]:
    """The results of all jobs with numbers, in the order of benchmarks, then policies."""
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in run.measured_jobs:
        groups.setdefault((job.benchmark, job.policy), []).append(job)
    order = [(benchmark, policy) for benchmark in run.benchmarks for policy in run.probe_levels]
    return [_pool(run, groups[pair]) for pair in order if pair in groups]


# What the counting phases record is the general stub's doing.
FLOOR = Absent("its exit stub carries no probes")


def _pool(run: Run, jobs: list[Job]) -> Result:
    floor = run.benchmarks[jobs[0].benchmark].get("stub") == "floor"
    controls = [median(durations(job.phases["control"].samples)) for job in jobs]
    nets = [durations(job.phases["op"].samples) - control for job, control in zip(jobs, controls)]
    values = np.concatenate(nets)
    return Result(benchmark=jobs[0].benchmark, policy=jobs[0].policy, values=values,
                  net=distribution(values), controls=tuple(controls),
                  repetition_p50=tuple(median(net) for net in nets),
                  exits_per_op=_exits_per_op(run, jobs),
                  split=FLOOR if floor else _pool_split(jobs),
                  costs=FLOOR if floor else _pool_costs(jobs), reasons=_pool_reasons(jobs))


def _exits_per_op(run: Run, jobs: list[Job]) -> float:
    """From the records, by the definition of RUN_FORMAT.md; run.json must agree."""
    total, samples = 0, 0
    for job in jobs:
        op, control = job.phases["op"], job.phases["control"]
        if op.records is None or control.records is None:
            op, control = job.phases["count_op"], job.phases["count_control"]
        where = f"{run.path / 'run.json'}: jobs[{job.index}]"
        if op.records is None or control.records is None:
            raise BadInput(f"{where}: no phase has records")
        found = _exit_count(op) - _exit_count(control)
        per_op = found / len(op.samples)
        if not isclose(per_op, job.stated_exits_per_op, rel_tol=1e-5, abs_tol=1e-6):
            raise BadInput(f"{where}.exits_per_op: {job.stated_exits_per_op}, but the trace's "
                           f"records say {per_op:g}")
        total += found
        samples += len(op.samples)
    return total / samples


def _exit_count(phase: Phase) -> int:
    """Exits of a phase with records, the one that ended it left out: it is the last, so where
    its record is missing it is among the discarded."""
    taken = len(exits(phase.records))
    ended = taken < len(phase.records)
    return taken + phase.discarded - (phase.discarded > 0 and not ended)


def _pool_split(jobs: list[Job]) -> Split | Absent:
    parts, samples = [], []
    for job in jobs:
        op = job.phases["op"]
        found = split(op.samples, op.records, op.discarded)
        if isinstance(found, Absent):
            if op.records is None and not len(exits(job.phases["count_op"].records)):
                return Absent("takes no exit")
            return found
        parts.append(found)
        samples.append(durations(op.samples))
    pooled = np.concatenate(parts, axis=1)
    return Split(parts={name: median(pooled[row]) for row, name in enumerate(PARTS)},
                 whole=median(np.concatenate(samples)))


def _pool_costs(jobs: list[Job]) -> Costs | Absent:
    """From the measured phases where every repetition has counts there, else the counting ones."""
    for phase in ("op", "count_op"):
        sums = dict.fromkeys(COUNTERS, 0)
        total = 0
        for job in jobs:
            records = job.phases[phase].records
            found, taken = ({}, 0) if records is None else counters(records)
            if taken == 0:
                break
            total += taken
            sums = {name: sums[name] + found[name] for name in COUNTERS}
        else:
            return Costs({name: sums[name] / total for name in COUNTERS}, total, phase)
    measured = [job.phases["op"] for job in jobs if job.phases["op"].records is not None]
    exited = any(_exit_count(phase) for phase in measured)
    return Absent("the records of its exits carry no counts" if exited else "takes no exit")


def _pool_reasons(jobs: list[Job]) -> dict[int, int]:
    """Exits by reason: of the measured phases where they have records, else of the counting."""
    pooled: dict[int, int] = {}
    for job in jobs:
        records = job.phases["op"].records
        if records is None:
            records = job.phases["count_op"].records
        for number, count in exit_reasons(records).items():
            pooled[number] = pooled.get(number, 0) + count
    return dict(sorted(pooled.items()))

# SPDX-License-Identifier: MIT
"""What a run measured: one Result for each benchmark under each policy, repetitions pooled."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from math import isclose

import numpy as np

from .errors import BadInput
from .event_results import EventResult, event_results
from .inference import Interval, median_interval
from .interruptions import undisturbed
from .run import ANY_POLICY, Job, Run
from .statistics import (PART_NAMES, PERCENTILES, Absent, counters, distribution, durations,
                         exit_reasons, exits, low, median, rank, split)
from .totals import COUNTERS
from .wide import TRANSITION_PARTS, exit_transition


@dataclass(frozen=True)
class Split:
    """Medians of the parts by name, BETWEEN among them where samples hold several exits, and of
    the whole round trip, end - start, control included: the parts of each sample add up to it,
    their medians need not."""

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

    repetitions: every net sample that was kept, by repetition; values: the same one after another.
    controls, repetition_p50: the control's median and the net median of each repetition. lows: of
    each repetition a low quantile of the control's samples and of the operation's, whole (shift.py);
    struck: whether something disturbed it.
    rounds: the net
    distribution over all rounds of all repetitions, from histograms, where there were several.
    doubling: what a second operation in a sample adds to it, less the control (slope.py).
    disturbed: what struck any of its repetitions. interrupted: samples that the host's interrupts
    struck, which are left out.
    probe_level: as it was in force. transition: medians of what the CPU's own stamp divides the exit
    transition into. Where events took several groups of jobs, all but events is of the first.
    exits_per_op: None in VMX root operation, and where the monitor does not count.
    """

    benchmark: str
    policy: str
    repetitions: tuple[np.ndarray, ...]
    net: dict[str, int]
    controls: tuple[int, ...]
    repetition_p50: tuple[int, ...]
    lows: tuple[tuple[int, int], ...]
    struck: tuple[bool, ...]
    exits_per_op: float | None
    split: Split | Absent
    costs: Costs | Absent
    reasons: dict[int, int]
    rounds: dict[str, int] | None
    doubling: int | Absent
    disturbed: tuple[str, ...]
    interrupted: int
    probe_level: str
    transition: dict[str, int] | Absent
    events: tuple[EventResult, ...]

    @property
    def name(self) -> str:
        return f"{self.benchmark}/{self.policy}"

    @cached_property
    def values(self) -> np.ndarray:
        return np.concatenate(self.repetitions)

    @cached_property
    def interval(self) -> Interval:
        """Of the median; over repetitions where there are enough of them."""
        return median_interval(self.repetitions)

    @property
    def steady(self) -> bool:
        """All samples are equal."""
        return self.net["min"] == self.net["max"]


def results(run: Run) -> list[Result]:
    """The results of all guests with numbers, in the order of benchmarks, then policies."""
    groups = _groups(job for job in run.measured_jobs if not job.root)
    order = [(benchmark, policy) for benchmark in run.benchmarks for policy in run.probe_levels]
    return [_pool(run, groups[pair]) for pair in order if pair in groups]


def root_operations(run: Run) -> list[Result]:
    """The results of what was measured in VMX root operation, in the order of benchmarks."""
    groups = _groups(job for job in run.measured_jobs if job.root)
    order = [(benchmark, ANY_POLICY) for benchmark in run.benchmarks]
    return [_pool(run, groups[pair]) for pair in order if pair in groups]


def _groups(jobs: Iterable[Job]) -> dict[tuple[str, str], list[Job]]:
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        groups.setdefault((job.benchmark, job.policy), []).append(job)
    return groups


# Nothing exits there.
ROOT = Absent("is no guest's")

# What the counting phases record is the general stub's doing.
FLOOR = Absent("its exit stub carries no probes")
MONITORED = Absent("its monitor is not our core, and carries no probes")
DAMAGED = Absent("the trace of it is damaged")


def _pool(run: Run, jobs: list[Job]) -> Result:
    floor = run.benchmarks[jobs[0].benchmark].get("stub") == "floor"
    without = (ROOT if jobs[0].root else MONITORED if run.monitored else FLOOR if floor else None)
    counted = event_results(jobs)
    exits_per_op = None if jobs[0].root else _exits_per_op(run, jobs)
    jobs = [job for job in jobs if job.group == min(job.group for job in jobs)]
    jobs, left_out = map(list, zip(*(undisturbed(run, job) for job in jobs)))
    controls = [median(durations(job.phases["control"].samples)) for job in jobs]
    nets = [durations(job.phases["op"].samples) - control for job, control in zip(jobs, controls)]
    return Result(benchmark=jobs[0].benchmark, policy=jobs[0].policy, repetitions=tuple(nets),
                  net=distribution(np.concatenate(nets)), controls=tuple(controls),
                  repetition_p50=tuple(median(net) for net in nets),
                  lows=tuple((low(durations(job.phases["control"].samples)),
                              low(durations(job.phases["op"].samples))) for job in jobs),
                  struck=tuple(bool(job.validity.disturbed) for job in jobs),
                  exits_per_op=exits_per_op,
                  split=without or _pool_split(jobs), costs=without or _pool_costs(jobs),
                  reasons={} if jobs[0].root or run.monitored else _pool_reasons(jobs),
                  rounds=_pool_rounds(jobs, controls), doubling=_doubling(jobs),
                  disturbed=tuple(line for job in jobs for line in job.validity.disturbed),
                  interrupted=sum(left_out), probe_level=jobs[0].probe_level,
                  transition=without or _pool_transition(jobs), events=counted)


def _doubling(jobs: list[Job]) -> int | Absent:
    """The median over repetitions."""
    if any(len(job.phases["twice"].samples) == 0 for job in jobs):
        return Absent("the operation cannot be done twice in a sample")
    medians = [[median(durations(job.phases[name].samples)) for name in ("twice", "op", "control")]
               for job in jobs]
    return median(np.array([twice - op - control for twice, op, control in medians]))


def _pool_rounds(jobs: list[Job], controls: list[int]) -> dict[str, int] | None:
    """Percentiles are the lowest values of their buckets; n, min and max are exact."""
    folded = [job.phases["op"].folded for job in jobs]
    if not all(folded):
        return None
    trips = [(each.histograms["round_trip"], control) for each, control in zip(folded, controls)]
    pairs = sorted((lowest - control, count) for trip, control in trips if trip
                   for lowest, count in trip.buckets)
    n = sum(count for _, count in pairs)
    return {"n": n, "min": min(trip.min - control for trip, control in trips if trip),
            **{name: _at_rank(pairs, rank(n, place)) for name, place in PERCENTILES.items()},
            "max": max(trip.max - control for trip, control in trips if trip)}


def _at_rank(pairs: list[tuple[int, int]], place: int) -> int:
    """The value at a place, from 0, of values given in order with how often each occurs."""
    for value, count in pairs:
        place -= count
        if place < 0:
            return value
    raise AssertionError("fewer values than places")


def _exits_per_op(run: Run, jobs: list[Job]) -> float | None:
    """From the records, by the definition of RUN_FORMAT.md; run.json must agree. Of a monitor that
    is not our core, as it says itself; None if it does not."""
    total, samples = 0, 0
    if run.monitored:
        stated = [job.stated_exits_per_op for job in jobs]
        return None if None in stated else sum(stated) / len(stated)
    for job in jobs:
        op, control = job.phases["op"], job.phases["control"]
        where = f"{run.path / 'run.json'}: jobs[{job.index}]"
        if op.records is None and job.phases["count_op"].records is None:
            raise BadInput(f"{where}: neither op nor count_op has records, so nothing tells which "
                           "exits there were")
        if op.exits is None or control.exits is None:
            op, control = job.phases["count_op"], job.phases["count_control"]
        if op.damaged or control.damaged:  # the harness had counted them before
            total += round(job.stated_exits_per_op * op.operations)
            samples += op.operations
            continue
        if op.exits is None or control.exits is None:
            raise BadInput(f"{where}: no phase has records")
        found = op.exits - control.exits - job.interruptions
        per_op = found / op.operations
        if not isclose(per_op, job.stated_exits_per_op, rel_tol=1e-5, abs_tol=1e-6):
            raise BadInput(f"{where}.exits_per_op: {job.stated_exits_per_op}, but the trace's "
                           f"records say {per_op:g}")
        total += found
        samples += op.operations
    return total / samples


def _pool_split(jobs: list[Job]) -> Split | Absent:
    parts, samples, exits_each = [], [], set()
    for job in jobs:
        op = job.phases["op"]
        if op.damaged:
            return DAMAGED
        found = split(op.samples, op.records, op.discarded)
        if isinstance(found, Absent):
            counted = job.phases["count_op"]
            if op.records is None and not len(exits(counted.samples, counted.records)):
                return Absent("takes no exit")
            return found
        parts.append(found)
        samples.append(durations(op.samples))
        exits_each.add(len(exits(op.samples, op.records)) // len(op.samples))
    if len(exits_each) > 1:
        return Absent("its repetitions take different numbers of exits a sample")
    pooled = np.concatenate(parts, axis=1)
    return Split(parts={name: median(row) for name, row in zip(PART_NAMES, pooled)},
                 whole=median(np.concatenate(samples)))


def _pool_transition(jobs: list[Job]) -> dict[str, int] | Absent:
    parts = []
    for job in jobs:
        op = job.phases["op"]
        found = exit_transition(op.samples, op.records, op.discarded)
        if isinstance(found, Absent):
            return found
        parts.append(found)
    pooled = np.concatenate(parts, axis=1)
    return {name: median(pooled[row]) for row, name in enumerate(TRANSITION_PARTS)}


def _pool_totals(jobs: list[Job]) -> Costs | None:
    """From the sums of the measured phases: what the operations add to what the controls cost."""
    sums = dict.fromkeys(COUNTERS, 0)
    total = 0
    for job in jobs:
        op, control = job.phases["op"], job.phases["control"]
        if not op.totals or not control.totals or op.exits == control.exits:
            return None
        total += op.exits - control.exits
        for name in COUNTERS:
            sums[name] += op.totals.costs[name] - control.totals.costs[name]
    return Costs({name: sums[name] / total for name in COUNTERS}, total, "op")


def _pool_costs(jobs: list[Job]) -> Costs | Absent:
    """From the measured phases where every repetition has counts there, else the counting ones."""
    summed = _pool_totals(jobs)
    if summed:
        return summed
    for phase in ("op", "count_op"):
        sums = dict.fromkeys(COUNTERS, 0)
        total = 0
        for job in jobs:
            samples, records = job.phases[phase].samples, job.phases[phase].records
            found, taken = ({}, 0) if records is None else counters(samples, records)
            if taken == 0:
                break
            total += taken
            sums = {name: sums[name] + found[name] for name in COUNTERS}
        else:
            return Costs({name: sums[name] / total for name in COUNTERS}, total, phase)
    if any(job.phases[phase].damaged for job in jobs for phase in ("op", "count_op")):
        return DAMAGED
    measured = [job.phases["op"] for job in jobs if job.phases["op"].records is not None]
    exited = any(phase.exits for phase in measured)
    return Absent("the records of its exits carry no counts" if exited else "takes no exit")


def _pool_reasons(jobs: list[Job]) -> dict[int, int]:
    """Exits by reason: of the measured phases where they have records, else of the counting."""
    pooled: dict[int, int] = {}
    for job in jobs:
        phase = job.phases["op"]
        if phase.records is None:
            phase = job.phases["count_op"]
        for number, count in exit_reasons(phase.samples, phase.records).items():
            pooled[number] = pooled.get(number, 0) + count
    return dict(sorted(pooled.items()))

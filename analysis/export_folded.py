# SPDX-License-Identifier: MIT
"""Folded stacks, "a;b;c COUNT" a line, which flamegraph.pl, inferno and speedscope read. The counts
are ticks or TSC cycles."""

from collections import Counter
from typing import TextIO

import numpy as np

from .profile import ProfileRun
from .run import Run
from .statistics import PART_NAMES, Absent, exits, split

CORE_PARTS = (("save and dispatch", "entered", "dispatched"), ("handler", "dispatched", "handled"),
              ("restore", "handled", "entering"))


def _frame(text: str) -> str:
    """What would end a frame or a line is not part of a name."""
    return "".join(char if char.isprintable() and char != ";" else "_" for char in text)


def write_stacks(stacks: Counter[tuple[str, ...]], stream: TextIO) -> None:
    for frames, count in sorted(stacks.items()):
        if count > 0:
            stream.write(f"{';'.join(map(_frame, frames))} {count}\n")


def write(run: Run, stream: TextIO) -> None:
    """Of the measured operations: policy, benchmark, exit reason, part; and the transitions, where
    samples can be divided."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for job in run.measured_jobs:
        phase = job.phases["op"]
        if phase.records is None or phase.damaged:
            continue
        root = (job.policy, job.benchmark)
        taken = exits(phase.samples, phase.records)
        for reason in np.unique(taken["reason"]).tolist():
            mine = taken[taken["reason"] == reason]
            name = run.reason_names.get(reason, f"exit reason {reason}")
            for part, first, last in CORE_PARTS:
                stacks[(*root, name, part)] += int((mine[last] - mine[first]).sum(dtype=np.uint64))
        parts = split(phase.samples, phase.records, phase.discarded)
        if not isinstance(parts, Absent):
            sums = dict(zip(PART_NAMES.values(), parts.sum(axis=1).tolist()))
            for part in ("exit transition", "entry transition", "between"):
                stacks[(*root, part)] += sums.get(part, 0)
    write_stacks(stacks, stream)


def write_profile(run: ProfileRun, stream: TextIO) -> None:
    """Of a guest of the user's own: policy, then the guest, or the core by exit reason, by what was
    accessed, by part. Exits that found no room in that table stand under their reason."""
    stacks: Counter[tuple[str, ...]] = Counter()
    for outcome in run.outcomes:
        if outcome.profile is None:
            continue
        stacks[(outcome.policy, "guest")] += outcome.profile.guest
        named: Counter[tuple[int, str]] = Counter()
        for entry in outcome.profile.details:
            named += _costs(outcome.profile.names[entry.reason], entry, stacks, outcome.policy)
        for entry in outcome.profile.reasons:
            name = outcome.profile.names[entry.reason]
            rest = {part: ticks - named[(entry.reason, part)]
                    for part, ticks in _parts(entry.costs).items()}
            for part, ticks in rest.items():
                stacks[(outcome.policy, "core", name, "others", part)] += ticks
    write_stacks(stacks, stream)


def _costs(name: str, entry, stacks: Counter, policy: str) -> Counter:
    """Adds an entry of the details; what it was of its reason."""
    found = _parts(entry.costs)
    for part, ticks in found.items():
        stacks[(policy, "core", name, entry.what or "not said", part)] += ticks
    return Counter({(entry.reason, part): ticks for part, ticks in found.items()})


def _parts(costs: dict[str, int]) -> dict[str, int]:
    return {"save and dispatch": costs["dispatch"], "handler": costs["handler"],
            "restore": costs["ticks"] - costs["dispatch"] - costs["handler"]}

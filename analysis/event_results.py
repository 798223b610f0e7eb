# SPDX-License-Identifier: MIT
"""What performance events counted under one benchmark and policy: repetitions pooled, groups joined."""

from dataclasses import dataclass

import numpy as np

from .run import Event, Job
from .statistics import Absent, median
from .wide import HOST_PARTS, guest_events, host_events


@dataclass(frozen=True)
class EventResult:
    """One event, by exit. host: medians of HOST_PARTS, and of all of them together as "whole";
    guest: the median of what it counted in the guest between two exits."""

    name: str
    host: dict[str, int] | Absent
    guest: int | Absent


def event_results(jobs: list[Job]) -> tuple[EventResult, ...]:
    """Of all jobs of a benchmark under a policy, in the order in which they name their events."""
    names = dict.fromkeys(event.name for job in jobs for event in job.events)
    return tuple(EventResult(name, _host(jobs, name), _guest(jobs, name)) for name in names)


def _of(jobs: list[Job], name: str, side: str) -> list[tuple[Job, Event]]:
    return [(job, event) for job in jobs for event in job.events
            if (event.name, event.side) == (name, side)]


def _pool(jobs: list[Job], name: str, side: str) -> np.ndarray | Absent:
    """The event's counts on that side, the last axis being exits."""
    counts = []
    for job, event in _of(jobs, name, side):
        count = host_events if side == "host" else guest_events
        found = (Absent(event.absent) if event.absent
                 else count(job.phases["op"].samples, job.phases["op"].records, event.place,
                            event.mask))
        if isinstance(found, Absent):
            return found
        counts.append(found)
    return np.concatenate(counts, axis=-1) if counts else Absent("no job that ran counts it")


def _host(jobs: list[Job], name: str) -> dict[str, int] | Absent:
    parts = _pool(jobs, name, "host")
    if isinstance(parts, Absent):
        return parts
    return {**{part: median(parts[row]) for row, part in enumerate(HOST_PARTS)},
            "whole": median(parts.sum(axis=0))}


def _guest(jobs: list[Job], name: str) -> int | Absent:
    counts = _pool(jobs, name, "guest")
    return counts if isinstance(counts, Absent) else median(counts)

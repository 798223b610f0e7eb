# SPDX-License-Identifier: MIT
"""Samples that an interrupt of the host's own struck. They are no measure of the operation: they are
left out and counted. Recognised by the records, so only where the phase kept some."""

from dataclasses import replace

import numpy as np

from .run import Job, Phase, Run
from .statistics import homes

EXTERNAL_INTERRUPT = 1  # basic exit reason; SDM volume 3D, appendix C


def struck(phase: Phase) -> np.ndarray:
    """bool[n]: the samples within which the CPU left the guest for an external interrupt."""
    marks = np.zeros(len(phase.samples), dtype=bool)
    if phase.records is None:
        return marks
    interrupts = phase.records["reason"] == EXTERNAL_INTERRUPT
    if not interrupts.any():
        return marks
    moments = phase.records["entered"][interrupts]
    home, inside = homes(phase.samples, moments)
    marks[home[inside]] = True
    return marks


def expects_interrupts(run: Run, benchmark: str) -> bool:
    """Whether interrupts are what the benchmark is about."""
    return any(each["reason"] == EXTERNAL_INTERRUPT
               for each in run.benchmarks[benchmark].get("exits", []))


def undisturbed(run: Run, job: Job) -> tuple[Job, int]:
    """The job without the samples that were struck, their records with them, and how many of the
    op phase those are. One in which most were struck stays as it is: what is left would be the
    exception. Where rounds were folded, the histograms have them in."""
    if expects_interrupts(run, job.benchmark):
        return job, 0
    marks = {name: struck(phase) for name, phase in job.phases.items()}
    phases = {name: _without(phase, marks[name]) for name, phase in job.phases.items()}
    return replace(job, phases=phases), int(len(job.phases["op"].samples)
                                            - len(phases["op"].samples))


def _without(phase: Phase, marks: np.ndarray) -> Phase:
    if not marks.any() or 2 * np.count_nonzero(marks) >= len(marks):
        return phase
    home, inside = homes(phase.samples, phase.records["entered"])
    return replace(phase, samples=phase.samples[~marks],
                   records=phase.records[~(inside & marks[home])])

# SPDX-License-Identifier: MIT
"""Has a round trip become slower, on a machine that never stands still? No files, no text.

What is compared are repetitions, not samples: one value of each, so that a disturbance that lasts
longer than a repetition counts once and not a thousand times. The value is a low quantile of the
operation's samples, as interference only ever adds (Chen and Revels, Robust benchmarking in noisy
environments, 2016, arXiv:1608.04295), and where that varies less, the quotient of it and the same
quantile of the control, which ran milliseconds before on the same machine in the same state (the
pairing of Bulej et al., Duet benchmarking, ICPE 2020).

The test is Mann-Whitney's, one-sided; the estimate that goes with it Hodges and Lehmann's: the
median of all quotients of a new value and an old one (Annals of Mathematical Statistics 34, 1963).

Limits: it takes repetitions to be exchangeable, so they must be spread over more time than the
disturbances last. A build that makes the control slower by as much hides itself where the quotient
is what is compared; the control has no exit in it. A slow tail moves no low quantile.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .inference import least, mann_whitney

# Fewer cannot tell a change from a bad moment.
REPETITIONS = 10

POWER = 0.95

Lows = Sequence[tuple[int, int]]  # of each repetition: control, operation


@dataclass(frozen=True)
class Shift:
    """ratio: new / old. slower, faster: p of the one-sided tests. least: the ratio that the test
    finds at its level with POWER. by_control: what was compared is the quotient of operation and
    control. repetitions: old and new."""

    ratio: float
    slower: float
    faster: float
    least: float
    by_control: bool
    repetitions: tuple[int, int]


def shift(old: Lows, new: Lows, level: float) -> Shift:
    """Of new against old; level: that of one test, for least."""
    by_control = steadier_by_control(old, new)
    before, after = (values(side, by_control) for side in (old, new))
    quotients = np.subtract.outer(after, before)
    return Shift(ratio=float(np.exp(np.median(quotients))),
                 slower=mann_whitney(before, after, "greater"),
                 faster=mann_whitney(before, after, "less"),
                 least=float(np.exp(least(before, after, level, POWER))),
                 by_control=by_control, repetitions=(len(old), len(new)))


def values(side: Lows, by_control: bool) -> np.ndarray:
    """Logarithms, so that a quotient is a difference."""
    control, operation = np.log(np.maximum(np.array(side, dtype=float), 1)).T
    return operation - control if by_control else operation


def steadier_by_control(old: Lows, new: Lows) -> bool:
    """Whether the quotient spreads less, within the sides: no difference between them counts."""
    spreads = [sum(float(np.subtract(*np.quantile(values(side, by_control), [0.75, 0.25])))
                   for side in (old, new)) for by_control in (False, True)]
    return spreads[1] < spreads[0]

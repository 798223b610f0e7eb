# SPDX-License-Identifier: MIT
"""Where a series of figures changed: change points.

What is exact, a count of a deterministic clock, changed wherever two values in a row differ. What has
noise is divided by E-divisive means (Matteson and James, "A nonparametric approach for multiple change
point analysis of multivariate data", JASA 109, 2014), which Daly et al. brought to performance tests
(ICPE 2020): the series is cut where the energy distance of its two sides is largest, and each side again,
as long as the cut is significant. As Fleming et al. do in Hunter (ICPE 2023), significance is by Welch's t
test and not by permutations, so that the same series has the same answer each time; unlike theirs, p is
multiplied by the number of places at which the cut could have been made, since the best of them was taken.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats

SIGNIFICANCE = 0.01
SMALLEST = 3  # values on either side of a cut


@dataclass(frozen=True)
class Change:
    """at: index of the first value behind the change. before, after: the value on either side where
    exact, else the means up to the change points beside it. p: None where exact."""

    at: int
    before: float
    after: float
    p: float | None


def steps(values: list[float]) -> list[Change]:
    """Changes of exact values."""
    return [Change(at, values[at - 1], values[at], None) for at in range(1, len(values))
            if values[at] != values[at - 1]]


def change_points(values: list[float], significance: float = SIGNIFICANCE) -> list[Change]:
    """Changes of values with noise."""
    series = np.asarray(values, dtype=float)
    cuts = [0, *sorted(_divide(series, 0, significance)), len(series)]
    return [Change(at, float(series[start:at].mean()), float(series[at:end].mean()),
                   _p(series[start:at], series[at:end]))
            for start, at, end in zip(cuts, cuts[1:], cuts[2:])]


def _divide(series: np.ndarray, offset: int, significance: float) -> list[int]:
    if len(series) < 2 * SMALLEST:
        return []
    at = best_cut(series)
    if _p(series[:at], series[at:]) * (len(series) - 2 * SMALLEST + 1) > significance:
        return []
    return [*_divide(series[:at], offset, significance), offset + at,
            *_divide(series[at:], offset + at, significance)]


def best_cut(series: np.ndarray) -> int:
    """Where the energy distance of both sides, scaled by their lengths, is largest: with alpha 1,
    mn / (m + n) * (2 mean |x - y| - mean |x - x'| - mean |y - y'|)."""
    apart = np.abs(series[:, None] - series[None, :])
    # Sums of all differences within the first m values, and within those behind them.
    sums = apart.cumsum(axis=0).cumsum(axis=1)
    total = len(series)
    m = np.arange(SMALLEST, total - SMALLEST + 1)
    n = total - m
    first = np.diagonal(sums)[m - 1]
    across = sums[m - 1, -1] - first
    second = sums[-1, -1] - first - 2 * across
    energy = m * n / total * (2 * across / (m * n) - first / (m * (m - 1)) - second / (n * (n - 1)))
    return int(m[np.argmax(energy)])


def _p(before: np.ndarray, after: np.ndarray) -> float:
    """Welch's test; of two sides without any spread, whether they are equal."""
    if np.ptp(before) == 0 and np.ptp(after) == 0:
        return float(before[0] == after[0])
    return float(stats.ttest_ind(before, after, equal_var=False).pvalue)

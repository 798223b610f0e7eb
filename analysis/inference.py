# SPDX-License-Identifier: MIT
"""What samples say beyond themselves: intervals, tests, effect sizes. No files, no text.

Samples of one repetition follow one another on one machine in one state: they are not independent,
and what holds of them need not hold of the next repetition. So where there are REPETITIONS_NEEDED or
more, the medians of the repetitions are what is looked at; else the samples are, and what comes out
is said to be "over" samples: it holds for that repetition, not for the build.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from scipy import special

from .statistics import median, rank

LEVEL = 0.95
REPETITIONS_NEEDED = 5

# Of the least effect: a two-sided test at 5 % that finds it 8 times of 10.
ALPHA = 0.05
POWER = 0.8
DRAWS = 10_000
FAR = 5  # square roots of n, which is ten standard deviations


@dataclass(frozen=True)
class Interval:
    """A bootstrap interval at LEVEL; over: "samples" or "repetitions", n of them."""

    low: float
    high: float
    over: str
    n: int


@dataclass(frozen=True)
class Difference:
    """What one side's observations say against the other's, old first. p: Mann-Whitney, two-sided,
    not corrected. delta: Cliff's, over all samples: how often a new one is above an old one, less
    how often it is below, from -1 to 1. least: the shift that the test finds at ALPHA with POWER,
    in the samples' unit. ratio: interval of new median / old median; None where one is not above 0."""

    ratio: Interval | None
    p: float
    delta: float
    least: float
    over: str


def observations(repetitions: Sequence[np.ndarray]) -> tuple[np.ndarray, str]:
    """The medians of the repetitions where there are enough of them, else all samples."""
    if len(repetitions) >= REPETITIONS_NEEDED:
        return np.array([median(each) for each in repetitions]), "repetitions"
    return np.concatenate(list(repetitions)), "samples"


def median_interval(repetitions: Sequence[np.ndarray]) -> Interval:
    """Percentile bootstrap interval of the median of the observations."""
    values, over = observations(repetitions)
    ordered, weights = bootstrap_median(values)
    reached = np.cumsum(weights)
    low, high = (ordered[min(int(np.searchsorted(reached, at)), len(ordered) - 1)]
                 for at in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(int(low), int(high), over, len(values))


def bootstrap_median(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The bootstrap distribution of the nearest-rank median: sorted values, and the probability of
    each. Exact, so nothing is drawn at random: the r-th smallest of n draws is at most the k-th
    value if r or more draws are, which is a binomial tail, an incomplete beta function (Maritz and
    Jarrett, JASA 73, 1978)."""
    n = len(values)
    place = rank(n, 500) + 1
    # Further than ten standard deviations of the binomial from the median, nothing is left of it.
    first, last = max(0, place - FAR * isqrt(n)), min(n, place + FAR * isqrt(n))
    ordered = np.partition(values, [first, last - 1])[first:last]
    ordered.sort()
    if ordered[0] == ordered[-1]:
        return ordered[:1], np.ones(1)
    reached = special.betainc(place, n - place + 1, np.arange(first, last + 1) / n)
    return ordered, np.diff(reached)


def ratio_interval(old: Sequence[np.ndarray], new: Sequence[np.ndarray]) -> Interval | None:
    """Of new median / old median. Both bootstrap distributions are exact; their quotient is drawn,
    from a fixed seed, so that the same runs give the same interval."""
    before, over = observations(old)
    after, over_after = observations(new)
    if median(before) <= 0 or median(after) <= 0:
        return None
    source = np.random.default_rng(1)
    drawn = []
    for values in (before, after):
        ordered, weights = bootstrap_median(values)
        places = np.searchsorted(np.cumsum(weights), source.random(DRAWS))
        drawn.append(ordered[np.minimum(places, len(ordered) - 1)].astype(float))
    usable = drawn[0] > 0
    if not np.all(usable):
        return None
    low, high = np.quantile(drawn[1] / drawn[0], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(low), float(high), over if over == over_after else "samples",
                    min(len(before), len(after)))


def difference(old: Sequence[np.ndarray], new: Sequence[np.ndarray]) -> Difference:
    """Both sides by repetition. One that has few repetitions makes the other's samples count too."""
    enough = min(len(old), len(new)) >= REPETITIONS_NEEDED
    pooled = [np.concatenate(list(side)) for side in (old, new)]
    if enough:
        seen = [observations(side)[0] for side in (old, new)]
    else:
        seen, old, new = pooled, pooled[:1], pooled[1:]
    return Difference(ratio=ratio_interval(old, new), p=mann_whitney(*seen),
                      delta=cliffs_delta(*pooled), least=least_shift(*seen),
                      over="repetitions" if enough else "samples")


def mann_whitney(old: np.ndarray, new: np.ndarray, alternative: str = "two-sided") -> float:
    """p that both come from one distribution; 1 where all values are one. alternative, of new:
    "two-sided", "greater", "less"."""
    if min(old.min(), new.min()) == max(old.max(), new.max()):
        return 1.0
    from scipy import stats  # takes longer to import than most commands run
    return float(stats.mannwhitneyu(new, old, alternative=alternative).pvalue)


def cliffs_delta(old: np.ndarray, new: np.ndarray) -> float:
    """P(new > old) - P(new < old) (Cliff, Psychological Bulletin 114, 1993)."""
    ordered = np.sort(old)
    below = np.searchsorted(ordered, new, side="left").sum(dtype=float)
    not_above = np.searchsorted(ordered, new, side="right").sum(dtype=float)
    return float((below + not_above) / (len(old) * len(new)) - 1)


def least_shift(old: np.ndarray, new: np.ndarray) -> float:
    """The shift that a rank-sum test of so many observations finds at ALPHA with POWER, from their
    spread: that of a normal distribution with the same interquartile range, and the test's
    efficiency there, 3/pi (Lehmann, Nonparametrics, 1975). At least one step of the clock."""
    return max(1.0, least(old, new, ALPHA / 2, POWER))


def least(old: np.ndarray, new: np.ndarray, alpha: float, power: float) -> float:
    """That shift for a one-sided test at alpha, of values that have no step."""
    wide = max(float(np.subtract(*np.quantile(side, [0.75, 0.25]))) for side in (old, new))
    spread = wide / (2 * special.ndtri(0.75))
    quantiles = special.ndtri(1 - alpha) + special.ndtri(power)
    return float(quantiles * spread * np.sqrt((1 / len(old) + 1 / len(new)) * np.pi / 3))


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are (Holm, Scandinavian Journal of Statistics 6,
    1979): all differences that stay below a level are real but with that probability."""
    order = np.argsort(values, kind="stable")
    corrected = [0.0] * len(values)
    highest = 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(values) - place) * values[index]))
        corrected[index] = highest
    return corrected

# SPDX-License-Identifier: MIT
"""Intervals, tests and effect sizes against scipy's own, and against values worked out by hand."""

import time

import numpy as np
import pytest
from scipy import stats

from analysis.inference import (REPETITIONS_NEEDED, bootstrap_median, cliffs_delta, difference, holm,
                                least_shift, mann_whitney, median_interval, ratio_interval)


def noisy(seed, n=1000, scale=1.0):
    """Bimodal and skewed, with outliers."""
    source = np.random.default_rng(seed)
    values = 1000 + 40 * source.random(n) + 300 * (source.random(n) < 0.3) + source.exponential(9, n)
    values[source.random(n) < 0.01] *= 7
    return np.rint(values * scale).astype(np.int64)


@pytest.mark.parametrize("n", [9, 101, 1001])
def test_the_interval_is_what_resampling_comes_to(n):
    """scipy's bootstrap of the median, which is drawn at random, within a step or two."""
    values = noisy(n, n)
    found = median_interval([values])
    drawn = stats.bootstrap((values,), np.median, n_resamples=9999, method="percentile",
                            random_state=np.random.default_rng(1)).confidence_interval
    ordered = np.sort(values)
    for ours, theirs in ((found.low, drawn.low), (found.high, drawn.high)):
        assert abs(np.searchsorted(ordered, ours) - np.searchsorted(ordered, theirs)) <= max(
            1, n // 150)
    assert (found.over, found.n) == ("samples", n)


def test_the_bootstrap_distribution_of_three_values():
    """Of 27 draws of 3, the median is the lowest in 7, the middle one in 13, the highest in 7."""
    ordered, weights = bootstrap_median(np.array([30, 10, 20]))
    assert list(ordered) == [10, 20, 30]
    assert weights * 27 == pytest.approx([7, 13, 7])


def test_it_covers_the_median_as_often_as_it_says():
    inside = 0
    for seed in range(400):
        found = median_interval([np.random.default_rng(seed).normal(500, 50, 201)])
        inside += found.low <= 500 <= found.high
    assert 0.92 * 400 <= inside <= 0.98 * 400


def test_samples_that_are_all_equal():
    found = median_interval([np.full(10_000, 93)])
    assert (found.low, found.high) == (93, 93)
    same = difference([np.full(1000, 93)], [np.full(1000, 93)])
    assert (same.p, same.delta, same.least) == (1.0, 0.0, 1.0)
    assert (same.ratio.low, same.ratio.high) == (1.0, 1.0)
    more = difference([np.full(1000, 93)], [np.full(1000, 96)])
    assert more.p < 1e-9 and more.delta == 1.0


def test_repetitions_count_where_there_are_enough():
    """Each is steady, and they are far apart: samples alone would show no spread at all."""
    levels = [1000, 1040, 980, 1100, 1010, 990]
    repetitions = [np.full(1000, level) for level in levels]
    found = median_interval(repetitions)
    assert (found.over, found.n) == ("repetitions", 6)
    assert found.low <= 990 and found.high >= 1040
    assert median_interval(repetitions[:REPETITIONS_NEEDED - 1]).over == "samples"
    other = [np.full(1000, level + 15) for level in levels]
    assert difference(repetitions, other).p > 0.2
    few = difference(repetitions[:2], other[:2])
    assert few.over == "samples" and few.p < 1e-9


def test_the_ratio_and_its_interval():
    found = ratio_interval([noisy(1)], [noisy(2, scale=1.1)])
    assert found.low < 1.1 < found.high and found.high - found.low < 0.03
    assert ratio_interval([noisy(1)], [noisy(2, scale=1.1)]) == found  # the same each time
    assert ratio_interval([np.array([-3, 0, 5])], [np.array([4, 5, 6])]) is None


def test_mann_whitney_is_scipys():
    old, new = noisy(3), noisy(4, scale=1.01)
    assert mann_whitney(old, new) == stats.mannwhitneyu(old, new).pvalue
    assert mann_whitney(old, new, "greater") == stats.mannwhitneyu(
        new, old, alternative="greater").pvalue


def test_cliffs_delta_by_counting():
    old, new = np.array([1, 2, 3, 3]), np.array([3, 4, 0])
    pairs = [np.sign(b - a) for a in old for b in new]
    assert cliffs_delta(old, new) == pytest.approx(sum(pairs) / len(pairs))


def test_the_least_shift_is_found_four_times_of_five():
    found = 0
    for seed in range(300):
        source = np.random.default_rng(seed)
        old, new = source.normal(1000, 30, 60), source.normal(1000, 30, 60)
        found += mann_whitney(old, new + least_shift(old, new)) < 0.05
    assert 0.70 * 300 <= found <= 0.90 * 300


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_three_hundred_benchmarks_are_quick():
    """10000 samples each; a tenth of them steady."""
    rows = [noisy(seed, 10_000) if seed % 10 else np.full(10_000, 93) for seed in range(30)]
    start = time.process_time()
    for values in rows:
        median_interval([values])
    assert time.process_time() - start < 1

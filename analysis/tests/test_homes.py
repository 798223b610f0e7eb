# SPDX-License-Identifier: MIT
"""Which sample a moment lies in: the short way for records in turn agrees with searching."""

import numpy as np
import pytest
from scipy import special

from analysis.inference import bootstrap_median
from analysis.statistics import chosen, homes, inside

SAMPLES = np.array([[10, 20], [30, 40], [50, 60]], dtype="<u8")


def searched(samples, moments):
    home = np.searchsorted(samples[:, 0], moments, side="right") - 1
    return home, (home >= 0) & (moments <= samples[home, 1])


@pytest.mark.parametrize("moments", [
    [12, 32, 52],  # in turn
    [10, 30, 50], [20, 40, 60],  # at either end of their samples
    [12, 20, 30, 40, 55, 56],  # two each
    [9, 32, 52],  # before the first
    [12, 29, 52],  # between two, and still in turn
    [12, 50, 52],  # as late as the next begins
    [12, 13, 52], [32, 12, 52], [61, 62, 63],
    [12, 32], [12, 32, 52, 53], [],
])
def test_homes_agree_with_a_search(moments):
    moments = np.array(moments, dtype="<u8")
    for found, wanted in zip(homes(SAMPLES, moments), searched(SAMPLES, moments)):
        assert found.tolist() == wanted.tolist()
    assert inside(SAMPLES, moments).tolist() == searched(SAMPLES, moments)[1].tolist()


def test_no_samples_hold_nothing():
    home, within = homes(SAMPLES[:0], np.array([1, 2], dtype="<u8"))
    assert home.tolist() == [-1, -1] and not within.any()


@pytest.mark.parametrize("mask, copied", [
    ([1, 1, 1, 1], False), ([0, 1, 1, 0], False), ([0, 0, 0, 0], False), ([1, 0, 1, 0], True)])
def test_one_piece_is_not_copied(mask, copied):
    values, mask = np.arange(4), np.array(mask, dtype=bool)
    found = chosen(values, mask)
    assert found.tolist() == values[mask].tolist()
    assert not len(found) or np.shares_memory(found, values) != copied


@pytest.mark.parametrize("n", [1, 2, 3, 9, 10, 99, 100, 101, 102, 401, 20000])
def test_the_bootstrap_of_a_median_needs_only_what_is_near_it(n):
    values = np.random.default_rng(n).integers(0, 10 * n, n)
    ordered, weights = bootstrap_median(values)
    whole = np.sort(values)
    place = (n + 1) // 2
    wanted = np.diff(special.betainc(place, n - place + 1, np.arange(n + 1) / n))
    assert len(ordered) == len(weights) and weights.sum() == pytest.approx(1)
    for value in set(whole[max(0, place - 20):place + 20].tolist()):
        assert weights[ordered == value].sum() == pytest.approx(wanted[whole == value].sum())

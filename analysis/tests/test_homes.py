# SPDX-License-Identifier: MIT
"""Which sample a moment lies in: the short way for records in turn agrees with searching."""

import numpy as np
import pytest

from analysis.statistics import chosen, homes

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


def test_no_samples_hold_nothing():
    home, inside = homes(SAMPLES[:0], np.array([1, 2], dtype="<u8"))
    assert home.tolist() == [-1, -1] and not inside.any()


@pytest.mark.parametrize("mask, copied", [
    ([1, 1, 1, 1], False), ([0, 1, 1, 0], False), ([0, 0, 0, 0], False), ([1, 0, 1, 0], True)])
def test_one_piece_is_not_copied(mask, copied):
    values, mask = np.arange(4), np.array(mask, dtype=bool)
    found = chosen(values, mask)
    assert found.tolist() == values[mask].tolist()
    assert not len(found) or np.shares_memory(found, values) != copied

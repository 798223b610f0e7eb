# SPDX-License-Identifier: MIT
"""The test for slower round trips, on a machine as bad as a shared one: its repetitions drift, hang
together, have outliers and two speeds. What it is stated to do is measured."""

import numpy as np
import pytest

from analysis.inference import holm
from analysis.shift import REPETITIONS, shift, steadier_by_control

LEVEL = 0.01
PAIRS = 200


def machine(source, repetitions, shared=True):
    """(control, operation) of each repetition. shared: what slows the one slows the other, as they
    run milliseconds apart; plus what strikes one alone."""
    speed, slow, pairs = source.normal(0, 0.05), False, []
    for _ in range(repetitions):
        speed = 0.9 * speed + source.normal(0, 0.04)  # drifts, and remembers
        slow = slow != (source.random() < 0.1)  # a neighbour comes or goes
        common = np.exp(speed + 0.35 * slow) if shared else 1.0
        alone = np.exp(source.normal(0, 0.012, 2) + 0.3 * (source.random(2) < 0.03))
        control, operation = np.array([12_000, 14_500]) * common * alone
        pairs.append((int(control), int(operation)))
    return pairs


def slower_by(pairs, factor):
    return [(control, round(operation * factor)) for control, operation in pairs]


def alarms(found, max_ratio=1.02):
    return found.ratio > max_ratio and found.slower < LEVEL


@pytest.fixture(scope="module")
def sides():
    source = np.random.default_rng(7)
    return [(machine(source, 80), machine(source, 80)) for _ in range(PAIRS)]


def test_false_alarms(sides):
    assert sum(alarms(shift(old, new, LEVEL)) for old, new in sides) <= LEVEL * PAIRS


def test_five_per_cent_are_caught(sides):
    caught = sum(alarms(shift(old, slower_by(new, 1.05), LEVEL)) for old, new in sides)
    assert caught >= 0.95 * PAIRS


def test_without_the_control_it_would_alarm_all_the_time(sides):
    """What the pairing is for: the same repetitions, each control replaced by a constant."""
    def bare(pairs):
        return [(1000, operation) for _, operation in pairs]
    assert sum(alarms(shift(bare(old), bare(new), LEVEL)) for old, new in sides) > 0.1 * PAIRS


def test_a_control_that_adds_only_noise_is_left_out():
    """As on hardware, where it takes 40 cycles and one step of the clock is 5 %."""
    source = np.random.default_rng(3)
    pairs = [(int(source.choice([38, 40, 42])), 1200 + int(source.integers(0, 4)))
             for _ in range(40)]
    assert not steadier_by_control(pairs[:20], pairs[20:])
    found = shift(pairs[:20], slower_by(pairs[20:], 1.03), LEVEL)
    assert not found.by_control and alarms(found) and found.ratio == pytest.approx(1.03, abs=0.003)


def test_the_estimate_and_the_least():
    source = np.random.default_rng(5)
    old, new = machine(source, 200), machine(source, 200)
    found = shift(old, slower_by(new, 1.1), LEVEL)
    assert found.ratio == pytest.approx(1.1, abs=0.01) and found.by_control
    assert found.slower < 1e-6 and found.faster > 0.99
    few = shift(old[:REPETITIONS], new[:REPETITIONS], LEVEL)
    assert 1 < found.least < few.least
    faster = shift(slower_by(old, 1.1), new, LEVEL)
    assert faster.faster < 1e-6 and faster.ratio == pytest.approx(1 / 1.1, abs=0.01)


def test_the_least_is_what_is_found_nineteen_times_of_twenty():
    source = np.random.default_rng(9)
    sides = [(machine(source, 20, shared=False), machine(source, 20, shared=False))
             for _ in range(PAIRS)]
    least = float(np.median([shift(old, new, LEVEL).least for old, new in sides]))
    caught = sum(shift(old, slower_by(new, least), LEVEL).slower < LEVEL for old, new in sides)
    assert 0.88 * PAIRS <= caught <= 0.99 * PAIRS


def test_many_rows_are_one_family():
    """A hundred quiet rows: each alone would alarm once in a hundred."""
    assert min(holm([0.002] + [0.5] * 99)) == pytest.approx(0.2)
    assert holm([0.00001, 0.5])[0] < LEVEL

# SPDX-License-Identifier: MIT
"""The arithmetic against values worked out by hand."""

import numpy as np
import pytest

from analysis.results import _pool_split, results
from analysis.run import open_run
from analysis.statistics import BETWEEN, PARTS, Absent, distribution, durations, median, rank, split

from .builder import COUNTERS, RECORD, Row


def test_percentiles_are_nearest_rank():
    values = [15, 20, 35, 40, 50]
    assert [values[rank(5, place)] for place in (50, 300, 400, 500, 1000)] == [15, 20, 20, 35, 50]
    assert median(np.array([50, 15, 40, 20])) == 20


def test_percentile_of_the_exact_rank_does_not_slip():
    """The 99.9th of 1000 values is the 999th, whatever a float makes of 0.999 * 1000."""
    values = np.arange(1, 1001)
    assert distribution(values) == {"n": 1000, "min": 1, "p50": 500, "p90": 900, "p99": 990,
                                    "p99.9": 999, "max": 1000}
    assert rank(4_000_000, 999) == 3_995_999


@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 99, 101, 997])
def test_percentiles_agree_with_numpy(count):
    values = np.random.default_rng(count).integers(-50, 5000, count)
    for name, place in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99)):
        assert distribution(values)[name] == np.quantile(values, place, method="inverted_cdf")
    assert median(values) == distribution(values)["p50"]


def test_durations_are_signed_and_wrap():
    samples = np.array([[10, 7], [2**64 - 3, 4]], dtype="<u8")
    assert durations(samples).tolist() == [-3, 7]


def test_net_is_less_the_median_of_the_jobs_own_control(make):
    run = open_run(make("r", [Row(parts=(1, 2, 3, 4, 5), control=4, extra=(0, 10, 100, 0))],
                        samples=4))
    result, = results(run)
    assert result.values.tolist() == [11, 21, 111, 11]
    assert result.net == {"n": 4, "min": 11, "p50": 11, "p90": 111, "p99": 111, "p99.9": 111,
                          "max": 111}
    assert result.controls == (4,)


def test_net_below_zero_stays(make):
    result, = results(open_run(make("r", [Row(exits=False, plain=1, control=3)])))
    assert result.net["min"] == result.net["p50"] == -2


def test_repetitions_are_pooled(make):
    result, = results(open_run(make("r", [Row()], repetitions=3, samples=10)))
    assert result.net["n"] == 30
    assert result.repetition_p50 == (45, 45, 45)
    assert result.costs.exits == 30


def test_split_names_the_five_parts(make):
    result, = results(open_run(make("r", [Row(parts=(5, 10, 20, 8, 4))])))
    assert list(result.split.parts.items()) == [
        ("exit_transition", 5), ("save_and_dispatch", 10), ("handler", 20), ("restore", 8),
        ("entry_transition", 4)]
    assert result.split.whole == 47


def test_split_adds_up_whatever_the_stamps():
    random = np.random.default_rng(1)
    steps = random.integers(0, 1000, (6, 500)).astype(np.uint64)
    stamps = np.cumsum(steps.T.ravel(), dtype=np.uint64).reshape(500, 6)
    samples = np.ascontiguousarray(stamps[:, [0, 5]])
    records = np.zeros(500, RECORD)
    records["flags"] = 3
    for column, name in enumerate(("entered", "dispatched", "handled", "entering"), 1):
        records[name] = stamps[:, column]
    parts = split(samples, records, 0)
    assert parts.shape == (len(PARTS), 500)
    assert np.array_equal(parts.sum(axis=0), durations(samples))
    assert np.array_equal(parts, steps[1:].astype(np.int64))


def stamped(*rows: tuple[int, int, int, int]) -> np.ndarray:
    records = np.zeros(len(rows), RECORD)
    records["flags"] = 3
    for index, row in enumerate(rows):
        for name, value in zip(("entered", "dispatched", "handled", "entering"), row):
            records[index][name] = value
    return records


SAMPLES = np.array([[10, 20], [30, 40]], dtype="<u8")
FIRST, SECOND = (12, 13, 14, 15), (32, 33, 34, 35)


def test_split_passes_over_exits_between_samples():
    parts = split(SAMPLES, stamped(FIRST, (22, 23, 24, 25), SECOND), 0)
    assert parts.tolist() == [[2, 2], [1, 1], [1, 1], [1, 1], [5, 5]]


def test_several_exits_are_split_by_sum():
    """The first sample's transitions are 2 and 1, between its exits is 1; the second's: 1, 3, 2."""
    records = stamped((12, 13, 14, 15), (16, 17, 18, 19), (31, 32, 33, 34), (36, 36, 36, 37))
    assert split(SAMPLES, records, 0).tolist() == [[2, 1], [2, 1], [2, 1], [2, 2], [1, 3], [1, 2]]


@pytest.mark.parametrize("times", [1, 2, 7, 256])
def test_the_parts_of_several_exits_add_up_whatever_the_stamps(times):
    random = np.random.default_rng(times)
    steps = random.integers(0, 1000, (100, 4 * times + 2)).astype(np.uint64)
    stamps = np.cumsum(steps.ravel(), dtype=np.uint64).reshape(steps.shape)
    samples = np.ascontiguousarray(stamps[:, [0, -1]])
    each = stamps[:, 1:-1].reshape(100, times, 4)
    records = stamped(*map(tuple, each.reshape(-1, 4)))
    parts = split(samples, records, 0)
    assert np.array_equal(parts.sum(axis=0), durations(samples))
    wanted = [each[:, 0, 0] - stamps[:, 0],
              *((each[:, :, place + 1] - each[:, :, place]).sum(axis=1) for place in range(3)),
              stamps[:, -1] - each[:, -1, 3]]
    if times > 1:
        wanted.append((each[:, 1:, 0] - each[:, :-1, 3]).sum(axis=1))
    assert np.array_equal(parts, np.stack(wanted).astype(np.int64))


def test_between_is_a_part_where_there_are_several_exits(make):
    rows = [Row(parts=(5, 10, 20, 8, 4), times=3, gap=7), Row("rdmsr")]
    twice, once = results(open_run(make("r", rows)))
    assert list(twice.split.parts.items()) == [
        ("exit_transition", 5), ("save_and_dispatch", 30), ("handler", 60), ("restore", 24),
        ("entry_transition", 4), (BETWEEN, 14)]
    assert twice.split.whole == 137 and twice.exits_per_op == 3
    assert list(once.split.parts) == list(PARTS)


def test_repetitions_of_different_numbers_of_exits_have_no_split(make):
    one, three = (open_run(make(str(times), [Row(times=times, gap=1)])) for times in (2, 3))
    found = _pool_split([one.jobs[0], three.jobs[0]])
    assert found == Absent("its repetitions take different numbers of exits a sample")
    assert _pool_split([three.jobs[0], three.jobs[0]]).parts[BETWEEN] == 2


@pytest.mark.parametrize("records, discarded, reason", [
    (None, 0, "kept no records"),
    (stamped(), 0, "takes no exit"),
    (stamped(FIRST, SECOND), 3, "3 records of the measured phase were discarded"),
    (stamped(FIRST), 0, "of 2 samples 1 hold no exit and 0 more than one"),
    (stamped(FIRST, (16, 17, 18, 19), SECOND), 0, "different numbers of exits, from 1 to 2"),
    (stamped(FIRST, (16, 17, 18, 19)), 0, "of 2 samples 1 hold no exit and 1 more than one"),
    (stamped(FIRST, (32, 33, 34, 45)), 0, "1 hold no exit"),
    (stamped(FIRST, (32, 36, 34, 35)), 0, "run backwards"),
])
def test_split_is_absent_with_a_reason(records, discarded, reason):
    found = split(SAMPLES, records, discarded)
    assert isinstance(found, Absent) and reason in found.reason


def test_split_needs_samples_in_order():
    found = split(SAMPLES[::-1].copy(), stamped(FIRST, SECOND), 0)
    assert isinstance(found, Absent) and "follow one another" in found.reason


def test_the_floor_has_neither_split_nor_counters(make):
    """Its counting phases run through the general stub: those counts are not the floor's."""
    result, = results(open_run(make("r", [Row(benchmark="floor", stub="floor")])))
    assert isinstance(result.split, Absent) and isinstance(result.costs, Absent)
    assert result.exits_per_op == 1


@pytest.mark.parametrize("level, split_reason, phase", [
    ("full", None, "op"), ("stamps", None, "count_op"),
    ("counts", "kept no records", "op"), ("off", "kept no records", "count_op")])
def test_probe_levels(make, level, split_reason, phase):
    costs = {"vmreads": 3, "vmwrites": 1, "msr_accesses": 2, "xsetbvs": 1, "invalidations": 5}
    result, = results(open_run(make("r", [Row(counters=costs)], level=level)))
    if split_reason:
        assert split_reason in result.split.reason
    else:
        assert result.split.whole == 47
    assert result.costs.per_exit == costs
    assert result.costs.phase == phase
    assert result.exits_per_op == 1


def test_the_record_that_ends_a_phase_counts_nowhere(make):
    """The builder gives that record 99 VMREADs and exit reason 18."""
    result, = results(open_run(make("r", [Row()])))
    assert result.costs.per_exit == COUNTERS
    assert result.costs.exits == 20
    assert result.reasons == {10: 20}


def test_without_exit_there_is_no_split_and_no_counter(make):
    for level in ("full", "off"):
        result, = results(open_run(make(level, [Row(exits=False)], level=level)))
        assert result.split == Absent("takes no exit")
        assert result.costs == Absent("takes no exit")
        assert result.exits_per_op == 0 and result.reasons == {}


def test_discarded_exits_count_as_exits(make):
    result, = results(open_run(make("r", [Row(discarded=5)])))
    assert result.exits_per_op == 1.25
    assert "5 records" in result.split.reason


def test_the_exit_that_ends_a_phase_may_be_the_one_discarded(make):
    result, = results(open_run(make("r", [Row(discarded=5, full=True)])))
    assert result.exits_per_op == 1.2

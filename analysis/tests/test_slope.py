# SPDX-License-Identifier: MIT
"""The round trip by a second operation in the sample, held against the one less the control."""

import pytest

from .. import slope, summary
from ..calibration import without_probes
from ..results import results
from ..run import open_run
from .builder import Build, Row, write_run


def made(path, **knobs):
    row = {key: knobs.pop(key) for key in ("doubt", "stub") if key in knobs}
    run = open_run(write_run(path / "run", Build([Row("cpuid", "intercept-all", **row)], **knobs)))
    return run, results(run)


def test_both_ways_agree(tmp_path):
    run, found = made(tmp_path)
    assert slope.slope(run, found[0]) == found[0].net["p50"]
    assert slope.warnings(run, found) == []
    (entry,) = summary.summarize(run, found)["benchmarks"][0]["policies"]
    assert entry["slope"] == entry["net"]["p50"]


@pytest.mark.parametrize("doubt", [1, -1, 40])
def test_a_second_operation_that_is_not_like_the_first(tmp_path, doubt):
    run, found = made(tmp_path, doubt=doubt, repetitions=3)
    assert slope.slope(run, found[0]) == found[0].net["p50"] + doubt
    (line,) = slope.warnings(run, found)
    assert line.startswith("doubtful: cpuid/intercept-all") and str(found[0].net["p50"]) in line
    assert line in summary.summarize(run, found)["warnings"]


def test_cycles_may_differ_by_their_noise(tmp_path):
    assert not slope.disagrees("cycles", 100, 110)
    assert slope.disagrees("cycles", 100, 111)
    assert not slope.disagrees("cycles", 1000, 950)
    assert slope.disagrees("cycles", 1000, 949)
    assert slope.disagrees("ticks", 1000, 999)


def test_what_cannot_be_done_twice_says_so(tmp_path):
    run, found = made(tmp_path, stub="floor")
    assert "twice" in slope.slope(run, found[0]).reason
    assert slope.warnings(run, found) == []


def test_without_an_empty_sample_there_is_no_slope(tmp_path):
    run, found = made(tmp_path, calibration={"sample": {"what": "empty", "absent": "left out"}})
    assert "left out" in slope.slope(run, found[0]).reason


def test_probes_taken_off_are_taken_off_both(tmp_path):
    run, found = made(tmp_path)
    less = without_probes(run, found)
    assert less[0].net["p50"] < found[0].net["p50"]
    assert slope.slope(run, less[0]) == less[0].net["p50"]

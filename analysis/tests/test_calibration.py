# SPDX-License-Identifier: MIT
"""The calibration of a run: shown beside the figures, taken off them on request only."""

import json

import pytest

from .builder import Row, edit


@pytest.fixture
def run(make):
    """12 ticks of probes an exit; rdmsr passes, so that it has none to take off."""
    return make("run", [Row(), Row(benchmark="rdmsr", policy="passthrough-all", exits=False),
                        Row(benchmark="floor", stub="floor", level="off")])


def medians(outcome):
    return {row["name"]: row["policies"][0]["net"]["p50"]
            for row in json.loads(outcome.out)["benchmarks"]}


def test_nothing_is_taken_off_silently(run, call):
    shown = call("compare", run)
    assert "counts" not in shown.out.split("what the probes add")[0]
    assert "full 12 (CPUID, p50, n = 20)" in shown.out
    assert "an empty sample: 5; alone: RDTSC 1" in shown.out
    assert "no calibration, it faults: rdpmc" in shown.out
    assert medians(call("compare", run, "--json")) == {"cpuid": 45, "rdmsr": 4, "floor": 45}


def test_on_request_the_probes_are_taken_off(run, call):
    outcome = call("compare", run, "--without-probes", "--json")
    assert medians(outcome) == {"cpuid": 33, "rdmsr": 4, "floor": 45}
    entry = json.loads(outcome.out)["benchmarks"][0]["policies"][0]
    assert entry["net"]["min"] == 33 and entry["repetition_p50"] == [33]
    assert "taken off above" in call("compare", run, "--without-probes").out


def test_two_runs_without_probes(run, call):
    outcome = call("compare", run, run, "--without-probes", "--json")
    assert {row["name"]: row["old"]["p50"] for row in json.loads(outcome.out)["benchmarks"]} == {
        "cpuid": 33, "rdmsr": 4, "floor": 45}


def test_what_was_not_measured_cannot_be_taken_off(run, call):
    edit(run, lambda d: d["calibration"].update(
        probes_full={"what": "full", "absent": "the guest blob has no row for it"}))
    outcome = call("compare", run, "--without-probes")
    assert outcome.code == 3 and "the guest blob has no row for it" in outcome.err
    assert call("compare", run).code == 0


@pytest.mark.parametrize("change, word", [
    (lambda d: d.pop("calibration"), '"calibration" is missing'),
    (lambda d: d["calibration"]["sample"].pop("p50"), '"p50" is missing'),
    (lambda d: d["calibration"]["sample"].update(p50="5"), "a whole number"),
    (lambda d: d["calibration"].update(sample=5), "an object"),
])
def test_broken_calibration(run, call, change, word):
    edit(run, change)
    outcome = call("compare", run)
    assert outcome.code == 2 and word in outcome.err and "run.json" in outcome.err

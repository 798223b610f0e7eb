# SPDX-License-Identifier: MIT
"""The gate where a clock counts cycles: round trips by distribution, counts of events exactly."""

import json

import pytest

from .builder import COUNTERS, Row, edit

PARTS = (500, 300, 900, 200, 400)
KNOBS = {"unit": "TSC cycles", "target": "native", "repetitions": 12}


def slower(by):
    return (*PARTS[:2], PARTS[2] + by, *PARTS[3:])


@pytest.fixture
def cycles(make, tmp_path, call):
    """A baseline of two benchmarks, and run(name, rows) of the same."""
    file = tmp_path / "native.json"

    def run(name, rows=None, **knobs):
        return make(name, rows or [Row(parts=PARTS, control=40), Row("in", parts=PARTS, control=40)],
                    **{**KNOBS, **knobs})
    assert call("gate", run("first"), "--baseline", file, "--update").code == 0
    return file, run


def rows(by, **knobs):
    return [Row(parts=slower(by), control=40, **knobs), Row("in", parts=PARTS, control=40)]


def test_the_same_holds(cycles, call):
    file, run = cycles
    outcome = call("gate", run("again"), "--baseline", file)
    assert (outcome.code, outcome.out) == (0, "held: 0 regressed, 0 improved, 2 unchanged, 0 new\n")
    assert json.loads(file.read_text())["benchmarks"]["cpuid"]["intercept-all"]["repetitions"] == [
        "40 2300"] * 12


def test_slower_is_a_regression_with_its_size_and_its_part(cycles, call):
    file, run = cycles
    outcome = call("gate", run("worse", rows(115)), "--baseline", file)
    assert outcome.code == 1
    assert "regressed: cpuid/intercept-all: round trip slower by 5.0%" in outcome.out
    assert "medians: handler +115 TSC cycles" in outcome.out
    assert "in/intercept-all" not in outcome.out


def test_a_little_slower_is_within_the_ratio(cycles, call):
    file, run = cycles
    assert call("gate", run("worse", rows(40)), "--baseline", file).code == 0


def test_faster_is_an_improvement(cycles, call):
    file, run = cycles
    outcome = call("gate", run("better", rows(-230)), "--baseline", file)
    assert outcome.code == 0 and "improved: cpuid/intercept-all: round trip faster by 10" in outcome.out


def test_counters_are_still_exact(cycles, call):
    file, run = cycles
    outcome = call("gate", run("worse", rows(0, counters={**COUNTERS, "vmreads": 5})),
                   "--baseline", file)
    assert outcome.code == 1
    assert "regressed: cpuid/intercept-all: vmreads per exit 4 -> 5\n" in outcome.out


def test_too_few_repetitions_are_not_comparable(cycles, call):
    file, run = cycles
    outcome = call("gate", run("few", repetitions=3), "--baseline", file)
    assert outcome.code == 3
    assert "blurred: cpuid/intercept-all: 12 and 3 repetitions are too few" in outcome.out
    assert "--benchmark_repetitions" in outcome.out and "2 blurred" in outcome.out


def test_a_machine_too_busy_to_see_anything_is_not_comparable(cycles, call):
    file, run = cycles

    def noisy(document):
        row = document["benchmarks"]["cpuid"]["intercept-all"]
        row["repetitions"] = [f"40 {1700 + 400 * (i % 4)}" for i in range(12)]
    edit(file, noisy)
    outcome = call("gate", run("again"), "--baseline", file)
    assert outcome.code == 3 and "% more would not be seen" in outcome.out
    assert "in/intercept-all" not in outcome.out


def test_disturbed_times_are_not_compared(cycles, call):
    file, run = cycles
    outcome = call("gate", run("smi", rows(500, disturbed=("2 SMIs during the job",))),
                   "--baseline", file)
    assert outcome.code == 3 and "its times are not comparable" in outcome.out


def test_an_update_says_what_moved(cycles, call):
    file, run = cycles
    outcome = call("gate", run("next", rows(115)), "--baseline", file, "--update")
    assert outcome.code == 0
    assert "cpuid/intercept-all: p50 2260 -> 2375, p99 2260 -> 2375\n" in outcome.out
    assert "in/" not in outcome.out


@pytest.mark.parametrize("line", ["40", "40 -3", "40 2300 7", "a b", ""])
def test_a_malformed_repetition(cycles, call, line):
    file, run = cycles
    edit(file, lambda d: d["benchmarks"]["in"]["intercept-all"].update(repetitions=[line]))
    outcome = call("gate", run("again"), "--baseline", file)
    assert outcome.code == 2 and "in.intercept-all.repetitions[0]" in outcome.err


def test_a_target_without_an_emulator(cycles, call, tmp_path):
    file, run = cycles
    plain = run("plain")
    edit(plain, lambda d: d["build"].update(emulator=""))
    assert call("gate", plain, "--baseline", tmp_path / "plain.json", "--update").code == 0
    assert call("gate", plain, "--baseline", tmp_path / "plain.json").code == 0
    assert "emulator: Bochs x86" in call("gate", plain, "--baseline", file).err

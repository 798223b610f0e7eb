# SPDX-License-Identifier: MIT
"""The gate: held, regressed, not comparable, bad input; and what each message names."""

import json

import pytest

from .builder import COUNTERS, Row, edit
from .conftest import standard


def test_the_same_run_holds(run, baseline, call):
    outcome = call("gate", run, "--baseline", baseline)
    assert outcome.code == 0
    assert outcome.out == "held: 0 regressed, 0 improved, 6 unchanged, 0 new\n"


def cpuid(parts=(5, 10, 20, 8, 4), **knobs):
    """The standard rows with another cpuid/intercept-all."""
    return [Row("cpuid", "intercept-all", parts=parts, **knobs)
            if (row.benchmark, row.policy) == ("cpuid", "intercept-all") else row
            for row in standard()]


def test_one_vmread_more_is_a_regression_and_is_named(make, baseline, call):
    worse = make("worse", cpuid((5, 10, 21, 8, 4), counters={**COUNTERS, "vmreads": 5}))
    outcome = call("gate", worse, "--baseline", baseline)
    assert outcome.code == 1
    assert outcome.out.splitlines() == [
        "regressed: cpuid/intercept-all: vmreads per exit 4 -> 5; "
        "p50 45 -> 46 ticks (+1, handler +1); p99 45 -> 46 ticks (+1, handler +1)",
        "regressed: 1 regressed, 0 improved, 5 unchanged, 0 new"]


@pytest.mark.parametrize("counter", list(COUNTERS))
def test_each_counter_bites(make, baseline, call, counter):
    worse = make("worse", cpuid(counters={**COUNTERS, counter: COUNTERS[counter] + 1}))
    outcome = call("gate", worse, "--baseline", baseline)
    assert outcome.code == 1
    assert (f"regressed: cpuid/intercept-all: {counter} per exit {COUNTERS[counter]} -> "
            f"{COUNTERS[counter] + 1}\n") in outcome.out


@pytest.mark.parametrize("place, part", enumerate(
    ["exit transition", "save and dispatch", "handler", "restore", "entry transition"]))
def test_each_part_is_attributed(make, baseline, call, place, part):
    parts = [5, 10, 20, 8, 4]
    parts[place] += 3
    outcome = call("gate", make("worse", cpuid(tuple(parts))), "--baseline", baseline)
    assert outcome.code == 1
    assert f"p50 45 -> 48 ticks (+3, {part} +3)" in outcome.out


def test_a_slow_tail_alone_bites(make, baseline, call):
    outcome = call("gate", make("worse", cpuid(extra=(0,) * 19 + (7,))), "--baseline", baseline)
    assert outcome.code == 1
    assert "regressed: cpuid/intercept-all: p99 45 -> 52 ticks (+7)\n" in outcome.out


def test_an_exit_where_there_was_none(make, baseline, call):
    rows = [Row("rdmsr", row.policy, parts=(1, 1, 1, 1, 2)) if row.benchmark == "rdmsr" and
            row.policy == "passthrough-all" else row for row in standard()]
    outcome = call("gate", make("worse", rows), "--baseline", baseline)
    assert outcome.code == 1
    assert "vmreads per exit absent -> 4" in outcome.out
    assert "exits per op 0 -> 1" in outcome.out
    assert "p50" not in outcome.out


def test_an_exit_that_is_gone_is_an_improvement(make, baseline, call):
    outcome = call("gate", make("better", cpuid(exits=False)), "--baseline", baseline)
    assert outcome.code == 0
    assert "improved: cpuid/intercept-all: vmreads per exit 4 -> absent;" in outcome.out


def test_an_improvement_holds_and_asks_for_an_update(make, baseline, call):
    better = make("better", cpuid((5, 10, 18, 8, 4)))
    outcome = call("gate", better, "--baseline", baseline)
    assert outcome.code == 0
    assert "improved: cpuid/intercept-all: p50 45 -> 43 ticks (-2, handler -2)" in outcome.out
    assert f"exitmeter gate {better} --baseline {baseline} --update" in outcome.out
    assert outcome.out.endswith("held: 0 regressed, 1 improved, 5 unchanged, 0 new\n")


def test_better_here_and_worse_there_is_a_regression(make, baseline, call):
    mixed = make("mixed", cpuid((5, 10, 18, 8, 4), counters={**COUNTERS, "vmreads": 5}))
    outcome = call("gate", mixed, "--baseline", baseline)
    assert outcome.code == 1
    assert "regressed: cpuid/intercept-all: vmreads per exit 4 -> 5\n" in outcome.out
    assert "improved: cpuid/intercept-all: p50 45 -> 43" in outcome.out


def test_a_missing_benchmark_is_a_regression(make, baseline, call):
    outcome = call("gate", make("less", cpuid()[:-1]), "--baseline", baseline)
    assert outcome.code == 1
    assert "regressed: rdmsr/intercept-all: missing (the run does not have it)" in outcome.out


def test_a_skipped_benchmark_is_missing_with_its_reason(make, baseline, call):
    rows = cpuid()
    rows[-1] = Row("rdmsr", "intercept-all", status="skipped", reason="no MSR bitmap")
    outcome = call("gate", make("less", rows), "--baseline", baseline)
    assert outcome.code == 1
    assert "rdmsr/intercept-all: missing (skipped: no MSR bitmap)" in outcome.out


def test_a_new_benchmark_is_reported_and_holds(make, baseline, call):
    outcome = call("gate", make("more", [*cpuid(), Row("vmcall")]), "--baseline", baseline)
    assert outcome.code == 0
    assert "new: vmcall/intercept-all: not in the baseline" in outcome.out


@pytest.mark.parametrize("change, what", [
    (lambda d: d.update(target="native"), "target: bochs -> native"),
    (lambda d: d["machine"].update(cpu_model="x"), "cpu_model: corei7_haswell_4770 -> x"),
    (lambda d: d["machine"].update(signature="0x1"), "signature: 0x000306c3 -> 0x1"),
    (lambda d: d["build"].update(compiler="clang"), "compiler: gcc 12 -O2 -> clang"),
    (lambda d: d["build"].update(emulator="Bochs 2.8"), "emulator: "),
    (lambda d: d["policies"][1].update(probe_level="off"),
     "probe level of intercept-all: full -> off")])
def test_another_fingerprint_is_not_comparable(make, baseline, call, change, what):
    other = make("other", cpuid((99, 10, 20, 8, 4)))
    edit(other, change)
    outcome = call("gate", other, "--baseline", baseline)
    assert outcome.code == 3 and outcome.out == ""
    assert what in outcome.err


@pytest.mark.parametrize("knob", ["samples", "count_samples"])
def test_another_sample_count_is_not_comparable(make, baseline, call, knob):
    outcome = call("gate", make("other", **{knob: 21}), "--baseline", baseline)
    assert outcome.code == 3 and f"  {knob}: " in outcome.err


def test_two_cpus_are_another_machine(make, baseline, call, tmp_path):
    """A baseline of one CPU says nothing of how many, and one of two does."""
    outcome = call("gate", make("two", cpus=2), "--baseline", baseline)
    assert outcome.code == 3 and "  cpus: 1 -> 2" in outcome.err
    held = tmp_path / "two.json"
    assert call("gate", make("again", cpus=2), "--baseline", held, "--update").code == 0
    assert call("gate", make("same", cpus=2), "--baseline", held).code == 0
    outcome = call("gate", make("one"), "--baseline", held)
    assert outcome.code == 3 and "  cpus: 2 -> 1" in outcome.err


def test_a_failed_run_is_no_baseline(make, baseline, call):
    before = baseline.read_bytes()
    path = make("bad", [Row(), Row("in", status="failed", reason="#GP")], reason="1 job failed")
    outcome = call("gate", path, "--baseline", baseline, "--update")
    assert outcome.code == 3
    assert "1 job failed" in outcome.err and "#GP" in outcome.err
    assert baseline.read_bytes() == before


def test_a_job_that_fails_has_regressed(make, tmp_path, call):
    held = tmp_path / "held.json"
    rows = [Row(), Row("in")]
    assert call("gate", make("good", rows), "--baseline", held, "--update").code == 0
    path = make("bad", [Row(), Row("in", status="failed", reason="2 exits, not 1")],
                reason="1 job failed")
    outcome = call("gate", path, "--baseline", held)
    assert outcome.code == 1
    assert "regressed: in/intercept-all: missing (failed: 2 exits, not 1)" in outcome.out


def test_a_run_that_measured_nothing_is_refused(make, baseline, call):
    path = make("bad", [Row(status="failed", reason="#GP")], reason="the core died")
    outcome = call("gate", path, "--baseline", baseline)
    assert outcome.code == 3
    assert "the core died" in outcome.err


def test_json_verdicts(run, make, baseline, call):
    held = json.loads(call("gate", run, "--baseline", baseline, "--json").out)
    assert (held["schema"], held["verdict"], held["held"]) == ("exitmeter.gate/1", "held", 6)
    worse = json.loads(call("gate", make("worse", cpuid((6, 10, 20, 8, 4))), "--baseline", baseline,
                            "--json").out)
    assert worse["verdict"] == "regressed"
    finding, = worse["regressed"]
    assert finding["changes"][0] == {"metric": "p50", "old": 45, "new": 46}
    assert finding["parts"] == {"exit_transition": 1}
    refused = json.loads(call("gate", make("kvm", unit="TSC cycles"), "--baseline", baseline,
                              "--json").out)
    assert refused["verdict"] == "not comparable"


def test_update_is_stable_and_atomic(run, make, baseline, call):
    """The same numbers from another run at another time give the same bytes, no litter beside."""
    before = baseline.read_bytes()
    again = make("again")
    edit(again, lambda d: d.update(created="2030-01-01T00:00:00Z", host={}, clock={}))
    outcome = call("gate", again, "--baseline", baseline, "--update")
    assert outcome.code == 0 and "unchanged" in outcome.out
    assert baseline.read_bytes() == before
    assert b'"p50": 45' in before and before.endswith(b"}\n")
    assert list(json.loads(before)["benchmarks"]) == ["cpuid", "floor", "rdmsr"]
    assert not [path for path in baseline.parent.iterdir() if path.name.startswith(".")]
    assert baseline.stat().st_mode & 0o777 == 0o644


def test_update_where_nothing_can_be_written(run, tmp_path, call):
    outcome = call("gate", run, "--baseline", tmp_path / "none" / "b.json", "--update")
    assert outcome.code == 2 and "cannot be written" in outcome.err


def row(document):
    return document["benchmarks"]["cpuid"]["intercept-all"]


@pytest.mark.parametrize("change, what", [
    (lambda d: d.update(schema="x"), "schema"),
    (lambda d: d.pop("fingerprint"), '"fingerprint" is missing'),
    (lambda d: d["fingerprint"].pop("signature"), 'fingerprint: key "signature" is missing'),
    (lambda d: d["fingerprint"].update(samples="20"), "fingerprint.samples: a whole number"),
    (lambda d: d.update(benchmarks={}), "benchmarks: empty"),
    (lambda d: d["benchmarks"].update(cpuid={}), "benchmarks.cpuid: empty"),
    (lambda d: d["benchmarks"].update(cpuid=[]), "benchmarks.cpuid: an object"),
    (lambda d: row(d).pop("p50"), 'benchmarks.cpuid.intercept-all: key "p50" is missing'),
    (lambda d: row(d).update(p50="45"), "benchmarks.cpuid.intercept-all.p50: a number"),
    (lambda d: row(d).update(vmreads=None), "cpuid.intercept-all.vmreads: a number"),
    (lambda d: row(d).update(vmread=4), "cpuid.intercept-all.vmread: no such key"),
    (lambda d: row(d)["parts"].pop("handler"), 'intercept-all.parts: key "handler" is missing')])
def test_a_malformed_baseline(run, baseline, call, change, what):
    edit(baseline, change)
    outcome = call("gate", run, "--baseline", baseline)
    assert outcome.code == 2 and outcome.out == ""
    assert str(baseline) in outcome.err and what in outcome.err


def test_no_baseline(run, tmp_path, call):
    outcome = call("gate", run, "--baseline", tmp_path / "none.json")
    assert outcome.code == 2 and "--update" in outcome.err


def test_a_lost_counter_is_no_longer_held(run, baseline, call):
    """Exits as before, but the baseline knows a counter that the run cannot give."""
    edit(baseline, lambda d: d["benchmarks"]["rdmsr"]["passthrough-all"].update(vmreads=4))
    outcome = call("gate", run, "--baseline", baseline)
    assert outcome.code == 1 and "vmreads per exit 4 -> absent" in outcome.out


def test_time_between_exits_is_attributed(make, tmp_path, call):
    """Against a baseline of as many exits, and against one of a single exit."""
    file = tmp_path / "several.json"
    two = make("two", [Row(times=2, gap=7)])
    assert call("gate", two, "--baseline", file, "--update").code == 0
    assert call("gate", two, "--baseline", file).code == 0
    outcome = call("gate", make("wider", [Row(times=2, gap=9)]), "--baseline", file)
    assert outcome.code == 1 and "(+2, between +2)" in outcome.out
    once = make("once", [Row()])
    assert call("gate", once, "--baseline", tmp_path / "once.json", "--update").code == 0
    outcome = call("gate", two, "--baseline", tmp_path / "once.json")
    assert outcome.code == 1 and "between +7" in outcome.out

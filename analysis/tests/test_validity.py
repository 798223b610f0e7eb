# SPDX-License-Identifier: MIT
"""Disturbed jobs: marked everywhere, kept, and what that means to the gate."""

import json

import pytest

from analysis.baseline import load_baseline
from analysis.gate_text import verdict_text
from analysis.judge import judge
from analysis.rules import EXACT, Rules
from analysis.run import open_run

from .builder import COUNTERS, Row, edit

SMI = "2 SMIs during the job"


def rows(disturbed=(SMI,), **knobs):
    return [Row("cpuid", disturbed=disturbed, smis=2 if disturbed else 0, cores=(990, 1300),
                **knobs), Row("rdmsr", smis=0, cores=(1000, 1000), reason_number=31)]


def test_a_disturbed_job_is_named_and_kept(make, call):
    outcome = call("compare", make("r", rows()))
    assert outcome.code == 0
    assert f"warning: disturbed: bochs/cpuid/intercept-all: {SMI}\n" in outcome.out
    assert "rdmsr/intercept-all: 2" not in outcome.out
    assert "cannot be known here: TSC drift (no other clock)\n" in outcome.out
    assert ["cpuid", "45", "1.00"] == next(line.split()[:3] for line in outcome.out.splitlines()
                                           if line.startswith("cpuid"))


def test_repetitions_are_told_apart(make, call):
    path = make("r", [Row("cpuid")], repetitions=2)
    edit(path, lambda d: d["jobs"][1]["validity"].update(disturbed=[SMI, "the TSC"]))
    text = call("compare", path).out
    assert f"disturbed: bochs/cpuid/intercept-all, repetition 1: {SMI}; the TSC\n" in text
    assert "repetition 0" not in text


def test_what_cannot_be_known_says_why(run, call):
    text = call("compare", run).out
    assert ("cannot be known here: SMIs (this CPU has no MSR_SMI_COUNT),\n"
            "  core clock (IA32_APERF and IA32_MPERF do not count), TSC drift (no other clock)\n"
            ) in text
    data = json.loads(call("compare", run, "--json").out)
    assert data["validity"][0]["smis"] is None and data["validity"][0]["core_per_mille"] is None


def test_two_runs(make, call):
    old, new = make("old", rows(())), make("new", rows())
    outcome = call("compare", old, new)
    assert f"warning: new run: disturbed: bochs/cpuid/intercept-all: {SMI}\n" in outcome.out
    row = json.loads(call("compare", old, new, "--json").out)["benchmarks"][0]
    assert row["disturbed"] == {"old": [], "new": [SMI]}


def test_the_report_shows_it(make, run, tmp_path, call):
    path = make("r", rows())
    assert call("report", path, "-o", tmp_path / "r.html").code == 0
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert f'<td>2</td>\n<td>990</td>\n<td>1300</td>\n<td class="text">{SMI}</td>' in page
    assert f"disturbed: bochs/cpuid/intercept-all: {SMI}" in page
    assert page.count(": cannot be known here") == 1
    assert call("report", run, "-o", tmp_path / "s.html").code == 0
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "SMIs: cannot be known here: this CPU has no MSR_SMI_COUNT" in page
    assert "of 1000 TSC ticks: control" not in page


@pytest.fixture
def held(make, tmp_path, call):
    file = tmp_path / "held.json"
    assert call("gate", make("good", rows(())), "--baseline", file, "--update").code == 0
    return file


def test_where_counts_are_exact_the_gate_holds_all_of_it_and_says_so(make, held, call):
    outcome = call("gate", make("same", rows()), "--baseline", held)
    assert outcome.code == 0
    assert outcome.out == (f"disturbed: cpuid/intercept-all: {SMI} (run)\n"
                           "held: 0 regressed, 0 improved, 2 unchanged, 0 new\n")
    worse = make("worse", rows(parts=(5, 10, 21, 8, 4)))
    assert call("gate", worse, "--baseline", held).code == 1


ALL_EXACT = Rules(EXACT)


def cycles(path):
    """The run, or the baseline, as if of a CPU whose clock is not exact."""
    def change(document):
        document.get("fingerprint", document)["unit"] = "TSC cycles"
    edit(path, change)
    return path


@pytest.mark.parametrize("side", ["run", "baseline"])
def test_elsewhere_times_of_a_disturbed_side_are_not_comparable(make, held, side):
    """Where a rule holds p50 as a number there."""
    if side == "baseline":
        edit(held, lambda d: d["benchmarks"]["cpuid"]["intercept-all"].update(disturbed=[SMI]))
    slow = make("slow", rows((SMI,) if side == "run" else (), parts=(5, 10, 99, 8, 4)))
    verdict = judge(open_run(cycles(slow)), load_baseline(cycles(held)), ALL_EXACT)
    assert verdict["verdict"] == "not comparable" and verdict["held"] == 1
    assert verdict["regressed"] == verdict["improved"] == []
    assert (f"disturbed: cpuid/intercept-all: {SMI} ({side}): its times are not comparable; "
            "measure again") in verdict_text(verdict, slow, held)


def test_counts_of_a_disturbed_side_are_held_all_the_same(make, held):
    worse = make("worse", rows(counters={**COUNTERS, "vmreads": 5}, parts=(5, 10, 99, 8, 4)))
    verdict = judge(open_run(cycles(worse)), load_baseline(cycles(held)), ALL_EXACT)
    assert verdict["verdict"] == "regressed"
    change, = verdict["regressed"][0]["changes"]
    assert change == {"metric": "vmreads", "old": 4, "new": 5}


def test_undisturbed_times_are_compared_there(make, held):
    worse = make("worse", rows((), parts=(5, 10, 99, 8, 4)))
    verdict = judge(open_run(cycles(worse)), load_baseline(cycles(held)), ALL_EXACT)
    assert verdict["verdict"] == "regressed"


def test_the_baseline_keeps_the_mark(make, tmp_path, call):
    file = tmp_path / "marked.json"
    assert call("gate", make("r", rows()), "--baseline", file, "--update").code == 0
    benchmarks = json.loads(file.read_text(encoding="utf-8"))["benchmarks"]
    assert benchmarks["cpuid"]["intercept-all"]["disturbed"] == [SMI]
    assert "disturbed" not in benchmarks["rdmsr"]["intercept-all"]
    outcome = call("gate", make("again", rows(())), "--baseline", file)
    assert outcome.code == 0 and f"{SMI} (baseline)" in outcome.out
    edit(file, lambda d: d["benchmarks"]["cpuid"]["intercept-all"].update(disturbed=[3]))
    assert call("gate", make("more", rows(())), "--baseline", file).code == 2


@pytest.mark.parametrize("change, what", [
    (lambda v: v.pop("smis"), 'key "smis" is missing'),
    (lambda v: v.update(smis=-1), "validity.smis: a whole number"),
    (lambda v: v.update(smis=None), 'key "smis_absent" is missing'),
    (lambda v: v.update(clocks={"op": {}}), 'key "control" is missing'),
    (lambda v: v.update(disturbed="x"), "validity.disturbed: a list"),
    (lambda v: v.update(disturbed=[1]), "validity.disturbed[0]: a string")])
def test_malformed_validity(make, call, change, what):
    path = make("r", rows())
    edit(path, lambda d: change(d["jobs"][0]["validity"]))
    outcome = call("compare", path)
    assert outcome.code == 2 and what in outcome.err

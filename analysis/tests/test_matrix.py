# SPDX-License-Identifier: MIT
"""Many policies side by side, of benchmarks and of a guest's profiles: terminal, JSON and report."""

import json
import re

import pytest

from analysis.matrix import short_names

from .builder import Row
from .test_profile import document as profile_document
from .test_profile import entry, profile

POLICIES = [f"policy-{number}-{'x' * 20}" for number in range(9)]


def rows():
    """cpuid is the same under each, rdmsr exits under the first four, in is skipped under the last."""
    made = [Row("cpuid", policy) for policy in POLICIES]
    made += [Row("rdmsr", policy, exits=number < 4, reason_number=31, parts=(5, 10, 20 + number, 8, 4))
             for number, policy in enumerate(POLICIES)]
    made += [Row("in", policy, exits=False) for policy in POLICIES[:-1]]
    return made + [Row("in", POLICIES[-1], status="skipped", reason="no such, port")]


def squeezed(text):
    return [re.sub(r" +", " ", line).strip() for line in text.splitlines()]


def test_short_names():
    names = short_names([str(number) for number in range(60)])
    assert list(names.values())[:2] == ["a", "b"] and list(names.values())[25:28] == ["z", "aa", "ab"]
    assert len(set(names.values())) == 60 and names["59"] == "bh"


def test_nine_policies_in_80_columns(make, call):
    outcome = call("compare", make("many", rows()))
    assert outcome.code == 0
    tables = outcome.out.partition("\n\n")[2].partition("parts of each")[0]
    assert max(map(len, tables.splitlines())) <= 80
    lines = squeezed(tables)
    assert f"a {POLICIES[0]} f {POLICIES[5]}" in lines
    times = lines.index("round trip, p50, ticks")
    assert lines[times + 1] == "benchmark a b c d e f g h i"
    assert lines[times + 3] == "rdmsr 45 46 47 48 4 4 4 4 4"
    assert "in 4 4 4 4 4 4 4 4 -" in lines and "45 under each: cpuid" in lines
    exits = lines.index("exits an operation")
    assert lines[exits + 3] == "rdmsr 1 1 1 1 0 0 0 0 0" and "1 under each: cpuid" in lines


def test_totals_are_of_the_same_work(make, call):
    """20 samples each, control included: cpuid 47, rdmsr 47 to 50 or 6; in is left out."""
    path = make("many", rows())
    totals = json.loads(call("compare", path, "--json").out)["totals"]
    assert totals["benchmarks"] == ["cpuid", "rdmsr"] and totals["left_out"] == ["in"]
    assert [(each["time"], each["operations"], each["exits"]) for each in totals["policies"]] == [
        (20 * (47 + time), 40, 20 + 20 * exits)
        for time, exits in ((47, 1), (48, 1), (49, 1), (50, 1), *[(6, 0)] * 5)]
    lines = squeezed(call("compare", path).out)
    assert f"d {POLICIES[3]} 1940 1.83x 40" in lines and f"e {POLICIES[4]} 1060 1.00x 20" in lines
    assert "not under each, and not in it: in" in lines


def test_totals_pool_repetitions(make, call):
    made = [Row("cpuid", "one"), Row("cpuid", "other", control=3)]
    totals = json.loads(call("compare", make("twice", made, repetitions=2), "--json").out)["totals"]
    assert [each["time"] for each in totals["policies"]] == [2 * 20 * 47] * 2


def test_the_verdict(make, call):
    made = rows()
    outcome = call("compare", make("agree", made))
    assert "exits as the policies predict: 26 of 26 jobs; 0 disagree (not held to it: 1 skipped)" in \
        outcome.out.replace("\n  ", " ")
    assert "skipped, 1 jobs, under 1 policies: no such, port\n  in\n" in outcome.out
    made[9].prediction, made[9].status, made[9].reason = "disagrees", "failed", "3 exits by RDMSR"
    path = make("disagree", made, reason="some")
    data = json.loads(call("compare", path, "--json").out)["prediction"]
    assert data["agreed"] == 25 and data["disagreed"] == 1 and data["skipped"] == 1
    assert data["disagreeing"] == [{"job": f"bochs/rdmsr/{POLICIES[0]}", "how": "3 exits by RDMSR"}]
    out = call("compare", path).out
    assert "25 of 26 jobs; 1 disagree" in out and f"rdmsr/{POLICIES[0]}: 3 exits by RDMSR" in out
    others = [Row("a", "p"), Row("check/a", "p", kind="check"), Row("root/a", "any", kind="root")]
    out = call("compare", make("others", others)).out
    assert "1 of 1 jobs; 0 disagree (not held to it: 1 checks, which count none, 1 in VMX root" in \
        out.replace("\n  ", " ")


def test_a_run_of_an_earlier_version_has_no_verdict(make, call):
    path = make("old", [Row("cpuid", prediction="")])
    assert json.loads(call("compare", path, "--json").out)["prediction"] is None
    assert "predict" not in call("compare", path).out


def test_chosen_policies_alone(make, call):
    path = make("many", rows())
    data = json.loads(call("compare", path, "--json", "--policy", "policy-[01]-*").out)
    assert list(data["run"]["probe_levels"]) == POLICIES[:2] and data["prediction"]["agreed"] == 6
    assert "where the time of an exit goes" in call("compare", path, "--policy", "policy-[01]-*").out
    outcome = call("compare", path, "--policy", "polciy*")
    assert outcome.code == 2 and "no policy matches 'polciy*'" in outcome.err


def test_report_has_the_matrix(make, call, tmp_path):
    call("report", make("many", rows()), "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert 'id="matrix"' in page and "Exits as the policies predict: 26 of 26 jobs" in page
    section = page.partition('id="matrix"')[2].partition("</section>")[0]
    cells = re.findall(r"<td>(?:<b>)?(\d+|-)(?:</b>)?(?:<br>|</td>)", section.partition("Each item")[2])
    assert cells[9:18] == ["45", "46", "47", "48", *["4"] * 5]
    assert "1 jobs: no such, port" in section
    call("report", make("one", [Row("cpuid")]), "-o", tmp_path / "one.html")
    assert 'id="matrix"' not in (tmp_path / "one.html").read_text()


@pytest.fixture
def leave(tmp_path):
    """A run directory with that in it."""
    def make_run(content):
        (tmp_path / "profiles").mkdir()
        (tmp_path / "profiles" / "run.json").write_text(json.dumps(content))
        return tmp_path / "profiles"
    return make_run


def profiles():
    """Two policies and one that left no profile; the second takes no RDMSR exits."""
    second = profile() | {"guest": 2100, "host": 200, "reasons": [entry(10, 2, 200, name="CPUID")],
                          "details": [entry(10, 2, 200, detail="0x1")],
                          "over_time": {"width": 1500, "slices": 1, "reasons": {"10": {"count": [2], "ticks": [200]}}},
                          "addresses": []}
    run = profile_document()
    first = run["profiles"][0]
    run["profiles"] += [first | {"policy": "few", "profile": second},
                        first | {"policy": "none\x1b[2J", "profile": None, "reason": "broke"}]
    return run


def test_profiles_side_by_side(leave, call):
    path = leave(profiles())
    outcome = call("compare", path)
    assert outcome.code == 0 and "\x1b" not in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80
    lines = squeezed(outcome.out)
    assert "a all 2500 2000 500 5 1.087x until" in lines and "b few 2300 2100 200 2 1.000x until" in lines
    assert "RDMSR 3 0 -" in lines and "RDMSR 300 0 -" in lines and "CPUID 2 2 -" in lines
    assert "none?[2J: no profile: broke" in lines
    data = json.loads(call("compare", path, "--json").out)
    assert data["policies"][1]["total"] == {"run_time": 2300, "guest": 2100, "host": 200, "exits": 2,
                                            "lost": 0, "without_item": 0}
    efer = next(row for row in data["accessed"] if row["key"] == 0xc0000080)
    assert efer["policies"] == [{"exits": 2, "ticks": 220}, {"exits": 0, "ticks": 0}, None]


def test_some_profiles(leave, call):
    path = leave(profiles())
    assert [each["policy"] for each in
            json.loads(call("compare", path, "--json", "-p", "f*").out)["policies"]] == ["few"]
    outcome = call("compare", path, "-p", "x")
    assert outcome.code == 2 and "no policy matches 'x'; there is all, few" in outcome.err


@pytest.mark.parametrize("arguments", [["--guest", "cpuid"], ["--without-probes"]])
def test_what_a_profile_has_not(leave, call, arguments):
    outcome = call("compare", leave(profiles()), *arguments)
    assert outcome.code == 2 and arguments[0] in outcome.err


def test_report_of_profiles(leave, call, tmp_path):
    call("report", leave(profiles()), "-o", tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    section = page.partition('id="matrix"')[2].partition("</section>")[0]
    assert "no profile: broke" in section and "<td>2500</td><td>1.09x</td>" in section
    assert re.search(r'RDMSR</th>\s*<td>3<br><span class="soft">300</span></td>\s*<td>0<br>', section)

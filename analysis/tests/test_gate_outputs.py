# SPDX-License-Identifier: MIT
"""A verdict for CI systems: JUnit's XML, GitHub's annotations, Markdown; and a part of a baseline."""

import json
from xml.etree import ElementTree

import pytest

from .builder import Row
from .conftest import standard

HOSTILE = "a|b`<i>\n::error::x%,:"


@pytest.fixture
def worse(make):
    return make("worse", [Row("cpuid", row.policy, parts=(5, 10, 22, 8, 4))
                          if row.benchmark == "cpuid" else row for row in standard()[:-1]]
                + [Row("rdmsr", "intercept-all", status="failed", reason=HOSTILE)],
                reason="1 job failed")


def test_junit(worse, baseline, call, tmp_path):
    file = tmp_path / "junit.xml"
    assert call("gate", worse, "--baseline", baseline, "--junit", file).code == 1
    suite, = ElementTree.parse(file).getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("6", "3", "0")
    failed = {(case.get("name"), case.get("classname")): case.find("failure").get("message")
              for case in suite if case.find("failure") is not None}
    assert failed[("cpuid", "exitmeter.intercept-all")] == (
        "p50 45 -> 47 ticks (+2, handler +2); p99 45 -> 47 ticks (+2, handler +2)")
    assert "::error::x" in failed[("rdmsr", "exitmeter.intercept-all")]


def test_junit_of_what_is_not_comparable(make, baseline, call, tmp_path):
    file = tmp_path / "junit.xml"
    assert call("gate", make("two", cpus=2), "--baseline", baseline, "--junit", file).code == 3
    suite, = ElementTree.parse(file).getroot()
    assert suite.get("errors") == "1" and "cpus: 1 -> 2" in suite[0].find("error").text


def test_annotations_are_one_line_each(worse, baseline, call):
    out = call("gate", worse, "--baseline", baseline, "--annotations", "github").out
    lines = [line for line in out.splitlines() if line.startswith("::")]
    assert [line.split(" ")[0] for line in lines] == ["::error"] * 3 + ["::notice"]
    assert "title=exitmeter%3A cpuid/intercept-all regressed::p50 45 -> 47" in lines[0]
    assert "(failed: a|b`<i>?::error::x%25,:)" in lines[2]
    assert out.splitlines()[-1].startswith("regressed: 3 regressed")


def test_annotations_beside_json_are_on_stderr(worse, baseline, call):
    outcome = call("gate", worse, "--baseline", baseline, "--annotations", "github", "--json")
    assert json.loads(outcome.out)["verdict"] == "regressed" and "::error" in outcome.err


def test_the_summary_is_appended(run, worse, baseline, call, tmp_path):
    file = tmp_path / "summary.md"
    file.write_text("before\n")
    assert call("gate", run, "--baseline", baseline, "--summary", file).code == 0
    assert call("gate", worse, "--baseline", baseline, "--summary", file).code == 1
    text = file.read_text()
    assert text.startswith("before\n### exitmeter: held: 0 regressed")
    assert "| regressed | `cpuid/intercept-all` | p50 45 -> 47 ticks (+2, handler +2)" in text
    table = [line for line in text.splitlines() if line.startswith("| regressed")]
    assert len(table) == 3 and "a\\|b'&lt;i>" in table[2]


def test_a_part_of_the_baseline(worse, baseline, call):
    outcome = call("gate", worse, "--baseline", baseline, "--guest", "floor", "-g", "rd*", "-p",
                   "passthrough-*")
    assert (outcome.code, outcome.out) == (0, "held: 0 regressed, 0 improved, 2 unchanged, 0 new\n")
    assert call("gate", worse, "--baseline", baseline, "--guest", "cpuid").out.endswith(
        "regressed: 2 regressed, 0 improved, 0 unchanged, 0 new\n")


@pytest.mark.parametrize("arguments, what", [
    (["--guest", "x*"], "no benchmark that matches 'x*'; there is cpuid, floor, rdmsr"),
    (["--policy", "x"], "no policy that matches 'x'"), (["--guest", "cpuid", "--update"], "--update"),
    (["--junit", "none/x.xml"], "none/x.xml: cannot be written"),
    (["--summary", "none/x.md"], "none/x.md: cannot be written")])
def test_wrong_arguments(run, baseline, call, arguments, what):
    outcome = call("gate", run, "--baseline", baseline, *arguments)
    assert outcome.code == 2 and what in outcome.err

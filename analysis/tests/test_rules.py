# SPDX-License-Identifier: MIT
"""The file of rules beside a baseline: what it changes, and what is wrong with a broken one."""

import pytest

from analysis.rules import beside, load_rules

from .builder import COUNTERS, Row

HEAD = 'schema = "exitmeter.rules/1"\n'


@pytest.fixture
def worse(make):
    """One VMREAD and two ticks more in CPUID under intercept-all."""
    from .conftest import standard
    return make("worse", [Row("cpuid", "intercept-all", parts=(5, 10, 22, 8, 4),
                              counters={**COUNTERS, "vmreads": 5})
                          if (row.benchmark, row.policy) == ("cpuid", "intercept-all") else row
                          for row in standard()])


def write(baseline, *rules):
    file = beside(baseline)
    file.write_text(HEAD + "".join(f"[[rule]]\n{rule}\n" for rule in rules))
    return file


def test_beside(baseline):
    assert beside(baseline).name == "bochs.rules.toml"


def test_slack_lets_a_little_pass(baseline, worse, call):
    write(baseline, 'metric = "p*"\nhold = "exact"\nslack = 2')
    outcome = call("gate", worse, "--baseline", baseline)
    assert outcome.code == 1 and "vmreads per exit 4 -> 5\n" in outcome.out
    assert "p50" not in outcome.out


def test_ignore_and_the_first_that_matches(baseline, worse, call):
    write(baseline, 'metric = "*"\nhold = "ignore"\nbenchmark = "cp*"\npolicy = "intercept-all"',
          'metric = "vmreads"\nhold = "exact"')
    assert call("gate", worse, "--baseline", baseline).code == 0
    write(baseline, 'metric = "*"\nhold = "ignore"\nbenchmark = "cp*"\npolicy = "passthrough-*"')
    assert call("gate", worse, "--baseline", baseline).code == 1


def test_a_limit_of_its_own(baseline, run, worse, call):
    write(baseline, 'metric = "p50"\nhold = "limit"\nlimit = 46\nbenchmark = "cpuid"',
          'metric = "vmreads"\nhold = "ignore"', 'metric = "p99"\nhold = "ignore"')
    assert call("gate", run, "--baseline", baseline).code == 0
    outcome = call("gate", worse, "--baseline", baseline)
    assert outcome.code == 1
    assert "p50 45 -> 47 ticks (+2, handler +2), above the limit 46" in outcome.out


def test_another_file(baseline, worse, call, tmp_path):
    file = tmp_path / "lax.toml"
    file.write_text(HEAD + '[[rule]]\nmetric = "*"\nhold = "ignore"\n')
    assert call("gate", worse, "--baseline", baseline, "--rules", file).code == 0
    outcome = call("gate", worse, "--baseline", baseline, "--rules", tmp_path / "none.toml")
    assert outcome.code == 2 and "none.toml: cannot be read" in outcome.err


@pytest.mark.parametrize("text, what", [
    ("schema = 3", "schema is 3"), ("x =", "not valid TOML"), (HEAD + "rules = 1", "rules: no such"),
    (HEAD + "rule = 1", "[[rule]] is needed"),
    (HEAD + '[[rule]]\nhold = "exact"', 'rule 1: key "metric" is missing'),
    (HEAD + '[[rule]]\nmetric = "p50"', 'rule 1: key "hold" is missing'),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "exakt"', '"exakt" is none of exact'),
    (HEAD + '[[rule]]\nmetric = "vmread"\nhold = "exact"', '"vmread" is none of p50'),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "exact"\nslak = 1', "rule 1: slak: no such key"),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "exact"\nslack = "1"', "slack: a number"),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "exact"\nslack = -1', "slack: -1 is below 0"),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "exact"\nslack = true', "slack: a number"),
    (HEAD + '[[rule]]\nmetric = 3\nhold = "exact"', "metric: a text"),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "limit"', 'key "limit" is missing'),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "significant"', 'for the metric "round_trip" alone'),
    (HEAD + '[[rule]]\nmetric = "round_trip"\nhold = "significant"', "ticks are exact"),
    (HEAD + '[[rule]]\nmetric = "round_trip"\nhold = "exact"', "can be held"),
    (HEAD + '[[rule]]\nmetric = "p50"\nhold = "exact"\nlevel = 2', "level: 2 is not between")])
def test_a_broken_file_of_rules(baseline, run, call, text, what):
    beside(baseline).write_text(text)
    outcome = call("gate", run, "--baseline", baseline)
    assert outcome.code == 2 and what in outcome.err and "bochs.rules.toml" in outcome.err


def test_what_holds_without_a_file(tmp_path):
    exact, cycles = (load_rules(tmp_path / "none", clock) for clock in (True, False))
    assert [exact.of("b", "p", metric).hold for metric in ("p50", "vmreads", "round_trip")] == [
        "exact", "exact", "ignore"]
    assert [cycles.of("b", "p", metric).hold for metric in ("p50", "vmreads", "round_trip")] == [
        "ignore", "exact", "significant"]

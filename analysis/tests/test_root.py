# SPDX-License-Identifier: MIT
"""What was measured in VMX root operation: apart from the guests, under no policy, without exits."""

import json

import pytest

from .builder import Row, edit
from .conftest import standard

ROOT = Row("root/vmread", "any", kind="root", level="off", plain=9, control=6)


@pytest.fixture
def with_root(make):
    return make("root", [*standard(), ROOT])


def test_a_table_of_its_own(with_root, call):
    outcome = call("compare", with_root)
    assert outcome.code == 0, outcome.err
    above, _, below = outcome.out.partition("in VMX root operation")
    assert "root/vmread" not in above and "any" not in above
    assert ["root/vmread", "3", "ROOT/VMREAD"] in [line.split() for line in below.splitlines()]
    outcome = call("compare", with_root, "--without-probes")
    assert ["root/vmread", "3", "ROOT/VMREAD"] in [line.split() for line in outcome.out.splitlines()]


def test_nothing_but_root_operations(make, call):
    outcome = call("compare", make("alone", [Row("cpuid", "p", status="skipped", reason="x"), ROOT]))
    assert outcome.code == 0 and "n = 20 samples" in outcome.out and "root/vmread" in outcome.out


def test_spread(make, call):
    spread = Row("root/vmread", "any", kind="root", level="off", plain=9, control=6, extra=(0, 5))
    outcome = call("compare", make("spread", [*standard(), spread]))
    assert ["root/vmread", "3", "3..8", "ROOT/VMREAD"] in [
        line.split() for line in outcome.out.splitlines()]


def test_document(with_root, call):
    document = json.loads(call("compare", with_root, "--json").out)
    assert [row["name"] for row in document["benchmarks"]] == ["floor", "cpuid", "rdmsr"]
    row, = document["root_operations"]
    assert row["name"] == "root/vmread" and row["net"]["p50"] == 3 and row["control"] == [6]
    assert "exits_per_op" not in row


def test_two_runs(with_root, run, call):
    outcome = call("compare", with_root, with_root)
    assert ["root/vmread/any", "3", "3", "0", "1.00x", "-", "-"] in [
        line.split() for line in outcome.out.splitlines()]
    assert "only in old: root/vmread/any" in call("compare", with_root, run).out


def test_the_gate_holds_them(with_root, make, call, tmp_path):
    file = tmp_path / "base.json"
    assert call("gate", with_root, "--baseline", file, "--update").code == 0
    assert json.loads(file.read_text())["benchmarks"]["root/vmread"] == {"any": {"p50": 3, "p99": 3}}
    assert call("gate", with_root, "--baseline", file).code == 0
    slower = make("slower", [*standard(), Row("root/vmread", "any", kind="root", level="off",
                                              plain=10, control=6)])
    outcome = call("gate", slower, "--baseline", file)
    assert outcome.code == 1
    assert "regressed: root/vmread/any: p50 3 -> 4 ticks (+1); p99 3 -> 4 ticks (+1)" in outcome.out


def test_others_still_need_their_exits(with_root, call, tmp_path):
    file = tmp_path / "base.json"
    assert call("gate", with_root, "--baseline", file, "--update").code == 0
    edit(file, lambda top: top["benchmarks"]["cpuid"]["intercept-all"].pop("exits_per_op"))
    outcome = call("gate", with_root, "--baseline", file)
    assert outcome.code == 2 and "exits_per_op" in outcome.err


def test_only_they_may_be_under_any(make, call):
    path = make("bad", [*standard(), ROOT])

    def change(top):
        top["benchmarks"][-1]["kind"] = "check"

    edit(path, change)
    outcome = call("compare", path)
    assert outcome.code == 2 and '"any" is not among the policies' in outcome.err


def test_report(with_root, call, tmp_path):
    page = tmp_path / "r.html"
    assert call("report", with_root, "-o", page).code == 0
    text = page.read_text()
    assert text.count('<th scope="row">root/vmread<') == 1 and "In VMX root operation" in text

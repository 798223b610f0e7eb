# SPDX-License-Identifier: MIT
"""targets: runs of several targets side by side, one of them of a monitor that is not our core."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .builder import Row, edit

NOTE = "this KVM emulates every instruction"


def monitored(path: Path, exits: float | None = 0.98, notes: tuple[str, ...] = ()) -> Path:
    """Makes a run one of target kvm: no records, and exits as KVM counts them, if it does."""
    def change(document: dict[str, Any]) -> None:
        document["monitor"] = {"name": "Linux KVM", "notes": list(notes)}
        for job in document["jobs"]:
            job["expected_exits_per_op"] = None
            for phase in job.get("phases", {}).values():
                phase.update(records=0, packet_offset=None, stream=None, discarded=0)
            if job["status"] == "done":
                job["exits_per_op"] = exits
                job["interruptions"] = None if exits is None else {"control": 0, "op": 0}
    edit(path, change)
    return path


def kvm_rows() -> list[Row]:
    return [Row("cpuid", "kvm", extra=(0, 7)),
            Row("rdmsr", "kvm", status="skipped", reason="it hangs"), Row("hlt", "kvm")]


@pytest.fixture
def both(make: Callable[..., Path]) -> Path:
    """A directory of two runs, as a run of two targets leaves it."""
    directory = make("both/bochs").parent
    monitored(make("both/kvm", kvm_rows(), level="off", target="kvm", unit="TSC cycles"),
              notes=(NOTE,))
    return directory


def rows(text: str) -> dict[str, list[str]]:
    return {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}


def test_a_column_a_target_each_with_its_unit(both, call):
    outcome = call("targets", both)
    assert outcome.code == 0 and outcome.err == ""
    table = rows(outcome.out)
    assert table["benchmark"] == ["ticks", "exits/op", "ticks", "exits/op", "TSC", "cycles",
                                  "min..p99", "exits/op"]
    assert table["cpuid"] == ["45", "1.00", "45", "1.00", "45", "45..52", "0.98"]
    assert table["rdmsr"] == ["4", "0.00", "55", "1.00", "-", "-", "-"]
    assert table["hlt"] == ["-", "-", "-", "-", "45", "0.98"]
    assert "the units differ" in outcome.out
    assert f"note: {NOTE}" in outcome.out
    assert "not measured, it hangs: kvm/rdmsr/kvm" in outcome.out
    assert "not measured, not in this run: kvm/floor/kvm, bochs/hlt/passthrough-all" in outcome.out
    assert "x" not in [cell[-1] for line in table.values() for cell in line]  # no ratio


def test_runs_one_by_one_and_patterns(both, call):
    outcome = call("targets", both / "kvm", both / "bochs", "--guest", "cp*")
    table = rows(outcome.out)
    assert table["cpuid"] == ["45", "45..52", "0.98", "45", "1.00", "45", "1.00"]
    assert "hlt" not in table and "rdmsr" not in table
    missing = call("targets", both, "--guest", "cpiud")
    assert missing.code == 2 and "no benchmark of these runs matches 'cpiud'" in missing.err


def test_like_units_are_not_said_to_differ(make, call):
    outcome = call("targets", make("one"), make("two"))
    assert outcome.code == 0 and "units differ" not in outcome.out


def test_document(both, call):
    data = json.loads(call("targets", "--json", both).out)
    assert data["schema"] == "exitmeter.targets/1"
    assert [run["unit"] for run in data["runs"]] == ["ticks", "TSC cycles"]
    assert data["columns"][2] == {"run": 1, "policy": "kvm"}
    cells = {row["name"]: row["cells"] for row in data["benchmarks"]}
    assert cells["rdmsr"][2] == {"absent": "it hangs"}
    assert cells["cpuid"][2]["net"]["p50"] == 45 and cells["cpuid"][2]["exits_per_op"] == 0.98


def test_what_is_no_run(both, call, tmp_path):
    assert call("targets", tmp_path / "nothing").code == 2
    (tmp_path / "empty").mkdir()
    assert call("targets", both, tmp_path / "empty").code == 2
    assert call("targets").code == 2


def test_exits_that_nobody_counts_are_absent(make, call):
    run = monitored(make("kvm", [Row("cpuid", "kvm")], level="off", target="kvm"), exits=None)
    assert rows(call("targets", run).out)["cpuid"] == ["45", "-"]
    compared = call("compare", run)
    assert compared.code == 0, compared.err
    assert rows(compared.out)["cpuid"][:2] == ["45", "-"]
    assert call("report", run).code == 0


def test_a_run_of_our_core_must_have_counted(make, call):
    run = make("r", [Row("cpuid")])
    edit(run, lambda document: document["jobs"][0].update(exits_per_op=None))
    assert call("compare", run).code == 2

# SPDX-License-Identifier: MIT
"""compare: the table, the document, two runs, and runs that are not whole."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .builder import Row, edit

ROOT = Path(__file__).resolve().parents[2]


def lines(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]


def test_policies_side_by_side(run, call):
    outcome = call("compare", run)
    assert outcome.code == 0 and outcome.err == ""
    table = lines(outcome.out)
    assert ["floor", "4", "1.00", "4", "1.00", "-", "-"] in table
    assert ["cpuid", "45", "1.00", "45", "1.00", "-", "-"] in table
    assert ["rdmsr", "4", "0.00", "55", "1.00", "51", "13.75x"] in table
    assert ["rdmsr", "5", "10", "30", "8", "4", "57", "4", "2"] in table
    assert "in ticks, less control: p50 of n = 20 samples" in outcome.out
    assert "takes no exit: rdmsr/passthrough-all" in outcome.out
    assert "no split: the measured phase kept no records: floor/passthrough-all" in outcome.out


def test_spread_is_shown_where_there_is_one(make, call):
    outcome = call("compare", make("r", [Row(extra=(0, 1, 2, 300)), Row("rdmsr")]))
    assert ["cpuid", "46", "45..345", "1.00", "-", "-"] in lines(outcome.out)
    assert ["rdmsr", "45", "1.00", "-", "-"] in lines(outcome.out)


@pytest.mark.parametrize("policies", [1, 2, 5, 12])
@pytest.mark.parametrize("name", ["in", "b" * 47])
def test_the_table_fits_100_columns(make, call, policies, name):
    rows = [Row(name, f"{number}-{'p' * 40}", extra=(0, 123456, 99), exits=number > 0)
            for number in range(policies)]
    outcome = call("compare", make("r", rows, unit="TSC cycles", target="kvm"))
    assert max(map(len, outcome.out.splitlines())) <= 100
    if policies < 5:
        assert len(re.findall(r"\b1\.00\b", outcome.out)) == policies - 1
        return
    tables = outcome.out.partition("round trip, p50")[2].partition("samples of a")[0]
    assert max(map(len, tables.splitlines())) <= 80
    rows = re.findall(r"^(?:in|b[b.]+) .*", tables, re.M)
    assert [row.split()[1:] for row in rows][-1] == ["0"] + ["1"] * (policies - 1)
    assert outcome.out.count(f"{'p' * 40}") == 2 * policies  # the legend, and the totals


def test_json_document(run, call):
    document = json.loads(call("compare", run, "--json").out)
    assert document["schema"] == "exitmeter.compare/1"
    rdmsr = document["benchmarks"][2]
    assert rdmsr["name"] == "rdmsr"
    assert rdmsr["saves"] == {"policy": "passthrough-all", "against": "intercept-all",
                              "difference": 51, "ratio": 13.75}
    direct, intercepted = rdmsr["policies"]
    assert direct["split"] is None and direct["split_absent"] == "takes no exit"
    assert direct["counters"] is None and direct["counters_absent"] == "takes no exit"
    assert intercepted["net"]["p99.9"] == 55
    assert intercepted["split"]["handler"] == 30
    assert intercepted["counters"]["vmreads"] == 4
    assert intercepted["exit_reasons"] == [{"number": 31, "name": None, "exits": 20}]
    assert document["benchmarks"][1]["policies"][0]["exit_reasons"][0]["name"] == "CPUID"


def test_no_ratio_to_a_round_trip_of_nothing(make, call):
    path = make("r", [Row(policy="a", exits=False, plain=2, control=2), Row(policy="b")])
    row, = json.loads(call("compare", path, "--json").out)["benchmarks"]
    assert row["saves"]["ratio"] is None
    assert ["cpuid", "0", "0.00", "45", "1.00", "45", "-"] in lines(call("compare", path).out)


def test_a_failed_run_is_shown_with_its_failures(make, call):
    path = make("r", [Row(), Row("out", status="failed", reason="guest died: #GP"),
                      Row("icr", status="skipped", reason="no x2APIC")], reason="1 job failed")
    outcome = call("compare", path)
    assert outcome.code == 0
    assert outcome.out.startswith("warning: this run failed: 1 job failed\n")
    assert "warning: failed: bochs/out/intercept-all: guest died: #GP" in outcome.out
    assert "warning: skipped: bochs/icr/intercept-all: no x2APIC" in outcome.out
    document = json.loads(call("compare", path, "--json").out)
    assert [job["status"] for job in document["not_measured"]] == ["failed", "skipped"]


def test_a_run_that_measured_nothing(make, call):
    path = make("r", [Row(status="not_run")], status="failed", reason="the core died")
    for name in ("samples.bin", "trace/cpu0", "layout.json"):
        (path / name).unlink()
    outcome = call("compare", path)
    assert outcome.code == 0 and "the core died" in outcome.out


def test_checks_are_told_apart_from_benchmarks(make, call):
    path = make("r", [Row(), Row("check/msr-effect", kind="check")])
    outcome = call("compare", path)
    assert outcome.code == 0
    assert "checks passed: bochs/check/msr-effect/intercept-all" in outcome.out
    document = json.loads(call("compare", path, "--json").out)
    assert [row["name"] for row in document["benchmarks"]] == ["cpuid"]
    assert document["checks_passed"] == ["bochs/check/msr-effect/intercept-all"]


def test_two_runs(run, make, call):
    other = make("other", [Row("cpuid", "intercept-all", parts=(5, 10, 29, 8, 4)), Row("new")])
    outcome = call("compare", run, other)
    assert outcome.code == 0
    assert ["cpuid/intercept-all", "45", "54", "+9", "1.20x", "1.00", "1.00"] in lines(outcome.out)
    assert "only in new: new/intercept-all" in outcome.out
    assert "only in old: floor/passthrough-all" in outcome.out
    document = json.loads(call("compare", run, other, "--json").out)
    row, = document["benchmarks"]
    assert (row["difference"], row["ratio"]) == (9, 1.2)


@pytest.mark.parametrize("change, what", [
    (lambda d: d.update(target="kvm"), "target: bochs -> kvm"),
    (lambda d: d.update(unit="TSC cycles"), "unit: ticks -> TSC cycles"),
    (lambda d: d["machine"].update(cpu_model="x"), "CPU model: corei7_haswell_4770 -> x"),
    (lambda d: d["policies"][0].update(probe_level="off"),
     "probe level of passthrough-all: full -> off")])
def test_unlike_runs_are_refused(run, make, call, change, what):
    other = make("other")
    edit(other, change)
    outcome = call("compare", run, other)
    assert outcome.code == 3 and outcome.out == ""
    assert what in outcome.err


def test_unlike_sample_counts_are_refused(run, make, call):
    outcome = call("compare", run, make("other", samples=21))
    assert outcome.code == 3 and "samples: 20 -> 21" in outcome.err


@pytest.mark.parametrize("arguments", [[], ["compare"], ["compare", "a", "b", "c"], ["gate", "a"],
                                       ["compare", "a", "--js"], ["unknown"]])
def test_wrong_usage(call, arguments):
    outcome = call(*arguments)
    assert outcome.code == 2 and outcome.err.startswith("usage: exitmeter")


def test_a_reader_that_leaves_is_no_error(run):
    """stdout is a pipe whose other end is closed."""
    process = subprocess.Popen([sys.executable, "-m", "analysis", "compare", str(run), "--json"],
                               cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


def test_numpy_missing_names_the_package(run):
    done = subprocess.run([sys.executable, "-c",
                           "import sys; sys.modules['numpy'] = None\n"
                           "from analysis.__main__ import main\n"
                           f"sys.exit(main(['compare', {str(run)!r}]))"],
                          cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "python3-numpy" in done.stderr


def test_chosen_benchmarks_alone(make, call):
    run = make("r", [Row("cpuid"), Row("in"), Row("out")])
    data = json.loads(call("compare", run, "--json", "--guest", "o*", "-g", "cpuid").out)
    assert [row["name"] for row in data["benchmarks"]] == ["cpuid", "out"]
    pair = json.loads(call("compare", run, run, "--json", "--guest", "in").out)
    assert [row["name"] for row in pair["benchmarks"]] == ["in"]
    refused = call("compare", run, "--guest", "ni")
    assert refused.code == 2 and "'ni'" in refused.err and "cpuid, in, out" in refused.err


def test_jobs_that_lack_the_same_are_named_together(make, call):
    lack = {"status": "skipped", "reason": "no x2APIC"}
    run = make("r", [Row(), Row("icr", **lack), Row("eoi", **lack),
                     Row("icr", "passthrough-all", **lack), Row("eoi", "passthrough-all", **lack),
                     Row("tpr", **lack), Row("ipi", status="skipped", reason="one CPU only")])
    lines = [line for line in call("compare", run).out.splitlines() if line.startswith("warning")]
    assert lines == [
        "warning: skipped: icr, eoi under intercept-all, passthrough-all; tpr under intercept-all: "
        "no x2APIC", "warning: skipped: bochs/ipi/intercept-all: one CPU only"]


def test_between_has_a_column_where_an_operation_takes_several_exits(make, call):
    rows = [Row("rdmsr"), Row("clts", times=2, gap=7)]
    shown = lines(call("compare", make("several", rows)).out)
    assert ["clts", "5", "20", "40", "16", "4", "7", "92", "4", "2"] in shown
    assert ["rdmsr", "5", "10", "20", "8", "4", "-", "47", "4", "2"] in shown
    assert any("between" in line for line in shown)
    alone = call("compare", make("alone", rows[:1])).out
    assert "between" not in alone
    data = json.loads(call("compare", make("again", rows), "--json").out)
    splits = [entry["split"] for row in data["benchmarks"] for entry in row["policies"]]
    assert "between" not in splits[0]
    assert splits[1]["between"] == 7 and splits[1]["whole"] == sum(splits[1].values()) - 92

# SPDX-License-Identifier: MIT
"""Exports of a real run, by other readers; and the pytest plugin on the real command."""
import collections
import csv
import io
import json
import os
import subprocess
import sys

import pytest

from .conftest import ROOT, exit_reason_of, exitmeter, measure


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return measure(tmp_path_factory.mktemp("exports") / "run", "--guest", "cpuid", "--guest", "rdmsr")


def export(run, *arguments):
    result = exitmeter("export", run, "--format", *arguments)
    assert result.code == 0, result.err
    return result.out


def test_all_formats_tell_of_the_same_exits(run, tmp_path):
    """babeltrace2 reads the copy of the trace; the others' exits are as many, by reason."""
    export(run, "ctf", "-o", tmp_path / "trace")
    lines = subprocess.run(["babeltrace2", tmp_path / "trace"], check=True, text=True,
                           capture_output=True).stdout.splitlines()
    by_ctf = collections.Counter(map(exit_reason_of, lines))
    assert by_ctf["CPUID"] > 2000 and by_ctf["RDMSR"] > 1000
    rows = csv.DictReader(io.StringIO(export(run, "csv", "--of", "records")))
    assert collections.Counter(row["reason_name"] for row in rows) == by_ctf
    trace = json.loads(export(run, "perfetto"))
    slices = collections.Counter(event["name"] for event in trace["traceEvents"])
    assert {name: slices[name] for name in by_ctf} == dict(by_ctf)


def test_folded_ticks_are_the_core_time_of_the_operations(run):
    stacks = dict(line.rsplit(" ", 1) for line in export(run, "folded").splitlines())
    document = json.loads(exitmeter("compare", run, "--json").out)
    split = next(entry["split"] for row in document["benchmarks"] if row["name"] == "cpuid"
                 for entry in row["policies"] if entry["policy"] == "intercept-all")
    assert int(stacks["intercept-all;cpuid;CPUID;handler"]) == 1000 * split["handler"]
    assert int(stacks["intercept-all;cpuid;exit transition"]) == 1000 * split["exit_transition"]


def test_a_project_states_what_an_exit_may_cost(tmp_path):
    (tmp_path / "test_costs.py").write_text('''
def test_cpuid(exit_cost):
    assert exit_cost("cpuid") <= 60
def test_too_little(exit_cost):
    assert exit_cost("cpuid") <= 50
''')
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p",
                           "exitmeter_pytest"], cwd=tmp_path, text=True, capture_output=True,
                          check=False, env={**os.environ,
                                            "PYTHONPATH": str(ROOT / "analysis" / "plugin")})
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout
    assert "ticks, p50 of cpuid/intercept-all, n = 1000 <= 50" in done.stdout

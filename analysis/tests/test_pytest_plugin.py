# SPDX-License-Identifier: MIT
"""The pytest plugin, as a project outside of this one would use it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path, run):
    """project(test, *arguments): what pytest says of a test file there, as text and exit code. Its
    exitmeter measures nothing: a run is a copy of the fixture's."""
    command = tmp_path / "exitmeter"
    command.write_text(f'''#!/bin/sh
echo "$*" >>{tmp_path}/calls
if [ "$1" = run ]; then
    for last; do :; done
    [ "$3" = never ] && {{ echo "no VT-x" >&2; exit 3; }}
    exec cp -r {run} "$last"
fi
cd {ROOT} && exec {sys.executable} -m analysis "$@"
''')
    command.chmod(0o755)

    def pytest_there(test, *arguments):
        directory = tmp_path / "project"
        directory.mkdir(exist_ok=True)
        (directory / "test_costs.py").write_text(test)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p",
             "exitmeter_pytest", "--exitmeter", str(command), *map(str, arguments)],
            cwd=directory, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONPATH": str(ROOT / "analysis" / "plugin")})
        return done.stdout + done.stderr, done.returncode
    return pytest_there


def test_limits_that_hold_and_one_that_does_not(project, tmp_path):
    out, code = project('''
def test_cpuid(exit_cost):
    assert exit_cost("cpuid", policy="intercept-all") <= 60
def test_counts(exit_cost):
    assert exit_cost("cpuid", "vmreads", "intercept-all") == 4
    assert exit_cost("rdmsr", "exits_per_op", "passthrough-all") == 0
def test_too_dear(exit_cost):
    assert exit_cost("rdmsr", policy="intercept-all") <= 50
''')
    assert code == 1 and "1 failed, 2 passed" in out
    assert ("assert 55 ticks, p50 of rdmsr/intercept-all, n = 20 (exit transition 5, save and dispatch "
            "10, handler 30, restore 8, entry transition 4) <= 50") in out
    calls = (tmp_path / "calls").read_text().splitlines()
    assert [call.split()[:7] for call in calls if call.startswith("run ")] == [
        ["run", "--guest", name, "--policy", "intercept-all", "--probes", "off"]
        for name in ("cpuid", "rdmsr")]


def test_a_run_that_is_there(project, run, tmp_path):
    out, code = project('''
def test_cpuid(exit_cost):
    assert exit_cost("cpuid", "handler", "intercept-all") == 20
''', "--exitmeter-run", run)
    assert code == 0, out
    assert not any(call.startswith("run ") for call in (tmp_path / "calls").read_text().splitlines())


@pytest.mark.parametrize("call, what", [
    ('"never"', "no VT-x"), ('"cpuid"', "several policies; say which: passthrough-all"),
    ('"nothing"', "nothing was not measured"),
    ('"cpuid", "p51", "intercept-all"', "has no p51; there is max, min, n"),
    ('"rdmsr", "handler", "passthrough-all"', "has no handler: takes no exit")])
def test_what_was_not_measured_fails(project, call, what):
    out, code = project(f"def test(exit_cost):\n    assert exit_cost({call}) <= 1e9\n")
    assert code == 1 and what in out


def test_no_such_command(project):
    out, code = project('def test(exit_cost):\n    assert exit_cost("cpuid") <= 1e9\n',
                        "--exitmeter", "/nowhere/exitmeter")
    assert code == 1 and "--exitmeter says where" in out

# SPDX-License-Identifier: MIT
"""exitmeter runs: what there is, what of it is damaged; and that a run can be seen to be as it was."""

import json
import shutil
import subprocess

import pytest


@pytest.fixture
def runs(home):
    """Two runs in the directory runs, the second a set of two; and things that are no runs."""
    home.good_bochs()
    assert home.run("run", "-o", "runs/first", "--policy", "intercept-all").returncode == 0
    assert home.run("run", "-o", "runs/set", "--cpu-model", "bx_generic", "--cpu-model",
                    "corei7_skylake_x").returncode == 0
    (home.work / "runs" / "first.html").write_text("a report")
    (home.work / "runs" / "empty").mkdir()
    return home


def listed(home, *arguments, code=0):
    result = home.run("runs", "--json", *arguments)
    assert result.returncode == code, result.stderr
    document = json.loads(result.stdout)
    assert document["schema"] == "exitmeter.runs/1"
    return {run["name"]: run for run in document["runs"]}


def test_all_are_listed(runs):
    found = listed(runs)
    assert list(found) == ["runs/first", "runs/set/bx_generic", "runs/set/corei7_skylake_x"]
    first = found["runs/first"]
    assert first.pop("created").endswith("Z")
    assert first == {"name": "runs/first", "kind": "benchmarks", "target": "bochs",
                     "cpu_model": "corei7_haswell_4770", "policies": ["intercept-all"], "done": 5,
                     "skipped": 0, "failed": 0, "not_run": 0, "status": "complete", "reason": ""}
    text = runs.run("runs")
    assert text.returncode == 0
    for word in ("runs/first ", "corei7_skylake_x", "complete", "passthrough-all, intercept-all"):
        assert word in text.stdout


def test_one_run_and_another_directory(runs):
    assert list(listed(runs, "runs/first")) == ["runs/first"]
    assert list(listed(runs, "runs/set/")) == ["runs/set/bx_generic", "runs/set/corei7_skylake_x"]
    assert not listed(runs, "runs/empty")
    result = runs.run("runs", "nowhere")
    assert result.returncode == 2 and "nowhere: No such file" in result.stderr


def test_counts_of_a_failed_run(home):
    home.bochs("sys.exit(1)")
    assert home.run("run", "-o", "runs/dead").returncode == 1
    run = listed(home)["runs/dead"]
    assert (run["status"], run["not_run"], run["done"]) == ("failed", 10, 0)
    assert "status 1" in run["reason"]


@pytest.mark.parametrize("damage, words", [
    (lambda run: (run / "run.json").write_text('{"schema": "exitm'), "run.json: line 1"),
    (lambda run: (run / "run.json").write_text('{"schema": "other/1"}'), "other/1"),
    (lambda run: (run / "run.json").write_text('{"schema": "exitmeter.run/3"}'), "missing"),
    (lambda run: (run / "samples.bin").unlink(), "samples.bin: No such file"),
    (lambda run: shutil.rmtree(run / "trace"), "trace/cpu0: No such file"),
    (lambda run: (run / "sha256sums").write_text("0\n"), "sha256sums is damaged"),
])
def test_a_damaged_run_is_named(runs, damage, words):
    damage(runs.work / "runs" / "first")
    found = listed(runs, code=1)
    assert found["runs/first"]["status"] == "damaged" and words in found["runs/first"]["reason"]
    assert found["runs/set/bx_generic"]["status"] == "complete"
    assert f"damaged: {found['runs/first']['reason']}" in runs.run("runs").stdout


def test_what_a_killed_run_has_left_is_named(runs):
    """It may be one that is still being made: that is no fault."""
    (runs.work / "runs" / ".third.partial-abcdef").mkdir()
    found = listed(runs)
    assert found["runs/.third.partial-abcdef"]["status"] == "unfinished"
    assert "unfinished: a run that is being made" in runs.run("runs").stdout


@pytest.mark.parametrize("file", ["samples.bin", "trace/cpu0", "benchmark.json", "console.txt"])
def test_a_changed_byte_is_found(runs, file):
    path = runs.work / "runs" / "first" / file
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert listed(runs)["runs/first"]["status"] == "complete"  # not read
    reason = listed(runs, "--verify", code=1)["runs/first"]["reason"]
    assert reason == f"{file} is not what it was when the run was made"


def test_sha256sum_reads_the_sums(runs):
    for run in ("runs/first", "runs/set/bx_generic"):
        result = subprocess.run(["sha256sum", "-c", "sha256sums"], cwd=runs.work / run, text=True,
                                capture_output=True)
        assert result.returncode == 0 and "trace/cpu0: OK" in result.stdout
        assert "run.json: OK" in result.stdout and "benchmark.json: OK" in result.stdout


def test_strings_of_a_run_cannot_steer_the_terminal(runs):
    path = runs.work / "runs" / "first" / "run.json"
    path.write_text(path.read_text().replace('"target": "bochs"', '"target": "\\u001b[2J"'))
    text = runs.run("runs").stdout
    assert "\x1b" not in text and "?[2J" in text

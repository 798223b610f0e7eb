# SPDX-License-Identifier: MIT
"""The harness itself, on Bochs: every run is the same; several at once are each as if alone; what it
takes beside Bochs; and Google Benchmark's flags."""
import csv
import io
import json
import re
import sys
import time

import pytest
import repeat

from .conftest import BUILD, EXITMETER, ROOT, exitmeter, measure, run, run_json

FEW = ("--guest", "cpuid", "--guest", "rdmsr", "--guest", "ept_first_touch", "--samples", "100")


def test_twenty_runs_are_the_same():
    """`make repeat` does it with the whole corpus."""
    result = run(sys.executable, ROOT / "ci" / "repeat.py", EXITMETER, "--times", "20", *FEW,
                 timeout=900)
    assert result.code == 0, result.out + result.err
    assert result.out.endswith("20 runs, each a boot of its own: all the same\n")
    assert {"samples.bin", "trace/cpu0", "benchmark.json", "run.json", "console.txt"} <= set(
        line.split()[1] for line in result.out.splitlines()[:-1])


@pytest.mark.parametrize("file", ["samples.bin", "trace/cpu0", "run.json", "benchmark.json"])
def test_a_difference_is_seen(tmp_path, file):
    directory = measure(tmp_path / "run", *FEW)
    first = repeat.digests(directory)
    path = directory / file
    if file.endswith(".json"):
        text = path.read_text()
        assert text.count('"cpu_model": "corei7_haswell_4770"') == 1
        path.write_text(text.replace('"cpu_model": "corei7_haswell_4770"', '"cpu_model": "other"'))
    else:
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    assert repeat.differences(first, repeat.digests(directory)) == [file]


def test_models_side_by_side_are_as_if_alone(tmp_path):
    models = ("corei7_haswell_4770", "corei7_skylake_x")
    together = measure(tmp_path / "both", *FEW, "-j", "2", *(
        word for model in models for word in ("--cpu-model", model)))
    for model in models:
        alone = measure(tmp_path / model, *FEW, "--cpu-model", model)
        assert repeat.digests(alone) == repeat.digests(together / model)


def test_the_harness_takes_little_beside_bochs(full, tmp_path):
    """Not a bound in seconds, which a busy machine breaks: less than a tenth of what Bochs takes for
    a run of the whole corpus. The figure itself is in the last line of every run."""
    begin = time.monotonic()
    result = exitmeter("run", "-o", tmp_path / "run", timeout=600)
    wall = time.monotonic() - begin
    bochs, harness = map(float, re.search(r"bochs ([\d.]+) s, harness ([\d.]+) s\n$",
                                          result.err).groups())
    assert abs(bochs + harness - wall) < 1 + wall / 10
    assert harness < bochs / 10
    assert run_json(tmp_path / "run")["jobs"] == run_json(full)["jobs"]


def test_quiet_without_a_terminal(tmp_path):
    result = exitmeter("run", "-o", tmp_path / "run", "--guest", "cpuid")
    assert len(result.err.splitlines()) == 2 and "\r" not in result.err and "\x1b" not in result.err


def test_repetitions_interleaving_filter_and_formats(tmp_path):
    """All at once, as they are used."""
    flags = ("--benchmark_repetitions=4", "--benchmark_enable_random_interleaving=true",
             "--benchmark_filter=(cpuid|rdmsr)/intercept", f"--benchmark_out={tmp_path / 'out.csv'}",
             "--benchmark_out_format=csv", "--benchmark_format=json")
    result = exitmeter("run", "-o", tmp_path / "run", *FEW, *flags)
    assert result.code == 0, result.err
    shown = json.loads(result.out)["benchmarks"]
    kept = json.loads((tmp_path / "run" / "benchmark.json").read_text())["benchmarks"]
    table = (tmp_path / "out.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(table[table.index("name,"):])))
    assert [e["name"] for e in shown] == [e["name"] for e in kept] == [r["name"] for r in rows]
    cpuid = [e for e in kept if e["name"] == "bochs/cpuid/intercept-all"]
    assert [entry["repetition_index"] for entry in cpuid] == [0, 1, 2, 3]
    statistics = {e["aggregate_name"] for e in kept if e["run_type"] == "aggregate"}
    assert {"mean", "median", "stddev", "cv"} <= statistics
    jobs = [job["name"] for job in run_json(tmp_path / "run")["jobs"]]
    assert len(jobs) == 8 and jobs != sorted(jobs)  # shuffled, in one boot
    for counter in ("p50", "p99", "exits_per_op", "vmreads", "vmwrites", "msr_accesses"):
        assert all(counter in entry for entry in cpuid)
        assert counter in rows[0]
    assert (cpuid[0]["vmreads"], cpuid[0]["vmwrites"], cpuid[0]["exits_per_op"]) == (4, 1, 1)


def test_bench_harness_times_the_harness():
    names = run(BUILD / "bench-harness", "--benchmark_list_tests=true").out.split()
    assert {"results_read/records", "exit_proof/records"} <= set(names)
    result = run(BUILD / "bench-harness", "--benchmark_filter=exit_proof|policy_compile",
                 "--benchmark_min_time=0.01", "--benchmark_format=json")
    assert result.code == 0, result.err
    entries = {e["name"]: e for e in json.loads(result.out)["benchmarks"]}
    assert len(entries) == 2 and entries["exit_proof/records"]["items_per_second"] > 0
    assert run(BUILD / "bench-harness", "--benchmrk_filter=x").code == 2


def test_the_speed_of_the_traces_reader_is_measured(tmp_path):
    layout = tmp_path / "layout.json"
    layout.write_text(run(BUILD / "bench-harness", "--layout").out)
    script = (sys.executable, ROOT / "ci" / "trace_speed.py", layout, "--records", "150000",
              "--passes", "3", "--json")
    figures = json.loads(run(*script).out)
    assert len(figures["decoded"]) == 3 and min(figures["decoded"]) > 0
    assert run(*script, "--at-least", "1e9").code == 1

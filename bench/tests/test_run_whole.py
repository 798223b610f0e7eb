# SPDX-License-Identifier: MIT
"""A whole run with a Bochs that writes made-up results."""

import csv
import hashlib
import io
import json
import re
import subprocess
import sys

import pytest

import synthetic

VARYING = ("date", "host_name", "load_avg", "mhz_per_cpu", "num_cpus", "caches",
           "cpu_scaling_enabled", "executable")


def good_run(home, *arguments, name="R"):
    home.good_bochs()
    result = home.run("run", "-o", name, "--samples", "40", *arguments)
    assert result.returncode == 0, result.stderr
    return home.work / name, result


def run_json(run):
    return json.loads((run / "run.json").read_text())


def benchmark_json(run):
    """benchmark.json, the calibration's group left out."""
    document = json.loads((run / "benchmark.json").read_text())
    document["benchmarks"] = [entry for entry in document["benchmarks"]
                              if not entry["name"].startswith("bochs/calibration/")]
    return document


def test_files_and_last_line(home):
    run, result = good_run(home)
    assert home.left_behind() == ["R"]
    assert sorted(str(p.relative_to(run)) for p in run.rglob("*") if p.is_file()) == [
        "benchmark.json", "console.txt", "layout.json", "names.json", "plan.bin", "run.json", "samples.bin",
        "sha256sums", "trace/cpu0", "trace/metadata"]
    assert re.fullmatch(r"exits as the policies predict: 10 of 10 jobs; 0 disagree\n"
                        r"run: R \(10 done, 0 skipped, 0 failed\), bochs \d+\.\d s, "
                        r"harness \d+\.\d s\n", result.stderr)
    assert (run / "console.txt").read_text().startswith("exitmeter core")
    assert run.stat().st_mode & 0o777 == 0o777 & ~0o022


def test_run_json(home):
    run, _ = good_run(home)
    document = run_json(run)
    assert document["schema"] == "exitmeter.run/3"
    assert (document["status"], document["target"], document["unit"]) == ("complete", "bochs", "ticks")
    assert document["command"] == ["exitmeter", "run", "-o", "R", "--samples", "40"]
    assert document["build"]["emulator"] == "Bochs x86 Emulator 2.7"
    assert document["build"]["core_sha256"] == hashlib.sha256(b"\x7fELF core").hexdigest()
    assert document["machine"]["capabilities"]["feature_control"] == "0x0000000000000009"
    exits = {job["name"]: (job["expected_exits_per_op"], job["exits_per_op"])
             for job in document["jobs"]}
    assert exits["bochs/cpuid/passthrough-all"] == (1, 1.0)
    assert exits["bochs/msr-write/passthrough-all"] == (0, 0.0)
    assert exits["bochs/io/in/intercept-all"] == (1, 1.0)


def test_samples_and_packets_lie_where_run_json_says(home):
    run, _ = good_run(home)
    samples, stream = (run / "samples.bin").read_bytes(), (run / "trace/cpu0").read_bytes()
    total = records = 0
    for job in run_json(run)["jobs"]:
        for number, name in enumerate(("count_control", "count_op", "control", "op", "twice")):
            phase = job["phases"][name]
            assert phase["sample_offset"] == total
            total += phase["samples"]
            if phase["packet_offset"] is None:
                assert job["benchmark"] == "floor" and number >= 2
                continue
            assert (phase["stream"], phase["packet_offset"]) == ("cpu0", records * 64)
            words = [int.from_bytes(stream[records * 64 + at:records * 64 + at + 4], "little")
                     for at in (0, 52, 56)]
            assert words == [0xC1FC1FC1, job["index"], number]
            records += 1 + phase["records"]
    assert len(samples) == total * 16
    assert len(stream) == records * 64


def test_layout_is_of_64_bytes_without_gaps(home):
    run, _ = good_run(home)
    layout = json.loads((run / "layout.json").read_text())
    assert layout["schema"] == "exitmeter.layout/1" and layout["record_size"] == 64
    for part in ("record", "packet"):
        offset = 0
        for field in layout[part]:
            assert field["offset"] == offset
            offset += field["bits"] // 8
        assert offset == 64


@pytest.mark.parametrize("level", ["hardware", "full", "stamps", "counts", "off"])
def test_babeltrace_reads_the_trace(home, level):
    run, _ = good_run(home, "--probes", level)
    output = subprocess.run(["babeltrace2", run / "trace"], text=True, capture_output=True)
    assert output.returncode == 0 and output.stderr == ""
    events = output.stdout.splitlines()
    records = sum(phase["records"] for job in run_json(run)["jobs"]
                  for phase in job["phases"].values())
    assert len(events) == records
    assert sum(" RDMSR: " in event for event in events) >= (20 if level in ("counts", "off") else 40)
    assert "probe_level = 3" in events[0] and "vmreads = 3" in events[0]


def test_counters_are_nearest_rank(home):
    run, _ = good_run(home)
    entry = next(e for e in benchmark_json(run)["benchmarks"]
                 if e["name"] == "bochs/cpuid/intercept-all")
    net = sorted(50 + n % 3 - 21 + (12 if True else 0) for n in range(40))  # 4 stamps of 3 ticks
    assert entry["control"] == 21
    assert [entry[c] for c in ("min", "p50", "p90", "p99", "max")] == [
        net[0], net[19], net[35], net[39], net[39]]
    assert entry["real_time"] == pytest.approx(sum(net) / 40) and entry["iterations"] == 40
    assert entry["cpu_time"] == entry["real_time"]
    assert entry["label"] == "ticks" and entry["exits_per_op"] == 1


def test_names_are_clean_everywhere(home):
    run, result = good_run(home, "--benchmark_out=out.csv", "--benchmark_out_format=csv")
    names = [job["name"] for job in run_json(run)["jobs"]]
    entries = benchmark_json(run)["benchmarks"]
    assert [e["name"] for e in entries] == names == [e["run_name"] for e in entries]
    assert [line.split()[0] for line in result.stdout.splitlines()
            if line[:6] == "bochs/" and "/calibration/" not in line] == names
    table = (home.work / "out.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(table[table.index("name,"):])))
    assert [row["name"] for row in rows if "/calibration/" not in row["name"]] == names


def test_two_runs_are_byte_identical(home):
    texts = []
    for name in ("R", "S"):
        run, _ = good_run(home, name=name)
        lines = (run / "benchmark.json").read_text().splitlines()
        end = lines.index('  "benchmarks": [')
        context = json.loads("\n".join(lines)).pop("context")
        texts.append((lines[end:], {k: v for k, v in context.items() if k not in VARYING}))
    assert texts[0] == texts[1]
    assert texts[0][1]["unit"] == "ticks"


def test_compare_py_reads_our_files(home):
    first, _ = good_run(home)
    second, _ = good_run(home, name="S")
    output = subprocess.run([sys.executable, "/usr/share/benchmark/compare.py", "--no-color",
                             "benchmarks", first / "benchmark.json", second / "benchmark.json"],
                            text=True, capture_output=True)
    assert output.returncode == 0, output.stderr
    assert "bochs/cpuid/intercept-all" in output.stdout and "+0.0000" in output.stdout


def test_repetitions(home):
    run, _ = good_run(home, "--benchmark_repetitions=3", "--guest", "cpuid", "--policy",
                      "intercept-all", "--benchmark_report_aggregates_only",
                      "--benchmark_out=out.json")
    assert [job["repetition"] for job in run_json(run)["jobs"]] == [0, 1, 2]
    entries = benchmark_json(run)["benchmarks"]
    assert [e["repetition_index"] for e in entries if e["run_type"] == "iteration"] == [0, 1, 2]
    mean = next(e for e in entries if e.get("aggregate_name") == "mean")
    assert mean["name"] == "bochs/cpuid/intercept-all_mean"
    assert mean["cpu_time"] == mean["real_time"]
    out = json.loads((home.work / "out.json").read_text())["benchmarks"]
    assert {e["run_type"] for e in out if "/calibration/" not in e["name"]} == {"aggregate"}


def test_interleaving_shuffles_the_jobs_but_not_the_report(home):
    plain, _ = good_run(home, "--benchmark_repetitions=2")
    mixed, _ = good_run(home, "--benchmark_repetitions=2", "--guest", "*",
                        "--benchmark_enable_random_interleaving=true", name="S")
    order = [(job["name"], job["repetition"]) for job in run_json(mixed)["jobs"]]
    tidy = [(job["name"], job["repetition"]) for job in run_json(plain)["jobs"]]
    assert order != tidy and sorted(order) == sorted(tidy)
    assert ([e["name"] for e in benchmark_json(mixed)["benchmarks"]]
            == [e["name"] for e in benchmark_json(plain)["benchmarks"]])


def test_filter_decides_what_is_run(home):
    run, _ = good_run(home, "--benchmark_filter=-floor|io")
    assert {job["benchmark"] for job in run_json(run)["jobs"]} == {"cpuid", "msr-read", "msr-write"}


def test_only_checks_still_leave_a_readable_benchmark_json(home):
    run, result = good_run(home, "--guest", "check/*")
    assert benchmark_json(run)["benchmarks"] == []
    assert all(job["expected_exits_per_op"] is None for job in run_json(run)["jobs"])
    assert "(2 done, 0 skipped, 0 failed)" in result.stderr
    assert all("measured nothing" in figure["absent"]
               for figure in run_json(run)["calibration"].values())


def test_calibration(home):
    run, _ = good_run(home, "--guest", "msr-*")
    calibration = run_json(run)["calibration"]
    assert list(calibration) == ["sample", "cpuid", "probes_counts", "probes_stamps", "probes_full",
                                 "probes_hardware", "probes_pmu", "lfence", "rdtsc", "rdtscp", "rdpmc"]
    assert calibration["probes_stamps"]["p50"] == 12  # the made-up machine's four stamps of 3
    assert calibration["probes_full"] | {"what": ""} == {
        "what": "", "n": 40, "min": 11, "p50": 12, "max": 13}
    assert calibration["probes_counts"]["p50"] == 0
    assert calibration["probes_hardware"]["p50"] == 12
    assert calibration["probes_pmu"]["absent"] == "the run asks for no events"
    assert calibration["rdtsc"]["absent"] == "the guest blob has no row for it"
    assert "calibration" not in {job["benchmark"] for job in run_json(run)["jobs"]}
    assert [policy["name"] for policy in run_json(run)["policies"]] == ["passthrough-all",
                                                                       "intercept-all"]


def test_policies_reach_the_plan(home):
    (home.work / "one.policy").write_text("default msr passthrough\nintercept msr 0x174 r\n"
                                          "probes counts\n")
    run, _ = good_run(home, "--policy", "one.policy", "--guest", "msr-*")
    plan = synthetic.Plan((run / "plan.bin").read_bytes())
    assert plan.flags == 3 and plan.base == 0x8000000
    assert [job["probes"] for job in plan.jobs[:2]] == [1, 1]
    assert {(job["benchmark"], job["policy"], job["probes"]) for job in plan.jobs[2:]} == {
        ("cpuid", 1, level) for level in range(5)}  # the calibration, as far as the blob has it
    assert [job["exits_per_op"] for job in run_json(run)["jobs"]] == [1.0, 0.0]


def test_environment_does_not_change_what_is_run(home):
    home.good_bochs()
    noise = {"BENCHMARK_FILTER": "nothing", "BENCHMARK_REPETITIONS": "5",
             "BENCHMARK_LIST_TESTS": "1", "BENCHMARK_OUT": "stray.json",
             "BENCHMARK_ENABLE_RANDOM_INTERLEAVING": "1"}
    result = home.run("run", "-o", "R", env=home.environment() | noise)
    assert result.returncode == 0
    assert len(benchmark_json(home.work / "R")["benchmarks"]) == 10
    assert home.left_behind() == ["R"]


def test_root_operations_run_once_under_any_policy(home):
    """No policy has a say in them, and no exit is proved or counted."""
    (home.root / "build" / "guests.bin").write_bytes(
        synthetic.make_blob([*synthetic.ROWS[:2], synthetic.ROOT_ROW]))
    home.bochs("""\
        log()
        console("")
        plan = pathlib.Path("tree/plan.bin").read_bytes()
        data = synthetic.make_results(plan, rows=[*synthetic.ROWS, synthetic.ROOT_ROW])
        pathlib.Path("results.bin").write_bytes(data)
        """)
    result = home.run("run", "-o", "R", "--samples", "40", "--probes", "stamps",
                      "--benchmark_repetitions=2")
    assert result.returncode == 0, result.stderr
    document = run_json(home.work / "R")
    assert [row["kind"] for row in document["benchmarks"]] == ["benchmark", "benchmark", "root"]
    jobs = [job for job in document["jobs"] if job["benchmark"] == "root/vmread"]
    assert [(job["name"], job["policy"], job["repetition"]) for job in jobs] == [
        ("bochs/root/vmread/any", "any", 0), ("bochs/root/vmread/any", "any", 1)]
    for job in jobs:
        assert (job["status"], job["probe_level"]) == ("done", "off")
        assert job["expected_exits_per_op"] is None and job["exits_per_op"] is None
        assert job["phases"]["op"]["samples"] == 40
        assert job["phases"]["count_op"]["packet_offset"] is None
    entries = [entry for entry in benchmark_json(home.work / "R")["benchmarks"]
               if entry["name"].startswith("bochs/root/") and entry["run_type"] == "iteration"]
    assert len(entries) == 2 and all("exits_per_op" not in entry for entry in entries)


@pytest.mark.parametrize("probes", ["full", "stamps", "counts", "off"])
def test_what_exits_took_of_the_core(home, probes):
    """Whatever the measured phases count, the counting phases do."""
    run, _ = good_run(home, "--probes", probes)
    entries = {entry["name"]: entry for entry in benchmark_json(run)["benchmarks"]}
    exiting = entries["bochs/cpuid/intercept-all"]
    assert {name: exiting[name] for name in ("vmreads", "vmwrites", "msr_accesses", "xsetbvs",
                                             "invalidations")} == {
        "vmreads": 3, "vmwrites": 1, "msr_accesses": 0, "xsetbvs": 0, "invalidations": 0}
    assert "vmreads" not in entries["bochs/msr-write/passthrough-all"]  # takes no exit

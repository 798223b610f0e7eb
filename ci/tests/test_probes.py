# SPDX-License-Identifier: MIT
"""What the probes cost, that they are not there when off, and that nothing is lost in long runs."""
import json
import re
import subprocess

import pytest

from .conftest import BUILD, benchmarks, measure, run_json, trace_lines

STAMPS_MOST, COUNTS_MOST = 24, 8  # ticks a round trip
SPILLED = 6  # of those: what the counting build of a handler cannot keep in registers
MILLIONS = 10_000_000


@pytest.fixture(scope="module")
def levels(tmp_path_factory):
    """p50 by benchmark of one exit, all of them intercepted, at each probe level."""
    home = tmp_path_factory.mktemp("levels")
    runs = {level: measure(home / level, "--probes", level, "--policy", "intercept-all")
            for level in ("off", "counts", "stamps", "full")}
    return {level: {entry["name"].split("/", 1)[1]: entry["p50"]
                    for entry in benchmarks(directory).values()
                    if entry.get("exits_per_op") == 1}
            for level, directory in runs.items()} | {"runs": runs}


def accesses(directory):
    """VMREADs and VMWRITEs an exit, by benchmark: each costs the tick that counts it."""
    found = {}
    for job in run_json(directory)["jobs"]:
        if job["status"] != "done":
            continue
        op, control = (job["phases"][name]["totals"] for name in ("op", "control"))
        if op:
            found[job["benchmark"]] = sum(op[kind] - control[kind]
                                          for kind in ("vmreads", "vmwrites")) / 1000
    return found


def test_the_probes_cost_what_they_may(levels):
    counted = accesses(levels["runs"]["counts"])
    exits = {job["benchmark"]: job["exits_per_op"] for job in run_json(levels["runs"]["full"])["jobs"]}
    for name, off in levels["off"].items():
        if name.startswith("floor/"):
            continue
        benchmark = name.rsplit("/", 1)[0]
        times = exits[benchmark]
        assert 0 < levels["stamps"][name] - off <= STAMPS_MOST * times, name
        most = max(COUNTS_MOST * times, counted[benchmark] + SPILLED * times)
        assert 0 < levels["counts"][name] - off <= most, name
        assert levels["full"][name] > levels["stamps"][name], name


def test_the_benchmark_group_says_so_too(full, levels):
    """TARGET/calibration/..., in every run: the same figures as from whole runs."""
    entries = {entry["name"]: entry for entry in
               json.loads((full / "benchmark.json").read_text())["benchmarks"]}
    cost = {level: entries[f"bochs/calibration/probes_{level}"]["p50"]
            for level in ("counts", "stamps", "full")}
    for level, ticks in cost.items():
        name = "cpuid/intercept-all"
        assert ticks == levels[level][name] - levels["off"][name], level
    assert cost["stamps"] <= STAMPS_MOST and cost["counts"] <= COUNTS_MOST
    alone = {name: entries[f"bochs/calibration/{name}"] for name in
             ("sample", "lfence", "rdtsc", "rdtscp", "rdpmc")}
    assert all(entry["min"] == entry["max"] > 0 for entry in alone.values())
    assert all(alone[name]["p50"] == 1 for name in alone if name != "sample")
    assert run_json(full)["calibration"]["probes_full"]["n"] == 1000


def test_sums_agree_with_records(levels):
    """The level "counts" and the level "full" count the same, by different code."""
    full = {job["benchmark"]: job for job in run_json(levels["runs"]["full"])["jobs"]}
    document = run_json(levels["runs"]["counts"])
    rows = {row["name"]: row for row in document["benchmarks"]}
    for job in document["jobs"]:
        if job["benchmark"] == "floor" or job["status"] == "skipped" or job["policy"] == "any":
            continue
        op, control = (job["phases"][name]["totals"] for name in ("op", "control"))
        taken = {int(reason): count - control["exits"].get(reason, 0)
                 for reason, count in op["exits"].items()}
        assert sum(taken.values()) == 1000 * job["exits_per_op"], job["name"]
        assert job["phases"]["op"]["packet_offset"] is None
        assert full[job["benchmark"]]["phases"]["op"]["totals"] is None
        exits = rows[job["benchmark"]]["exits"]
        if len(exits) == 1:
            assert taken.get(exits[0]["reason"], 0) == 1000 * job["exits_per_op"], job["name"]
            assert (op["vmreads"] - control["vmreads"]) % 1000 == 0


def disassembly(symbol):
    text = subprocess.run(["objdump", "-d", "--no-show-raw-insn", f"--disassemble={symbol}",
                           BUILD / "exitmeter-core.debug.elf"], check=True, text=True,
                          capture_output=True).stdout
    assert f"<{symbol}>:" in text
    return text


@pytest.mark.parametrize("symbol", ["vmx_exit_off", "exit_cpuid", "exit_rdmsr", "exit_io",
                                    "exit_vmcall"])
def test_probes_that_are_off_are_not_there(symbol):
    """No time stamp and no access to the probes' state, which is behind GS."""
    assert not re.search(r"rdtsc|rdpmc|%gs", disassembly(symbol))


def test_that_probe_code_is_recognised():
    assert re.search(r"rdtsc", disassembly("vmx_exit_stamps"))
    assert re.search(r"%gs", disassembly("vmx_exit_counts"))


def test_what_an_event_costs_is_counted(tmp_path):
    """event_prepare() runs behind the handler, and its accesses are in the record too."""
    directory = measure(tmp_path / "run", "--guest", "check/interrupts", "--policy", "intercept-all")
    reads = [int(match[1]) for match in
             re.finditer(r"detail = 2111,.*?vmreads = (\d+)", "\n".join(trace_lines(directory)))]  # WRMSR of the self-IPI, 0x83f
    assert reads and min(reads) > 4  # exit reason and three of guest_advance()


def test_ten_million_exits_and_none_lost(tmp_path):
    """By the guest's own count of samples, by the records, and in their order."""
    directory = measure(tmp_path / "run", "--guest", "cpuid", "--policy", "intercept-all",
                        "--samples", "10000", "--rounds", str(MILLIONS // 10000),
                        "--timeout", "1200", timeout=1300)
    job, = run_json(directory)["jobs"]
    assert job["status"] == "done" and job["exits_per_op"] == 1  # out of order would have failed
    folded = job["phases"]["op"]["folded"]
    assert folded["samples"] == MILLIONS and folded["discarded"] == 0
    rounds = MILLIONS // 10000
    start = {"46": 2 * rounds}  # LGDT and LIDT
    assert folded["totals"]["exits"] == {"10": MILLIONS, "18": rounds, **start}
    assert folded["records"] == MILLIONS + 3 * rounds
    trip = folded["histograms"]["round_trip"]
    assert trip["n"] == MILLIONS and trip["min"] == trip["max"]
    parts = [folded["histograms"][name] for name in ("save_and_dispatch", "handler", "restore")]
    assert all(part["n"] == MILLIONS + 2 * rounds for part in parts)
    kept = job["phases"]["op"]
    assert kept["samples"] == 10000 and kept["records"] == 10003

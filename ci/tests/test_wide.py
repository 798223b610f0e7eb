# SPDX-License-Identifier: MIT
"""The CPU's own stamp of the VM exit, and performance events where the CPU has no counters: Bochs
stores IA32_TSC as the SDM says, and its CPUID leaf 0xa tells of a PMU that is not there."""
import json
import re
import struct

import pytest

from .conftest import benchmarks, exitmeter, measure, run_json, trace_lines

MOST = 2  # ticks that the stamp adds to the level full: it is copied
ALWAYS = ("bochs/cpuid/intercept-all", "bochs/rdmsr/intercept-all", "bochs/ud/intercept-all",
          "bochs/ept_first_touch/intercept-all", "bochs/mmio_read/intercept-all")


@pytest.fixture(scope="module")
def stamped(tmp_path_factory):
    return measure(tmp_path_factory.mktemp("stamped") / "run", "--probes", "hardware",
                   "--policy", "intercept-all")


def compared(directory):
    result = exitmeter("compare", directory, "--json")
    assert result.code == 0, result.err
    return {f"bochs/{row['name']}/{entry['policy']}": entry
            for row in json.loads(result.out)["benchmarks"] for entry in row["policies"]}


def samples(directory, job):
    data = (directory / "samples.bin").read_bytes()
    op = job["phases"]["op"]
    return [struct.unpack_from("<QQ", data, 16 * (op["sample_offset"] + i))
            for i in range(op["samples"])]


def test_the_stamp_lies_between_the_guests_and_the_hosts(stamped):
    """By babeltrace2's reading of cpu0_wide and the guest's own samples, one by one."""
    wide = {}
    for line in trace_lines(stamped):
        if "exited = " in line:
            field = {name: int(value) for name, value in re.findall(r"(\w+) = (\d+)", line)}
            seconds, fraction = re.match(r"\[(\d+):(\d\d):(\d\d)\.(\d{9})\]", line).group(3, 4)
            if " access to GDTR or IDTR: " in line:  # the guest's start, where all exits
                continue
            field["entered"] = int(seconds) * 10**9 + int(fraction)
            wide.setdefault((field["job"], field["phase"]), []).append(field)
    seen = 0
    for job in run_json(stamped)["jobs"]:
        if job["name"] not in ALWAYS:
            continue
        records = wide[job["index"], 3]
        assert len(records) == 1001  # and the exit that ends the phase
        for (start, end), record in zip(samples(stamped, job), records):
            exited = record["entered"] - ((record["entered"] - record["exited"]) & 0xFFFFFFFF)
            assert start < exited < record["entered"] < record["entering"] < end
            assert record["flags"] == 1 | 2
            seen += 1
    assert seen == 1000 * len(ALWAYS)


def test_all_parts_add_up_to_the_tick(stamped):
    entries = compared(stamped)
    jobs = {job["name"]: job for job in run_json(stamped)["jobs"]}
    for name in ALWAYS:
        transition, split = entries[name]["transition"], entries[name]["split"]
        assert transition["to_hardware_stamp"] > 0 and transition["from_hardware_stamp"] > 0
        assert sum(transition.values()) == split["exit_transition"], name
        (start, end), *_ = samples(stamped, jobs[name])
        inner = ("save_and_dispatch", "handler", "restore", "entry_transition")
        assert sum(transition.values()) + sum(split[part] for part in inner) == end - start, name
    assert entries["bochs/floor/intercept-all"]["transition"] is None


def test_what_the_stamp_costs(stamped, full):
    """Copying it, and on Bochs nothing else: the CPU's own work is no instruction."""
    with_stamp, without = benchmarks(stamped), benchmarks(full)
    for name in ALWAYS:
        assert 0 < with_stamp[name]["p50"] - without[name]["p50"] <= MOST, name
    figures = run_json(stamped)["calibration"]
    assert 0 < figures["probes_hardware"]["p50"] - figures["probes_full"]["p50"] <= MOST


def test_events_on_a_cpu_without_counters(tmp_path, full):
    """The run says so, once, and goes on, at the level below."""
    directory = tmp_path / "run"
    result = exitmeter("run", "-o", directory, "--guest", "cpuid", "--policy", "intercept-all",
                       "--pmu", "instructions,cycles,LLC_MISSES,branches")
    assert result.code == 0
    document = run_json(directory)
    assert document["pmu"]["model"] == document["pmu"]["model_by_signature"] == "hsw"
    for event in document["pmu"]["events"]:
        assert event["host"]["absent"] and event["guest"]["absent"]
    assert result.err.count("no performance event is counted here") == 1
    assert "not counted in the" not in result.err
    assert len(document["jobs"]) == 2  # two groups
    for job in document["jobs"]:
        assert job["status"] == "done" and job["probe_level"] == "hardware"
        assert job["probes_lowered"] == "no event of its group is counted"
        assert all("absent" in event and "mean_per_exit" not in event for event in job["events"])
    cost = benchmarks(directory)["bochs/cpuid/intercept-all/events-1"]["p50"]
    assert cost == benchmarks(full)["bochs/cpuid/intercept-all"]["p50"] + MOST
    assert document["calibration"]["probes_pmu"]["absent"] == "no event of its group is counted"
    text = exitmeter("compare", directory).out
    assert "not counted, " in text and "instructions in the host" in text


@pytest.mark.parametrize("policy", ["passthrough-all", "intercept-all"])
def test_checks_pass_at_the_level_hardware(tmp_path, policy):
    """The path with the stamp runs every handler there is."""
    directory = measure(tmp_path / "run", "--guest", "check/*", "--policy", policy,
                        "--probes", "hardware")
    assert all(job["status"] in ("done", "skipped") for job in run_json(directory)["jobs"])


def test_rounds_are_folded_from_wide_records(tmp_path):
    directory = measure(tmp_path / "run", "--guest", "cpuid", "--policy", "intercept-all",
                        "--probes", "hardware", "--rounds", "5")
    job, = run_json(directory)["jobs"]
    folded = job["phases"]["op"]["folded"]
    assert folded["records"] == 5 * 1003
    assert folded["totals"]["exits"] == {"10": 5000, "18": 5, "46": 10}  # LGDT and LIDT
    assert folded["histograms"]["handler"]["n"] == 5010

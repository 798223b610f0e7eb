# SPDX-License-Identifier: MIT
"""What is measured in VMX root operation: once, under any policy, and absent where the CPU lacks it."""

import json

import pytest

from .conftest import exitmeter, measure, run, run_json


def root_jobs(directory):
    return [job for job in run_json(directory)["jobs"] if job["benchmark"].startswith("root/")]


def test_each_is_measured_once(full):
    listed = [row["name"] for row in json.loads(exitmeter("list", "--json").out)["benchmarks"]
              if row["kind"] == "root"]
    jobs = root_jobs(full)
    assert len(listed) > 20 and [job["benchmark"] for job in jobs] == listed
    assert {"root/vmread", "root/invept_all", "root/invvpid_address", "root/xsetbv"} <= set(listed)
    assert {(job["status"], job["policy"]) for job in jobs} == {("done", "any")}
    figures = {entry["name"]: entry for entry in
               json.loads((full / "benchmark.json").read_text())["benchmarks"]}
    assert 100 < figures["bochs/root/write_protect/any"]["p50"] < 1000
    assert 500 < figures["bochs/root/resident_switch/any"]["p50"] < 2000
    for job in jobs:  # one instruction, one tick: the control is the same code without it
        if job["benchmark"] in ("root/resident_switch", "root/write_protect"):
            continue
        assert figures[job["name"]]["min"] == figures[job["name"]]["max"] == 1, job["name"]
        assert figures[job["name"]]["iterations"] == 1000


def test_they_stand_in_a_table_of_their_own(full):
    text = exitmeter("compare", full).out
    assert text.index("root/vmread") > text.index("in VMX root operation")


@pytest.mark.parametrize("model, lacking", [
    ("corei7_skylake_x", {}),
    ("corei5_lynnfield_750", {"root/xgetbv": "no XSAVE", "root/xsetbv": "no XSAVE"}),
])
def test_other_cpus(tmp_path, model, lacking):
    directory = measure(tmp_path / "run", "--guest", "root/*", "--cpu-model", model)
    skipped = {job["benchmark"]: job["reason"] for job in root_jobs(directory)
               if job["status"] != "done"}
    assert set(skipped) == set(lacking)
    assert all(word in skipped[name] for name, word in lacking.items())


def test_guests_after_it_are_as_before(tmp_path):
    """It leaves VMCS, MSRs and control registers as they were."""
    directory = measure(tmp_path / "run", "--guest", "root/*", "--guest", "check/*", "--guest", "cpuid",
                        "--benchmark_enable_random_interleaving=true")
    assert {job["status"] for job in run_json(directory)["jobs"]} == {"done"}


def test_an_instruction_that_fails_is_no_figure(source, tmp_path):
    source.mutate("guests/image/root_operation.c", ".ept = {.selector = vcpu->ept->pointer},",
                  ".ept = {.selector = 7},")
    result = exitmeter("run", "--core", source.image(), "--guest", "root/inv*", "-o", tmp_path / "run")
    assert result.code == 1
    assert "the instruction failed: VMfail" in result.err


def test_the_trace_has_no_records_of_it(full):
    """And is as readable as before."""
    assert run("babeltrace2", full / "trace").code == 0
    assert all(phase["packet_offset"] is None for job in root_jobs(full)
               for phase in job["phases"].values())

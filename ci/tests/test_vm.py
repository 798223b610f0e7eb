# SPDX-License-Identifier: MIT
"""Target vm: the guests straight as the guest of QEMU. TCG is everywhere; KVM where it is."""
import os
import signal
import struct
import subprocess
import time

import pytest

from .conftest import (BUILD, EXITMETER, exitmeter, measure, no_bochs_below, run_json)

STUCK = BUILD / "tests" / "stuck.bin"
# What becomes of rows under TCG, whose CPU has no x2APIC, no VMX and no PMU.
ROWS = {
    "cpuid": "done",
    "rdmsr": "done",
    "in/2": "done",
    "rep_ins/16": "done",
    "mmio_read": "done",
    "mov_to_cr3": "done",
    "ltr": "done",
    "xapic_tpr": "done",
    "self_ipi_sti_hlt": "done",
    "pf": "done",
    "ept_first_touch": "done",
    "vmcall": "under this monitor it raises #UD",
    "x2apic_tpr": "this CPU has no x2APIC",
    "floor": "it measures an exit stub of our own core",
    "ipi": "it takes two CPUs, and this image runs on one",
    "inject/exception": "it asks for its exits by hypercalls that only our own core has",
    "mmio_read/misconfiguration": "how a device's pages are marked is the monitor's to say",
    "ept_dirty_log": "it needs our own core's log of dirty pages",
    "pci-io/1": "it needs a device of our own core's, at ports 0x300 to 0x30f",
    "root/vmread": "it is measured in VMX root operation, which is the monitor's",
    "check/cpuid": "it proves what our own core does, and another monitor runs here",
}


@pytest.fixture(scope="module")
def emulated(tmp_path_factory):
    guests = [word for row in ROWS for word in ("--guest", row)]
    return measure(tmp_path_factory.mktemp("vm") / "run", "--target", "vm", "--accel", "tcg",
                   "-n", 50, "--rounds", 3, *guests)


def outcome(job):
    return job["status"] if job["status"] == "done" else job["reason"]


def test_rows_that_make_sense_anywhere_run_and_the_others_say_why(emulated):
    jobs = {job["benchmark"]: job for job in run_json(emulated)["jobs"]}
    assert {name: outcome(job) for name, job in jobs.items()} == ROWS
    assert {job["status"] for job in jobs.values()} == {"done", "skipped"}


def test_a_run_says_what_it_is_and_what_it_cannot_know(emulated):
    document = run_json(emulated)
    assert (document["target"], document["unit"], document["status"]) == (
        "vm", "TSC cycles", "complete")
    assert (document["accelerator"], document["nested"]) == ("tcg", False)
    assert document["monitor"]["name"] == "TCGTCGTCGTCG"
    assert any("NOT COSTS OF VM EXITS" in note for note in document["monitor"]["notes"])
    assert document["monitor"]["exits_absent"]
    assert document["build"]["emulator"].startswith("QEMU emulator version ")
    assert [policy["name"] for policy in document["policies"]] == ["vm"]
    for job in document["jobs"]:
        assert job["exits_per_op"] is None and job["expected_exits_per_op"] is None
        assert "seems" not in job.get("monitor", {})  # of an interpreter nothing can be guessed
    assert "exitmeter: done" in (emulated / "console.txt").read_text()


def test_each_sample_is_a_round_trip_in_the_order_of_time(emulated):
    samples = (emulated / "samples.bin").read_bytes()
    for job in run_json(emulated)["jobs"]:
        if job["status"] != "done":
            continue
        phase = job["phases"]["op"]
        assert phase["samples"] == 50 and phase["folded"]["samples"] == 150
        at = phase["sample_offset"] * 16
        stamps = struct.unpack_from("<100Q", samples, at)
        assert list(stamps) == sorted(stamps) and stamps[0] > 0, job["name"]


def test_the_table_says_loudly_that_it_is_of_an_interpreter(emulated):
    result = exitmeter("compare", emulated)
    assert result.code == 0, result.err
    assert "vm with tcg, max" in result.out
    assert "NOT COSTS OF VM EXITS" in result.out + result.err


def test_a_row_that_does_not_come_back_takes_no_other_with_it(tmp_path):
    """Cut off by an NMI; out of its reach, so that the machine is started behind it; and a reset."""
    directory = measure(tmp_path / "run", "--target", "vm", "--accel", "tcg", "--corpus", STUCK,
                        "-n", 20)
    lost = "it did not come back, out of reach of an NMI, or had the machine reset"
    assert {job["benchmark"]: outcome(job) for job in run_json(directory)["jobs"]} == {
        "sound/1": "done", "spins": "it did not come back, and was cut off", "blocked": lost,
        "resets": lost, "sound/2": "done"}
    assert no_bochs_below(tmp_path)


def test_at_the_time_limit_what_was_done_is_kept(tmp_path):
    result = exitmeter("run", "-o", tmp_path / "run", "--target", "vm", "--accel", "tcg",
                       "--corpus", STUCK, "--guest", "sound/1", "--guest", "blocked", "-n", 20,
                       "--timeout", 6)
    assert result.code == 1 and "did not end within" in result.err
    document = run_json(tmp_path / "run")
    assert document["status"] == "failed"
    assert [job["status"] for job in document["jobs"]] == ["done", "not_run"]


def test_a_signal_ends_it_and_nothing_is_left(tmp_path):
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [EXITMETER, "run", "-o", tmp_path / "run", "--target", "vm", "--accel", "tcg", "--corpus",
         STUCK, "--guest", "blocked"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while no_bochs_below(tmp_path) and time.monotonic() < deadline:  # QEMU runs in there
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT and "interrupted" in err
    assert no_bochs_below(tmp_path) and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments, what", [
    (("--policy", "intercept-all"), "--policy"),
    (("--pmu", "instructions"), "--pmu"),
    (("--probes", "full"), "--probes"),
    (("--image", "/dev/null"), "--image"),
    (("--accel", "hvf"), "accelerator"),
    (("--cpu-model", "nothing"), "CPU model"),
])
def test_what_it_has_none_of_is_refused(tmp_path, arguments, what):
    result = exitmeter("run", "-o", tmp_path / "run", "--target", "vm", *arguments)
    assert result.code == 2 and what in result.err
    assert list(tmp_path.iterdir()) == []


def test_accel_is_of_qemu_alone(tmp_path):
    result = exitmeter("run", "-o", tmp_path / "run", "--accel", "tcg")
    assert result.code == 2 and "--accel" in result.err


@pytest.mark.skipif(not os.access("/dev/kvm", os.R_OK | os.W_OK), reason="no /dev/kvm here")
def test_live_under_kvm(tmp_path):
    """Whatever KVM this is: a CPU model that it can do, and rows that any does."""
    for model in ("max", "qemu64"):
        result = exitmeter("run", "-o", tmp_path / model, "--target", "vm", "--accel", "kvm",
                           "--cpu-model", model, "--guest", "cpuid", "--guest", "in", "-n", 20)
        if result.code == 0:
            break
    assert result.code == 0, result.err
    document = run_json(tmp_path / model)
    assert document["accelerator"] == "kvm" and document["monitor"]["name"] == "KVMKVMKVM"
    assert [job["status"] for job in document["jobs"]] == ["done", "done"]
    assert not any("TCG" in note for note in document["monitor"]["notes"])


def machine(directory, iso, *more):
    """A PC under TCG that boots a CD, and where its COM1 goes."""
    capture = directory / "com1.bin"
    return subprocess.Popen(
        ["qemu-system-x86_64", "-machine", "q35,accel=tcg", "-m", "256", "-nodefaults", "-display",
         "none", "-no-reboot", "-cdrom", iso, "-serial", f"file:{capture}", *more],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL), capture


def guest_only(directory, *arguments):
    result = exitmeter("iso", "--guest-only", "-o", directory / "guest.iso", "-n", 20, *arguments)
    assert result.code == 0, result.err
    return directory / "guest.iso"


def test_an_image_for_any_monitor_reports_by_itself_and_is_imported(tmp_path):
    iso = guest_only(tmp_path, "--guest", "cpuid", "--guest", "mmio_read", "--guest", "vmcall")
    process, capture = machine(tmp_path, iso)
    assert process.wait(timeout=120) == 0  # it switches the machine off
    result = exitmeter("import", capture, "-o", tmp_path / "run")
    assert result.code == 0, result.err
    document = run_json(tmp_path / "run")
    assert (document["target"], document["accelerator"]) == ("vm", None)
    assert document["monitor"]["name"] == "TCGTCGTCGTCG"
    assert any("NOT COSTS OF VM EXITS" in note for note in document["monitor"]["notes"])
    assert {job["benchmark"]: outcome(job) for job in document["jobs"]} == {
        "cpuid": "done", "mmio_read": "done", "vmcall": "under this monitor it raises #UD"}


def test_what_is_there_is_sent_before_a_row_that_may_be_the_last(tmp_path):
    """MWAIT stays under TCG; the machine is switched off before the watchdog cuts it off."""
    iso = guest_only(tmp_path, "--guest", "cpuid", "--guest", "mwait")
    process, capture = machine(tmp_path, iso, "-cpu", "max")
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and process.poll() is None:
        if capture.exists() and b"exitmeter: sent, passes: 1" in capture.read_bytes():
            break
        time.sleep(0.1)
    assert process.poll() is None
    process.kill()
    process.wait()
    result = exitmeter("import", capture, "-o", tmp_path / "run")
    assert result.code == 0, result.err
    assert {job["benchmark"]: outcome(job) for job in run_json(tmp_path / "run")["jobs"]} == {
        "cpuid": "done",
        "mwait": "this was sent before it ran, as it might not have come back"}


def test_a_guest_only_image_takes_no_policy(tmp_path):
    result = exitmeter("iso", "--guest-only", "-o", tmp_path / "x.iso", "--policy", "intercept-all")
    assert result.code == 2 and "--policy" in result.err and list(tmp_path.iterdir()) == []

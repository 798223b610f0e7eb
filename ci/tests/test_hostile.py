# SPDX-License-Identifier: MIT
"""Guests and cores that die: noticed, named, kept as failed, and nothing left behind."""
import os
import signal
import subprocess
import time

import pytest

from .conftest import BUILD, EXITMETER, exitmeter, no_bochs_below, run_json

HOSTILE = BUILD / "tests" / "hostile.bin"


def suffer(tmp_path, guest, *arguments):
    directory = tmp_path / "run"
    result = exitmeter("run", "--corpus", HOSTILE, "--guest", guest, "--policy", "intercept-all",
                       "-o", directory, *arguments)
    assert no_bochs_below(tmp_path)
    return directory, result


@pytest.mark.parametrize("guest, said", [
    ("triple_fault", "guest stopped: triple fault: an exception in the delivery of #DF"),
    ("exception", "guest reported a failure (value 0x106)"),
    ("halt", "halted with nothing pending"),
    ("outside_memory", "exit reason 48 (EPT violation)"),
    ("outside_memory", "memory that it does not have: write of an address that is not mapped"),
    ("read_outside", "memory that it does not have: read of an address that is not mapped"),
    ("fetch_outside", "instruction fetch of an address that is not mapped"),
    ("tables_outside", "of an address that is not mapped, by page tables"),
    ("write_protected", "write that the memory does not allow"),
    ("fetch_protected", "instruction fetch that the memory does not allow"),
    ("device_fetch", "device that cannot be emulated: instruction fetch"),
    ("device_fnstcw", "no emulation of the instruction d9 3"),
    ("device_page_end", "access across the end of a page"),
    ("device_no_register", "the device has no such register"),
    ("device_stack", "by the delivery of an event"),
    ("device_tables", "device that cannot be emulated: by page tables"),
    ("string_io_outside", "INS or OUTS with memory that EPT does not map"),
])
def test_guest_that_dies(tmp_path, guest, said):
    directory, result = suffer(tmp_path, guest)
    assert result.code == 1
    assert said in result.err
    for part in ("rip ", "cr3 ", "rax ", "controls:", "bytes at rip"):
        assert part in result.err, part
    document = run_json(directory)
    assert document["status"] == "failed"
    assert document["jobs"][0]["status"] == "failed" and document["jobs"][0]["reason"]
    assert said in (directory / "console.txt").read_text()


def test_dump_names_the_address(tmp_path):
    _, result = suffer(tmp_path, "outside_memory")
    assert "guest-physical 0x40000000  guest-linear 0x1e00000" in result.err


def test_one_that_dies_spoils_no_other(tmp_path):
    directory, result = suffer(tmp_path, "*e*t*")  # dying ones before and after
    assert result.code == 1
    status = {job["benchmark"]: job["status"] for job in run_json(directory)["jobs"]}
    assert status.pop("identity_map") == "done"  # nothing stands in for paging on this CPU
    assert len(status) >= 3 and set(status.values()) == {"failed"}
    assert exitmeter("compare", directory).code == 0


def test_guest_that_never_ends(tmp_path):
    directory, result = suffer(tmp_path, "endless", "--timeout", "4")
    assert result.code == 1
    assert "4 s" in result.err
    assert run_json(directory)["status"] == "failed"


def test_more_exits_than_claimed(tmp_path):
    directory, result = suffer(tmp_path, "two_exits")
    assert result.code == 1
    assert "2000 exits by CPUID for 1000 operations; by the policy it must be 1000" in result.err
    assert run_json(directory)["jobs"][0]["exits_per_op"] == 2


@pytest.mark.parametrize("check", ["unknown_hypercall", "string_io"])
def test_what_is_refused_and_the_guest_goes_on(tmp_path, check):
    _, result = suffer(tmp_path, f"check/{check}")
    assert result.code == 0, result.err


@pytest.mark.parametrize("check, io, failure", [
    ("ports_of_ones", "default io intercept", "0x1"),
    ("port_unheard", "default io passthrough\nintercept io 0x70", "0x8002"),
])
@pytest.mark.parametrize("unclaimed", ["ones", "forward"])
def test_ports_that_nobody_claims(tmp_path, check, io, failure, unclaimed):
    """The checks hold where there is to be no device, and find one where it is the hardware's."""
    policy = tmp_path / "ports.policy"
    policy.write_text(f"{io}\nunclaimed io {unclaimed}\n")
    result = exitmeter("run", "--corpus", HOSTILE, "--guest", f"check/{check}", "--policy", policy,
                       "-o", tmp_path / "run")
    if unclaimed == "ones":
        assert result.code == 0, result.err
    else:
        assert result.code == 1
        assert f"guest reported a failure (value {failure})" in result.err


def test_interrupted_run_leaves_nothing(tmp_path):
    process = subprocess.Popen([EXITMETER, "run", "--corpus", HOSTILE, "--guest", "endless",
                                "-o", tmp_path / "run"], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
                               # a test run in the background may have it ignored, and inherited
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + 20
    while no_bochs_below(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not no_bochs_below(tmp_path), "Bochs never started"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130
    assert no_bochs_below(tmp_path)
    assert os.listdir(tmp_path) == []

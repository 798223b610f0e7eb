# SPDX-License-Identifier: MIT
"""Debian's cloud kernel boots to its init as a guest that has the machine, and its profile is sound."""
import json
import re

import pytest
from tests.conftest import BUILD, exitmeter, no_bochs_below

KERNEL, INITRD = BUILD / "linux" / "vmlinuz", BUILD / "linux" / "initrd.cpio"
POLICIES = ("passthrough-all", "intercept-all")
INTERRUPT, CPUID, IO, RDMSR, WRMSR = 1, 10, 30, 31, 32
LOCAL_TIMER_VECTOR = 0xec
FIFO = 64  # bytes that may be on their way when the run ends, and writes of the baud rate's divisor


@pytest.fixture(scope="module")
def linux(tmp_path_factory):
    directory = tmp_path_factory.mktemp("linux") / "run"
    result = exitmeter("run", "--image", KERNEL, "--initrd", INITRD, "--cmdline",
                       "console=ttyS0 earlyprintk=serial,ttyS0,115200", "--until", "init runs",
                       "--timeout", 1500, "-o", directory, timeout=3300)
    assert result.code == 0, result.out[-2000:] + result.err
    assert no_bochs_below(directory.parent)
    document = json.loads((directory / "run.json").read_text())
    return directory, result, {entry["policy"]: entry for entry in document["profiles"]}


def reasons(outcome):
    return {entry["reason"]: entry["count"] for entry in outcome["profile"]["reasons"]}


def count(outcome, reason, matches):
    return sum(entry["count"] for entry in outcome["profile"]["details"]
               if entry["reason"] == reason and entry["detail"] and matches(int(entry["detail"], 16)))


@pytest.mark.parametrize("policy", POLICIES)
def test_boots_to_its_init(linux, policy):
    directory, _, outcomes = linux
    console = (directory / "policies" / policy / "console.txt").read_text(errors="replace")
    assert re.search(r"Linux version \d+\.\d+", console)
    assert "Run /init as init process" in console and "exitmeter guest: init runs" in console
    assert "Kernel panic" not in console and "BUG:" not in console
    assert outcomes[policy]["kind"] == "Linux bzImage"
    assert outcomes[policy]["ended"] == "until"


@pytest.mark.parametrize("policy", POLICIES)
def test_profile_is_whole(linux, policy):
    profile = linux[2][policy]["profile"]
    exits = sum(entry["count"] for entry in profile["reasons"])
    assert profile["lost"] == profile["out_of_order"] == 0
    listed = sum(entry["count"] for entry in profile["details"])
    assert exits == listed + profile["details_lost"]["count"]
    assert exits == sum(entry["count"] for entry in profile["addresses"]) + profile["addresses_lost"]


def test_passthrough_leaves_the_hardware_to_it(linux):
    found = reasons(linux[2]["passthrough-all"])
    assert INTERRUPT not in found and WRMSR not in found
    assert found.get(RDMSR, 0) < 10  # those that have no bit in the bitmap
    assert sum(found.values()) < 5000


def test_intercept_all_forwards_everything(linux):
    directory, _, outcomes = linux
    outcome = outcomes["intercept-all"]
    written = len((directory / "policies" / "intercept-all" / "console.txt").read_bytes())
    sent = count(outcome, IO, lambda detail: detail >> 16 == 0x3f8 and not detail & 8)
    assert 0 <= sent - written <= FIFO
    assert count(outcome, INTERRUPT, lambda detail: detail == LOCAL_TIMER_VECTOR) > 100
    found = reasons(outcome)
    assert found[RDMSR] > 1000 and found[WRMSR] > 1000
    # What no policy decides is the same under both.
    assert abs(found[CPUID] - reasons(outcomes["passthrough-all"])[CPUID]) <= 20


def test_top_lists_are_shown(linux):
    _, result, _ = linux
    for text in ("8 bits COM1", "IA32_TSC_DEADLINE", "CPUID: leaf 0x1", "vector 0xec", "over time"):
        assert text in result.out, text

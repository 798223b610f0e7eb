# SPDX-License-Identifier: MIT
"""NMIs that reach a guest, and events whose delivery fails: guests/tests/events.c."""

import pytest

from .conftest import BUILD, exitmeter, exits, measure

EVENTS = BUILD / "tests" / "events.bin"


def prove(tmp_path, guest, policy):
    return measure(tmp_path / "run", "--corpus", EVENTS, "--guest", f"check/{guest}",
                   "--policy", policy)


def test_nmis_come_one_after_the_other(tmp_path):
    """Three of them in each of the four phases, and the window for the one that had to wait."""
    seen = exits(prove(tmp_path, "nmi", "passthrough-all"))
    assert seen["exception or NMI"] + seen["NMI window"] >= 12 and seen["NMI window"] >= 4


def test_no_nmi_is_lost_among_exits(tmp_path):
    prove(tmp_path, "nmi_and_exits", "passthrough-all")


def test_an_interrupt_outlives_the_fault_of_its_delivery(tmp_path):
    prove(tmp_path, "interrupt_kept", "intercept-all")


@pytest.mark.parametrize("policy, said", [
    ("intercept-all", "triple fault: an exception in the delivery of #DF (value 0xb)"),
    ("passthrough-all", "guest stopped: triple fault (value 0x0)"),
])
def test_an_exception_on_top_of_a_double_fault(tmp_path, policy, said):
    result = exitmeter("run", "--corpus", EVENTS, "--guest", "no_double_fault", "--policy", policy,
                       "-o", tmp_path / "run")
    assert result.code == 1
    assert said in result.err


@pytest.mark.parametrize("guest, policy, file, old, new", [
    ("nmi", "passthrough-all", "core/boot/cpu.c", "iretq; 1:", "add $40, %%rsp; 1:"),
    ("nmi_and_exits", "passthrough-all", "core/exits/exception.c", "if (!platform_nmi())", "if (0)"),
    ("interrupt_kept", "intercept-all", "core/vmx/event_exception.c",
     "acknowledged[vector / 64] |= 1ull", "acknowledged[vector / 64] &= 1ull"),
])
def test_a_core_that_loses_events_is_found(source, tmp_path, guest, policy, file, old, new):
    source.mutate(file, old, new)
    result = exitmeter("run", "--core", source.image(), "--corpus", EVENTS, "--guest",
                       f"check/{guest}", "--policy", policy, "-o", tmp_path / "run")
    assert result.code == 1
    assert "guest reported a failure" in result.err

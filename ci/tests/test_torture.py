# SPDX-License-Identifier: MIT
"""Random guests on the core, a few of them; `make torture` runs a million."""
import re

import pytest
from torture import Batch, find, report, total

from .conftest import BUILD, run
from .image_boot import boot, last_words

GUESTS = 2000
FEWER = 768  # three looks at what is the host's
LINES = re.compile(r"(outcome|program|state|exits) (\d+) (.*)")


def torture(directory, plan, elf=None):
    return boot(directory / "boot", elf or BUILD / "tests" / "torture.elf", plan=plan, seconds=240)


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    return torture(tmp_path_factory.mktemp("torture"), f"7 0 {GUESTS}")


def counts(lines, what):
    return {match[3]: int(match[2]) for match in map(LINES.fullmatch, lines)
            if match and match[1] == what}


def test_no_guest_harms_the_core(lines):
    assert [line for line in lines if line.startswith("failed")] == []
    assert lines[-2:] == [f"guests {GUESTS} failures 0", "exitmeter: done"]


def test_every_outcome_has_a_name_and_most_are_met(lines):
    outcomes = counts(lines, "outcome")
    assert sum(outcomes.values()) == GUESTS
    assert "unknown cause" not in outcomes
    assert {"triple fault", "the guest used up its time", "VM entry failed on guest state",
            "the guest accessed memory that it does not have", "VM exit without a handler"} <= set(outcomes)


def test_every_kind_of_program_runs(lines):
    programs = counts(lines, "program")
    assert len(programs) == 9 and min(programs.values()) > GUESTS / 20
    assert counts(lines, "exits")["counted by the probes"] > 10 * GUESTS


def test_a_guest_is_the_same_alone(tmp_path, lines):
    """Outcomes of the first 64 guests one by one are what they are in one boot."""
    together = torture(tmp_path / "a", "7 0 64")
    parts = [torture(tmp_path / f"b{i}", f"7 {16 * i} 16") for i in range(4)]
    summed = {}
    for part in parts:
        for name, count in counts(part, "outcome").items():
            summed[name] = summed.get(name, 0) + count
    assert summed == counts(together, "outcome") and lines


def test_beside_others_and_under_nmis(tmp_path):
    """With an APIC-access page in some policies, guests on a second CPU, and NMIs from a third."""
    lines = boot(tmp_path / "boot", BUILD / "tests" / "torture.elf", 3, plan="7 0 128 1", seconds=240)
    assert [line for line in lines if line.startswith("failed")] == []
    assert lines[-2:] == ["guests 128 failures 0", "exitmeter: done"]
    beside, sent, came = (int(re.search(pattern, "\n".join(lines))[1]) for pattern in (
        r"beside (\d+) random guests", r"nmis (\d+) sent", r"sent; (\d+) have come to the host"))
    assert beside > 50 and sent > 100 and came > 20


@pytest.mark.parametrize("file, old, new, said", [
    # Exceptions of real mode get an error code.
    ("core/vmx/event_exception.c", "if (WITH_ERROR_CODE >> vector & 1 && vmread(VMCS_GUEST_CR0) & CR0_PE)",
     "if (WITH_ERROR_CODE >> vector & 1)", "VMfailValid"),
    # A register that is to be the host's again stays the guest's.
    ("core/vmx/resident_state.c", "if (cpu->there[i] == value)", "if (cpu->there[i] == value || i == RESIDENT_LSTAR)",
     "IA32_LSTAR"),
    # A page that EPT has read-only is not.
    ("core/tests/torture/guest.c", "GUEST_NO_EXECUTE, EPT_READ | EPT_EXECUTE}", "GUEST_NO_EXECUTE, EPT_ALL}",
     "read-only has changed"),
])
def test_what_goes_wrong_is_found(tmp_path, source, file, old, new, said):
    source.mutate(file, old, new)
    elf = source.directory / "build" / "tests" / "torture.elf"
    result = run("make", "-C", source.directory, "build/tests/torture.elf")
    assert result.code == 0, result.err
    found = [line for line in torture(tmp_path, f"7 0 {FEWER}", elf) if line.startswith("failed guest")]
    assert found and any(said in line for line in found), found


def test_a_guest_that_ends_bochs_is_found():
    """By halves; the others count."""
    def run_batch(seed, first, guests):
        lines = ["bochs: why"] if first <= 11 < first + guests else [
            f"outcome {guests} fine", f"guests {guests} failures 0", "exitmeter: done"]
        return Batch(seed, first, guests, lines)

    parts = find(run_batch(7, 0, 40), run_batch)
    assert [(part.first, part.guests) for part in parts if not part.ended] == [(11, 1)]
    assert sum(part.guests for part in parts) == 40 and total(parts)["outcome", "fine"] == 39
    text, failed = report(parts, 1)
    assert failed and "guests 11 to 11 did not come to an end; the last line: bochs: why" in text


def test_what_bochs_says_at_its_end_is_kept():
    assert last_words(b"Bochs is exiting with the following message:\r\n[CPU0  ] broken !\r\n===") == [
        "bochs: [CPU0  ] broken !"]
    assert last_words(b"following message:\r\n[UNMAP ] Shutdown port: shutdown requested\r\n") == []

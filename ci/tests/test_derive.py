# SPDX-License-Identifier: MIT
"""A policy derived from a guest's profile, held against the guest's next run, by its run time.

The first guest waits for nothing: what exits take is all that its run time can lose, and that is
measured from its first instruction to its last. The second polls devices and waits for interrupts.
"""
import json

import pytest

from .conftest import BUILD, exitmeter

MACHINE = BUILD / "tests" / "machine.elf"
ROUNDS = 3000
# 32-bit code: each round takes exits of every kind that a policy decides on.
ROUND = bytes.fromhex(
    "e680"        # out %al, $0x80
    "b974010000"  # mov $0x174, %ecx
    "0f32"        # rdmsr
    "0f30"        # wrmsr
    "0f20d8"      # mov %cr3, %eax
    "0f22d8"      # mov %eax, %cr3
    "0f21f8"      # mov %dr7, %eax
    "0f0138"      # invlpg (%eax)
    "f390"        # pause
    "bafd030000"  # mov $0x3fd, %edx
    "ec"          # in %dx, %al
    "31c0"        # xor %eax, %eax
    "0fa2"        # cpuid
)
PER_ROUND = {"io 0x80 post", "msr 0x174 IA32_SYSENTER_CS r", "msr 0x174 IA32_SYSENTER_CS w",
             "control cr3-store-exiting", "control cr3-load-exiting", "control mov-dr-exiting",
             "control invlpg-exiting", "control pause-exiting", "io 0x3fd com1"}


def flat():
    """ROUNDS of it, counted in EBP, and the hypercall that ends the run."""
    code = b"\xbd" + ROUNDS.to_bytes(4, "little")
    start = len(code)
    code += ROUND + b"\x4d"  # dec %ebp
    code += b"\x0f\x85" + (start - len(code) - 6).to_bytes(4, "little", signed=True)  # jnz
    return code + b"\xb8\x01\x00\x00\x00\x0f\x01\xc1"  # mov $1, %eax; vmcall


def totals(directory, policy):
    """Run time and exits of a profile, and what these took: the core's time and transitions, less a
    tick each for the instruction."""
    outcome = next(entry for entry in json.loads((directory / "run.json").read_text())["profiles"]
                   if entry["policy"] == policy)
    profile = outcome["profile"]
    exits = sum(entry["count"] for entry in profile["reasons"])
    assert outcome["transition"]["n"] == 64
    assert outcome["transition"]["min"] == outcome["transition"]["max"]  # Bochs is exact
    return {"run_time": profile["guest"] + profile["host"], "exits": exits,
            "exit_ticks": profile["host"] + exits * (outcome["transition"]["p50"] - 1)}


def run(directory, policy, *arguments):
    result = exitmeter("run", "-o", directory, "--policy", policy, *arguments)
    assert result.code == 0, result.err
    return directory


def derive(directory, policy, *arguments):
    result = exitmeter("policy", "derive", directory, "--json", "-o", policy, *arguments)
    assert result.code == 0, result.err
    return json.loads(result.out)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    """A guest that waits for nothing, under intercept-all; and how to run it again."""
    home = tmp_path_factory.mktemp("derive")
    (home / "busy.bin").write_bytes(flat())
    guest = ("--image", home / "busy.bin", "--start", "protected")
    return home, guest, run(home / "all", "intercept-all", *guest)


@pytest.mark.parametrize("severity, stays", [
    ("medium", set()),
    ("low", {"io 0x3fd com1"}),
    ("info", {"io 0x3fd com1", "io 0x80 post"}),
])
def test_run_time_falls_as_predicted(busy, severity, stays):
    home, guest, directory = busy
    policy = home / f"{severity}.policy"
    predicted = derive(directory, policy, "--max-severity", severity)
    items = {item["item"]: item for item in predicted["items"] if item["exits"] >= ROUNDS}
    assert set(items) == PER_ROUND | {"CPUID"}
    for name, item in items.items():
        assert item["exits"] == ROUNDS
        assert (item["verdict"] == "passes") == (name not in stays | {"CPUID"}), name
        assert item["waiting"]["count"] == 0
    before, after = (totals(home / "all", "intercept-all"),
                     totals(run(home / severity, policy, *guest), severity))
    assert before == predicted["before"]
    saved = before["run_time"] - after["run_time"]
    assert saved == pytest.approx(predicted["saves"], rel=0.01)
    assert after["run_time"] == pytest.approx(predicted["predicted"]["run_time"], rel=0.01)
    assert after["exits"] == pytest.approx(predicted["predicted"]["exits"], abs=20)
    assert before["exit_ticks"] - after["exit_ticks"] == pytest.approx(predicted["saves"], rel=0.01)
    assert exitmeter("policy", "audit", policy, "--max-severity", severity).code == 0


def test_a_guest_that_waits(tmp_path):
    """All that can pass does: what exits take falls by just that, and the run time hardly at all,
    as polls and interrupts come when they come."""
    guest = ("--image", MACHINE, "--cmdline", "done")
    policy = tmp_path / "derived.policy"
    directory = run(tmp_path / "all", "intercept-all", *guest)
    predicted = derive(directory, policy, "--max-severity", "critical")
    before = totals(directory, "intercept-all")
    after = totals(run(tmp_path / "again", policy, *guest), "derived")
    assert before["exit_ticks"] - after["exit_ticks"] == pytest.approx(predicted["saves"], rel=0.05)
    assert after["exits"] == pytest.approx(predicted["predicted"]["exits"], abs=20)
    assert predicted["saves_waiting"] > predicted["saves"] / 2
    assert before["run_time"] - after["run_time"] < predicted["saves"] / 2
    assert after["run_time"] == pytest.approx(predicted["predicted"]["run_time"], rel=0.05)
    # What the core takes for itself exits all the same, and is not among what passes.
    keyboard = next(item for item in predicted["items"] if item["item"] == "io 0x64 keyboard")
    assert keyboard["verdict"] == "stays" and keyboard["exits"] > 0

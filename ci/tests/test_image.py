# SPDX-License-Identifier: MIT
"""A guest that has the machine: its profile against what it counted itself, its ends, bad input."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from .conftest import BUILD, EXITMETER, exitmeter, no_bochs_below

GUEST = BUILD / "tests" / "machine.elf"
OVER_CORE = BUILD / "tests" / "machine_over_core.elf"
POLICIES = ("passthrough-all", "intercept-all")
# What the guest counts, as the profile has it: reason, and the detail or what it has to begin with.
REASON_HLT, REASON_INTERRUPT, REASON_WINDOW = 12, 1, 7
KINDS = {"cpuid": 10, "vmcall": 18, "rdmsr": 31, "wrmsr": 32, "in": 30, "out": 30, "interrupt": 1,
         "exception": 0}
ALWAYS = {"cpuid/0x0", "cpuid/0x80000000", "cpuid/0x80000001", "vmcall/0x0", "in/0x64"}


def image(directory, *arguments, guest=GUEST, timeout=300):
    result = exitmeter("run", "--image", guest, "-o", directory, *arguments, timeout=timeout)
    assert no_bochs_below(directory.parent)
    return result


def outcomes(directory):
    document = json.loads((directory / "run.json").read_text())
    return {entry["policy"]: entry for entry in document["profiles"]}


def counted(directory, policy):
    """What the guest says it did."""
    console = (directory / "policies" / policy / "console.txt").read_text()
    return {what: int(number) for what, number in re.findall(r"^count (\S+) (\d+)$", console, re.M)}


def profiled(profile, what):
    """Exits of one kind in a profile."""
    kind, number = what.split("/")
    number = int(number, 16)
    total = 0
    for entry in profile["details"]:
        if entry["reason"] != KINDS[kind] or entry["detail"] is None:
            continue
        detail = int(entry["detail"], 16)
        if kind in ("in", "out"):  # exit qualification of I/O: bit 3 is IN, the port above 16
            matches = (detail >> 3 & 1) == (kind == "in") and detail >> 16 == number
        elif kind == "exception":  # interruption information
            matches = detail & 0xff == number
        elif kind == "cpuid":
            matches = detail & 0xffffffff == number
        else:
            matches = detail == number
        total += entry["count"] if matches else 0
    return total


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    directory = tmp_path_factory.mktemp("image") / "run"
    result = image(directory, "--cmdline", "done")
    assert result.code == 0, result.err
    return directory, result


@pytest.mark.parametrize("policy", POLICIES)
def test_profile_agrees_with_the_guests_own_count(done, policy):
    directory, _ = done
    profile, counts = outcomes(directory)[policy]["profile"], counted(directory, policy)
    assert len(counts) == 12
    for what, count in counts.items():
        exits = count if policy == "intercept-all" or what in ALWAYS else 0
        assert profiled(profile, what) == exits, what
    assert profiled(profile, "vmcall/0x1") == 1
    written = len((directory / "policies" / policy / "console.txt").read_bytes())
    assert profiled(profile, "out/0x3f8") == (written if policy == "intercept-all" else 0)


@pytest.mark.parametrize("policy", POLICIES)
def test_profile_adds_up(done, policy):
    directory, _ = done
    profile = outcomes(directory)[policy]["profile"]
    exits = sum(entry["count"] for entry in profile["reasons"])
    ticks = sum(entry["ticks"] for entry in profile["reasons"])
    assert exits > 70000 and profile["lost"] == profile["out_of_order"] == 0
    assert profile["details_lost"]["count"] == profile["addresses_lost"] == 0
    for part in ("details", "addresses"):
        assert sum(entry["count"] for entry in profile[part]) == exits
        assert sum(entry["ticks"] for entry in profile[part]) == ticks == profile["host"]
    over_time = profile["over_time"]["reasons"]
    for entry in profile["reasons"]:
        series = over_time[str(entry["reason"])]
        assert sum(series["count"]) == entry["count"] and sum(series["ticks"]) == entry["ticks"]
    total = profile["end"] - profile["start"]
    rest = total - profile["guest"] - profile["host"]  # what is neither: folding, looks at the end
    assert 0 <= rest < profile["folding"] + 2000 * (profile["polls"] + 1)
    reached = (profile["over_time"]["slices"] - 1) * profile["over_time"]["width"]
    assert reached <= total <= reached + profile["over_time"]["width"]


def test_interrupts_come_through(done):
    """Each from HLT; and one that waited comes under the vector that it was given meanwhile."""
    directory, _ = done
    for policy in POLICIES:
        counts = counted(directory, policy)
        assert counts["interrupt/0x20"] == 20 and counts["interrupt/0x40"] == 1
    reasons = {entry["reason"]: entry["count"]
               for entry in outcomes(directory)["intercept-all"]["profile"]["reasons"]}
    assert reasons[REASON_HLT] >= 20
    held = reasons[REASON_INTERRUPT] - 21
    assert held >= 1 and reasons[REASON_WINDOW] == held


def test_console_and_top_lists_reach_the_user(done):
    directory, result = done
    assert result.out.count("machine guest\n") == 2 and result.out.count("ready to end\n") == 2
    for text in ("I/O instruction: OUT port 0x80, 8 bits post", "RDMSR: MSR 0x174 "
                 "IA32_SYSENTER_CS", "CPUID: leaf 0x80000000", "guest RIP", "over time"):
        assert text in result.out, text
    again = exitmeter("profile", directory, "--top", "3")
    assert again.code == 0 and "others" in again.out
    for policy in POLICIES:
        assert "machine: multiboot 1 starts" in (directory / "policies" / policy / "core.txt").read_text()


def test_counts_are_the_same_each_time(done, tmp_path):
    directory, _ = done
    assert image(tmp_path / "run", "--cmdline", "done", "--policy", "intercept-all").code == 0
    first, second = (outcomes(d)["intercept-all"]["profile"]["reasons"]
                     for d in (directory, tmp_path / "run"))
    assert first == second


@pytest.mark.parametrize("how, ended, said, code", [
    ("halt", "halted", "the guest halted for good", 0),
    ("sleep", "powered_off", "switched the machine off: a sleep state of ACPI", 0),
    ("bochs", "powered_off", "switched the machine off: port 0x8900", 0),
    ("fail", "failed", "reported a failure (value 0x77)", 1),
    ("reset", "reset", "reset the machine: port 0xcf9", 1),
    ("keyboard", "reset", "reset the machine: the keyboard controller", 1),
    ("break", "breakpoint", "magic breakpoint", 1),
    ("triple", "stopped", "triple fault", 1),
    ("core", "stopped", "guest-physical 0x7e00000, which is the core's", 1),
])
@pytest.mark.parametrize("policy", POLICIES)
def test_ends(tmp_path, policy, how, ended, said, code):
    directory = tmp_path / "run"
    result = image(directory, "--cmdline", how, "--policy", policy)
    assert said in result.err
    assert result.code == code, result.err
    outcome = outcomes(directory)[policy]
    assert outcome["ended"] == ended and said in outcome["reason"]
    assert profiled(outcome["profile"], "cpuid/0x0") == 101  # the profile up to there is kept


def test_a_guest_that_never_stops(tmp_path):
    directory = tmp_path / "run"
    result = image(directory, "--cmdline", "spin", "--policy", "passthrough-all", "--timeout", "20")
    assert result.code == 1
    assert "did not end within 20 s" in result.err
    outcome = outcomes(directory)["passthrough-all"]
    assert outcome["ended"] == "time_limit"
    assert profiled(outcome["profile"], "vmcall/0x0") == 127


@pytest.mark.parametrize("text, code", [("ready to", 0), ("never said", 1)])
def test_until(tmp_path, text, code):
    """Ends a guest that would spin for ever; one that ends without it has failed."""
    how = "halt" if code else "spin"
    directory = tmp_path / "run"
    result = image(directory, "--cmdline", how, "--policy", "intercept-all", "--until", text)
    assert result.code == code, result.err
    assert outcomes(directory)["intercept-all"]["ended"] == ("halted" if code else "until")
    assert ("the text was not seen" in result.err) == bool(code)


def test_an_interrupt_keeps_the_profile(tmp_path):
    directory = tmp_path / "run"
    process = subprocess.Popen([EXITMETER, "run", "--image", GUEST, "--cmdline", "spin", "--policy",
                                "passthrough-all", "-o", directory], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    deadline = time.monotonic() + 60
    seen = b""
    while b"ready to end" not in seen and time.monotonic() < deadline:
        seen += os.read(process.stdout.fileno(), 4096)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert no_bochs_below(tmp_path)
    outcome = outcomes(directory)["passthrough-all"]
    assert outcome["ended"] == "interrupted"
    assert profiled(outcome["profile"], "cpuid/0x0") == 101


def other_machine(tmp_path):
    path = tmp_path / "arm.elf"
    content = bytearray(GUEST.read_bytes())
    content[18:20] = (40).to_bytes(2, "little")  # e_machine: EM_ARM
    path.write_bytes(content)
    return path


def too_large(tmp_path):
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(3 << 30)
    return path


def text_file(tmp_path):
    path = tmp_path / "text"
    path.write_text("no image\n")
    return path


def empty_file(tmp_path):
    path = tmp_path / "empty"
    path.touch()
    return path


@pytest.mark.parametrize("make, said", [
    (text_file, "start mode"),
    (empty_file, "empty"),
    (other_machine, "40"),
    (too_large, "too large"),
    (lambda _: OVER_CORE, "core"),
    (lambda path: path / "none", "No such file"),
])
def test_bad_images(tmp_path, make, said):
    path = make(tmp_path)
    result = image(tmp_path / "run", guest=path)
    assert result.code == 2, result.err
    assert said in result.err and path.name in result.err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("start, address, code", [
    ("real", 0x7c00, b"\xba\xf8\x03\xb0R\xee\xfa\xf4"),  # mov $0x3f8, %dx; mov $'R', %al; out; cli; hlt
    ("real", 0x20000, b"\xba\xf8\x03\xb0R\xee\xfa\xf4"),
    ("protected", 0x100000, b"\x66\xba\xf8\x03\xb0R\xee\xfa\xf4"),
    ("long", 0x300000, b"\x66\xba\xf8\x03\xb0R\xee\xfa\xf4"),
])
def test_flat_images(tmp_path, start, address, code):
    flat = tmp_path / "flat.bin"
    flat.write_bytes(code)
    result = image(tmp_path / "run", "--start", start, "--address", hex(address), "--policy",
                   "intercept-all", guest=flat)
    assert result.code == 0, result.err
    assert (tmp_path / "run" / "policies" / "intercept-all" / "console.txt").read_text() == "R"
    outcome = outcomes(tmp_path / "run")["intercept-all"]
    assert outcome["kind"].startswith("flat") and outcome["ended"] == "halted"
    assert profiled(outcome["profile"], "out/0x3f8") == 1


# 32-bit code: waits until COM1 has sent what it has; prints AL, which that keeps in BL.
WAIT = b"\x66\xba\xfd\x03\xec\xa8\x40\x74\xfb"
PRINT = b"\x88\xc3" + WAIT + b"\x66\xba\xf8\x03\x88\xd8\xee"
# Prints M if IA32_TSC reads 0 and N if not; what port 0x71 reads, P being all ones; X after a read of
# IA32_SYSENTER_CS; and switches off by port 0x8900.
ANSWERS = (b"\xb9\x10\x00\x00\x00\x0f\x32\x09\xd0\x0f\x95\xc0\x04M" + PRINT +
           b"\xe4\x71\x2c\xaf" + PRINT + b"\xb9\x74\x01\x00\x00\x0f\x32\xb0X" + PRINT + WAIT +
           b"\x66\xba\x00\x89\xee\xfa\xf4")


@pytest.mark.parametrize("rules, console, ended", [
    ("", r"N[^P]X", "powered_off"),
    ("emulate msr IA32_TSC\nemulate io cmos", "MPX", "powered_off"),
    # What the core has taken is not emulated: 0x8900 switches off.
    ("unclaimed io ones\npassthrough io com1", "NPX", "powered_off"),
    ("emulate io cmos\nemulate msr IA32_SYSENTER_CS", "NPX", "powered_off"),
    ("refuse msr IA32_SYSENTER_CS", "N[^P]", "stopped"),  # #GP, and there is no IDT
])
def test_answers_are_as_the_policy_says(tmp_path, rules, console, ended):
    flat, policy = tmp_path / "flat.bin", tmp_path / "answers.policy"
    flat.write_bytes(ANSWERS)
    policy.write_text(rules + "\n")
    image(tmp_path / "run", "--start", "protected", "--address", "0x100000", "--policy", policy,
          guest=flat)
    text = (tmp_path / "run" / "policies" / "answers" / "console.txt").read_bytes().decode("latin-1")
    assert re.fullmatch(console, text, re.S), text
    outcome = outcomes(tmp_path / "run")["answers"]
    assert outcome["ended"] == ended, outcome


@pytest.mark.parametrize("model", ["corei7_ivy_bridge_3770k", "corei7_skylake_x"])
def test_other_cpu_models(tmp_path, model):
    result = image(tmp_path / "run", "--cmdline", "done", "--cpu-model", model)
    assert result.code == 0, result.err
    profile = outcomes(tmp_path / "run")["intercept-all"]["profile"]
    for what, count in counted(tmp_path / "run", "intercept-all").items():
        assert profiled(profile, what) == count, what


def test_a_cpu_that_cannot(tmp_path):
    """A start without paging takes "unrestricted guest", which this model lacks."""
    result = image(tmp_path / "run", "--cpu-model", "corei5_lynnfield_750")
    assert result.code == 3
    assert "unrestricted guest" in result.err


@pytest.mark.parametrize("arguments, said", [
    (["--image", GUEST, "--samples", "5"], "--samples is for benchmarks"),
    (["--image", GUEST, "--start", "prot"], "protected"),
    (["--image", GUEST, "--address", "0x"], "--address takes an address"),
    (["--image", GUEST, "--cmdline", "x" * 4096], "--cmdline has 4096 bytes"),
    (["--image", GUEST, "--until", ""], "--until takes"),
    (["--until", "x"], "--until needs --image"),
])
def test_wrong_usage(tmp_path, arguments, said):
    result = exitmeter("run", "-o", tmp_path / "run", *arguments)
    assert result.code == 2 and said in result.err
    assert os.listdir(tmp_path) == []


def test_compare_shows_a_profile_and_profile_says_which_run_is_not_its(done, tmp_path):
    directory, _ = done
    result = exitmeter("compare", directory)
    assert result.code == 0 and "intercept-all" in result.out and "CPUID" in result.out
    benchmarks = tmp_path / "benchmarks"
    assert exitmeter("run", "--guest", "cpuid", "-o", benchmarks).code == 0
    result = exitmeter("profile", benchmarks)
    assert result.code == 2 and "exitmeter compare" in result.err

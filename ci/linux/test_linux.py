# SPDX-License-Identifier: MIT
"""Debian's cloud kernel boots to its init as a guest that has the machine, and its profile is
sound; under the policies derived from that profile it boots too, and saves what was predicted."""
import json
import re

import pytest
from tests.conftest import BUILD, exitmeter, no_bochs_below

KERNEL, INITRD = BUILD / "linux" / "vmlinuz", BUILD / "linux" / "initrd.cpio"
POLICIES = ("passthrough-all", "intercept-all")
SEVERITIES = ("medium", "low")  # of the derived ones: with its console, which it polls, and without
INTERRUPT, CPUID, IO, RDMSR, WRMSR, PAUSE = 1, 10, 30, 31, 32, 40
LOCAL_TIMER_VECTOR = 0xec
FIFO = 64  # bytes that may be on their way when the run ends, and writes of the baud rate's divisor


def boot(directory, *policies):
    """Under these policies, one after another: the result, and by policy what came of it."""
    chosen = [argument for policy in policies for argument in ("--policy", policy)]
    result = exitmeter("run", "--image", KERNEL, "--initrd", INITRD, "--cmdline",
                       "console=ttyS0 earlyprintk=serial,ttyS0,115200", "--until", "init runs",
                       "--timeout", 1500, "-o", directory, *chosen, timeout=3300)
    assert result.code == 0, result.out[-2000:] + result.err
    assert no_bochs_below(directory.parent)
    document = json.loads((directory / "run.json").read_text())
    return result, {entry["policy"]: entry for entry in document["profiles"]}


@pytest.fixture(scope="module")
def linux(tmp_path_factory):
    directory = tmp_path_factory.mktemp("linux") / "run"
    return directory, *boot(directory, *POLICIES)


@pytest.fixture(scope="module")
def derived(linux, tmp_path_factory):
    """By severity: what was predicted, and what came of the run. And that run's directory."""
    home = tmp_path_factory.mktemp("derived")
    predicted = {}
    for severity in SEVERITIES:
        result = exitmeter("policy", "derive", linux[0], "--max-severity", severity, "--json", "-o",
                           home / f"{severity}.policy")
        assert result.code == 0, result.err
        predicted[severity] = json.loads(result.out)
    _, outcomes = boot(home / "run", *(home / f"{severity}.policy" for severity in SEVERITIES))
    return home, predicted, outcomes


def reasons(outcome):
    return {entry["reason"]: entry["count"] for entry in outcome["profile"]["reasons"]}


def count(outcome, reason, matches):
    return sum(entry["count"] for entry in outcome["profile"]["details"]
               if entry["reason"] == reason and entry["detail"] and matches(int(entry["detail"], 16)))


def check_boot(directory, policy, outcome):
    console = (directory / "policies" / policy / "console.txt").read_text(errors="replace")
    assert re.search(r"Linux version \d+\.\d+", console)
    assert "Run /init as init process" in console and "exitmeter guest: init runs" in console
    assert "Kernel panic" not in console and "BUG:" not in console
    assert outcome["kind"] == "Linux bzImage"
    assert outcome["ended"] == "until"


@pytest.mark.parametrize("policy", POLICIES)
def test_boots_to_its_init(linux, policy):
    check_boot(linux[0], policy, linux[2][policy])


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
    for text in ("8 bits com1", "IA32_TSC_DEADLINE", "CPUID: leaf 0x1", "vector 0xec", "over time"):
        assert text in result.out, text


@pytest.mark.parametrize("severity", SEVERITIES)
def test_boots_under_the_derived_policy(derived, severity):
    home, _, outcomes = derived
    check_boot(home / "run", severity, outcomes[severity])
    policy = home / f"{severity}.policy"
    assert exitmeter("policy", "audit", policy, "--max-severity", severity).code == 0
    assert exitmeter("policy", "diff", policy, "intercept-all").code == 1


def totals(outcome):
    """Run time, and what exits took: the core's time, and the transitions by that run's own
    measurement, less a tick each, which the instruction would take by itself."""
    profile = outcome["profile"]
    exits = sum(entry["count"] for entry in profile["reasons"])
    return {"exits": exits, "run_time": profile["guest"] + profile["host"],
            "exit_ticks": profile["host"] + exits * (outcome["transition"]["p50"] - 1)}


def test_saves_what_was_predicted(linux, derived):
    """By the totals of the second run, whatever it spent them on."""
    predicted = derived[1]["medium"]
    before, after = totals(linux[2]["intercept-all"]), totals(derived[2]["medium"])
    assert before == predicted["before"]
    assert before["exit_ticks"] - after["exit_ticks"] == pytest.approx(predicted["saves"], rel=0.05)


def test_saves_as_much_as_polling_leaves(linux, derived):
    """With its console intercepted, a loop that waits for it comes round the more often the quicker
    it is. How often is not predicted, but that it is so is said, and how much it can take."""
    predicted = derived[1]["low"]
    before, after = totals(linux[2]["intercept-all"]), totals(derived[2]["low"])
    saved = before["exit_ticks"] - after["exit_ticks"]
    assert predicted["polls"] > 1000000 and predicted["more_polls"] > 0
    assert predicted["saves"] - predicted["more_polls"] < saved < predicted["saves"]


@pytest.mark.parametrize("severity", SEVERITIES)
def test_run_time_is_as_predicted(linux, derived, severity):
    """The console takes its time whether its polling exits or not: what is saved there is not run
    time. Taken for it, it would be far off."""
    predicted, measured = derived[1][severity], totals(derived[2][severity])["run_time"]
    assert measured == pytest.approx(predicted["predicted"]["run_time"], rel=0.05)
    assert predicted["saves_waiting"] > predicted["saves"] * 0.9
    if severity == "medium":
        assert measured > 1.2 * (predicted["before"]["run_time"] - predicted["saves"])


@pytest.mark.parametrize("severity", SEVERITIES)
def test_what_passes_takes_no_exit(linux, derived, severity):
    """Of MSRs and ports, which every exit names."""
    items = {item["item"].split()[1]: item["verdict"] for item in derived[1][severity]["items"]
             if item["item"].startswith("io ")}
    assert items["0x3fd"] == ("passes" if severity == "medium" else "dangerous")
    passing = {item["item"] for item in derived[1][severity]["items"]
               if item["verdict"] == "passes"}
    assert "msr 0xe7 IA32_MPERF r" in passing and "control pause-exiting" in passing
    outcome = derived[2][severity]
    for name in passing:
        words = name.split()
        if words[0] == "msr":
            number, reason = int(words[1], 16), RDMSR if words[-1] == "r" else WRMSR
            assert count(outcome, reason, lambda detail: detail == number) == 0, name
        elif words[0] == "io":
            first, last = (int(part, 16) for part in (words[1].split("-") * 2)[:2])
            assert count(outcome, IO, lambda detail: detail >> 16 == first
                         and (detail & 7) == last - first) == 0, name
    assert PAUSE not in reasons(outcome)

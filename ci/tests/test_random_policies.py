# SPDX-License-Identifier: MIT
"""Random policies in the language, over the corpus on Bochs: every job takes the exits that the text
says, by a model of the language that knows no bitmaps, and the harness says so of each."""
import collections
import json
import random
import re

import pytest

from .conftest import ROOT, exitmeter, run_json

SEEDS = (1, 2, 3)
POLICIES = 4  # of a seed, each over all benchmarks
NEVER = ((0x3f1, 0x3f1), (0x3f4, 0x3f5), (0x560, 0x587), (0x600, 0x600), (0x17d0, 0x17d1),
         (0x1900, 0x19ff))
APIC = "tpr-shadow virtualize-x2apic apic-register-virtualization virtual-interrupt-delivery".split()
# Those that Bochs' Haswell has, but for VPID, unrestricted guest and what needs a page.
CONTROLS = """hlt-exiting invlpg-exiting mwait-exiting rdpmc-exiting rdtsc-exiting cr3-load-exiting
    cr3-store-exiting cr8-load-exiting cr8-store-exiting mov-dr-exiting monitor-exiting pause-exiting
    external-interrupt-exiting descriptor-table-exiting wbinvd-exiting rdrand-exiting
    pause-loop-exiting""".split()
HIDDEN = ("mce", "pcid", "smep", "1 ecx 12", "7:0 ebx 5", "0x80000007 edx 8")
MNEMONICS = {0: "de", 1: "db", 3: "bp", 6: "ud", 7: "nm", 13: "gp", 14: "pf"}


def corpus():
    return [row for row in json.loads(exitmeter("list", "--json").out)["benchmarks"]
            if row["kind"] == "benchmark"]


def gated(rows):
    """What rows access, by gate: random rules are about these, or near them."""
    found = collections.defaultdict(set)
    for row in rows:
        for exit_ in row["exits"]:
            found[exit_["gate"]].add(exit_["index"])
    return {gate: sorted(values) for gate, values in found.items()}


def span(rng, values, most):
    """A number that matters, or a range with one in it, as text and as its ends."""
    middle = rng.choice(values)
    if rng.random() < 0.5:
        return rng.choice((f"{middle}", f"{middle:#x}")), middle, middle
    base, top = (0xc0000000, 0xc0001fff) if middle >= 0xc0000000 else (0, most)
    first = max(base, middle - rng.randrange(0x300))
    last = min(top, middle + rng.randrange(0x300))
    return f"{first:#x}-{last:#x}", first, last


class Policy:
    """A random policy: its text, and what it decides, rule by rule and with no bitmaps."""

    def __init__(self, rng, gates):
        self.rules, self.text, self.controls, self.answers = [], [], {}, []
        msrs = sorted(set(gates["msr_read"]) | set(gates["msr_write"]))
        for space in ("msr", "io", "exception", "cr0", "cr4"):
            if rng.random() < 0.7:
                self.rule(f"default {space}", space, 0, 0xffffffff, "rw", rng.random() < 0.5)
        for _ in range(rng.randrange(4, 24)):
            self.random_rule(rng, gates, msrs)
        for name in CONTROLS:
            if rng.random() < 0.4:
                self.text.append(f"control {name} {rng.choice(('on', 'off', 'where-offered'))}")
        if rng.random() < 0.4:  # which goes with a local APIC of the core's alone
            for first, last in ((0x1b, 0x1b), (0x6e0, 0x6e0), (0x800, 0x8ff)):
                self.rule(f"msr {first:#x}-{last:#x}", "msr", first, last, "rw", True, " rw")
            self.text += [f"control {name} on" for name in APIC[:rng.randrange(1, 5)]]
        for what in HIDDEN:
            if rng.random() < 0.2:
                self.text.append(f"hide cpuid {what}")

    def rule(self, words, space, first, last, access, intercept, behind=""):
        action = "intercept" if intercept else "passthrough"
        line = f"{words} {action}" if words.startswith("default") else f"{action} {words}{behind}"
        self.text.append(line + comment(len(self.text)))
        self.rules.append((space, first, last, access, intercept))

    def random_rule(self, rng, gates, msrs):
        kind, intercept = rng.randrange(8), rng.random() < 0.5
        if kind < 3:
            words, first, last = span(rng, msrs, 0x1fff)
            access = rng.choice(("r", "w", "rw"))
            self.rule(f"msr {words}", "msr", first, last, access, intercept, f" {access}")
        elif kind < 5:
            words, first, last = span(rng, gates["io"], 0xffff)
            self.rule(f"io {words}", "io", first, last, "rw", intercept)
        elif kind == 5:
            vector = rng.choice(gates["exception"])
            words = rng.choice((str(vector), MNEMONICS[vector]))
            self.rule(f"exception {words}", "exception", vector, vector, "rw", intercept)
        elif kind == 6:
            space = rng.choice(("cr0", "cr4"))
            first = rng.randrange(32)
            last = rng.randrange(first, 32)
            self.rule(f"{space} {first}-{last}", space, first, last, "rw", intercept)
        else:
            space = rng.choice(("msr", "io"))
            words, _, _ = span(rng, msrs if space == "msr" else gates["io"],
                               0x1fff if space == "msr" else 0xffff)
            answers = ("emulate", "forward", "refuse")[:3 if space == "msr" else 2]
            self.text.append(f"{rng.choice(answers)} {space} {words}")

    def exits(self, space, number, access="rw"):
        """By the last rule about it; a policy starts with MSRs and ports intercepted."""
        if space == "msr" and any(first <= number <= last for first, last in NEVER):
            return True
        if space == "msr" and not (number < 0x2000 or 0xc0000000 <= number < 0xc0002000):
            return True
        for of, first, last, about, intercept in reversed(self.rules):
            if of == space and first <= number <= last and access in about:
                return intercept
        return space in ("msr", "io")

    def gate_is_shut(self, exit_):
        gate, index = exit_["gate"], exit_["index"]
        if gate in ("msr_read", "msr_write"):
            return self.exits("msr", index, "r" if gate == "msr_read" else "w")
        if gate == "io":
            return any(self.exits("io", index + byte) for byte in range(exit_["width"]))
        if gate == "exception":
            return self.exits("exception", index)
        if gate in ("cr0", "cr4"):
            return any(index >> bit & 1 and self.exits(gate, bit) for bit in range(32))
        return True


def comment(number):
    """Every third line has one."""
    return f"  # rule {number}" if number % 3 == 0 else ""


def control_bits():
    """Group and bit of each control, by its SDM name."""
    text = (ROOT / "core/vmx/control_list.h").read_text()
    return {name: (group.lower(), int(bit)) for group, bit, name in
            re.findall(r'^CONTROL\((\w+), (\d+), \w+,\s*"([^"]+)"\)', text, re.M)}


def predicted(policy, row, job, bits):
    """Exits an operation: by the policy's text, and the controls that were in force."""
    def on(name):
        group, bit = bits[name]
        return int(job["controls"][group], 16) >> bit & 1
    return sum(exit_["times"] for exit_ in row["exits"]
               if all(map(on, exit_["when_on"])) and not any(map(on, exit_["when_off"]))
               and policy.gate_is_shut(exit_))


def make(seed):
    rng = random.Random(seed)
    gates = gated(corpus())
    return [Policy(rng, gates) for _ in range(POLICIES)]


def prove(tmp_path, policies, *more):
    """A run under all of them, which succeeds, and its jobs."""
    arguments = [word for row in corpus() for word in ("--guest", row["name"])]
    for number, policy in enumerate(policies):
        file = tmp_path / f"random-{number}.policy"
        file.write_text("\n".join(policy.text) + "\n")
        arguments += ["--policy", file]
    result = exitmeter("run", "--samples", "5", "-o", tmp_path / "run", *arguments,
                       *more, timeout=1200)
    return result, run_json(tmp_path / "run")


@pytest.mark.parametrize("seed", SEEDS)
def test_exits_are_as_the_text_says(tmp_path, seed):
    policies, rows, bits = make(seed), {row["name"]: row for row in corpus()}, control_bits()
    result, run = prove(tmp_path, policies)
    texts = "\n\n".join(f"{number}:\n" + "\n".join(policy.text)
                        for number, policy in enumerate(policies))
    assert result.code == 0, f"{result.err}\n{texts}"
    verdict = run["prediction"]
    assert verdict["disagreed"] == 0 and verdict["unproved"] == 0
    assert verdict["agreed"] > 60 * POLICIES  # of 145 rows each: most are applicable
    assert f"exits as the policies predict: {verdict['agreed']} of {verdict['agreed']} jobs; 0 disagree" in result.err
    held = [job for job in run["jobs"] if job["prediction"]]
    assert len(held) == verdict["agreed"]
    for job in held:
        policy = policies[int(job["policy"].removeprefix("random-"))]
        found = predicted(policy, rows[job["benchmark"]], job, bits)
        assert (job["exits_per_op"], job["expected_exits_per_op"]) == (found, found), \
            f"{job['name']}\n{texts}"


def test_the_policies_of_a_seed_differ_and_decide_otherwise():
    """So that the above does not hold for want of anything to disagree about."""
    policies = [policy for seed in SEEDS for policy in make(seed)]
    gates = gated(corpus())
    for gate, space, access in (("msr_read", "msr", "r"), ("msr_write", "msr", "w"),
                                ("io", "io", "rw"), ("exception", "exception", "rw")):
        decided = {number: {policy.exits(space, number, access) for policy in policies}
                   for number in gates[gate]}
        assert all(both == {True, False} for both in decided.values()), decided
    words = {line.split()[0] for policy in policies for line in policy.text}
    assert words == {"default", "intercept", "passthrough", "emulate", "forward", "refuse", "control",
                     "hide"}


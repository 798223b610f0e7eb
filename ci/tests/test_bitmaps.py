# SPDX-License-Identifier: MIT
"""Every port and every MSR under random bitmaps: each access exits exactly when the SDM says so."""
import re
import time

import pytest

from .conftest import BUILD, exitmeter

BITMAPS = BUILD / "tests" / "bitmaps.bin"
SEEDS = (1, 2, 3)
PORTS = 0x10000
MSR_RANGE = 0x2000
MSR_HIGH = 0xc0000000
ACCESSES = {1: "IN", 2: "OUT", 3: "RDMSR", 4: "WRMSR", 15: "calibration"}


class Bits:
    """The bitmaps of a seed, by port and by MSR; as guests/tests/bitmaps.c makes them."""

    def __init__(self, seed):
        self.state = seed * 0x9e3779b97f4a7c15 & (1 << 64) - 1
        self.ports = self.fill(PORTS)
        self.reads = self.fill(2 * MSR_RANGE)
        self.writes = self.fill(2 * MSR_RANGE)

    def next(self):
        x = self.state
        x ^= x << 13 & (1 << 64) - 1
        x ^= x >> 7
        x ^= x << 17 & (1 << 64) - 1
        self.state = x
        return x

    def fill(self, count):
        bits = []
        for _ in range(count // 8):
            x = self.next()
            byte = (x, x & x >> 8, x & x >> 8 & x >> 16, 0)[x >> 32 & 3]
            bits += [byte >> i & 1 for i in range(8)]
        return bits

    def policy(self):
        """Its text: one rule for each run of set bits."""
        rules = ["default msr passthrough", "default io passthrough"]
        rules += [f"intercept io {a:#x}-{b:#x}" for a, b in runs(self.ports)]
        for base in (0, MSR_RANGE):
            first = MSR_HIGH if base else 0
            for bits, direction in ((self.reads, "r"), (self.writes, "w")):
                rules += [f"intercept msr {first + a:#x}-{first + b:#x} {direction}"
                          for a, b in runs(bits[base:base + MSR_RANGE])]
        return "\n".join(rules) + "\n"


def runs(bits):
    """(first, last) of each run of ones."""
    start = None
    for i, bit in enumerate(bits + [0]):
        if bit and start is None:
            start = i
        elif not bit and start is not None:
            yield start, i - 1
            start = None


def prove(tmp_path, seed, text):
    """Runs the check of a seed under a policy; None, or the access that was not as it must be."""
    tmp_path.mkdir(exist_ok=True)
    policy = tmp_path / "random.policy"
    policy.write_text(text)
    result = exitmeter("run", "--corpus", BITMAPS, "--guest", f"check/bitmap_{seed}",
                       "--policy", policy, "-o", tmp_path / "run")
    if result.code == 0:
        return None
    value = re.search(r"guest reported a failure \(value 0x([0-9a-f]+)\)", result.err)
    assert value, result.err
    code = int(value.group(1), 16)
    what = ACCESSES[code >> 32 & 15]
    size = f" of {code >> 36 & 15} bytes" if code >> 36 & 15 else ""
    due = "an exit is due" if code >> 40 & 1 else "no exit is due"
    return f"{what} {code & 0xffffffff:#x}{size}: {due}"


@pytest.mark.parametrize("seed", SEEDS)
def test_exits_exactly_where_a_bit_is_set(tmp_path, seed):
    assert prove(tmp_path, seed, Bits(seed).policy()) is None


def test_the_same_by_names_and_ranges(tmp_path):
    """In the words of `policy show`, where an MSR and a port have their names."""
    policy = tmp_path / "numbers.policy"
    policy.write_text(Bits(2).policy())
    text = exitmeter("policy", "show", policy).out
    rules = text.splitlines()
    assert text != policy.read_text()
    assert sum(" msr IA32_" in rule for rule in rules) > 20
    assert sum(rule.startswith("intercept io 0x") and "-" in rule for rule in rules) > 1000
    assert prove(tmp_path, 2, text) is None
    name = next(rule for rule in rules if " msr IA32_MTRR" in rule or " msr IA32_PERFEVTSEL" in rule)
    other = {"intercept": "passthrough", "passthrough": "intercept"}[name.split()[0]]
    wrong = prove(tmp_path / "wrong", 2, f"{text}{other} {' '.join(name.split()[1:])}\n")
    assert wrong and "exit is due" in wrong


def flipped(bits, number):
    bits[number] ^= 1
    return bits[number]


@pytest.mark.parametrize("port", [0x7fff, 0x8000])
def test_one_wrong_bit_of_a_port_is_found(tmp_path, port):
    bits = Bits(1)
    due = "no exit" if flipped(bits.ports, port) else "an exit"
    assert prove(tmp_path, 1, bits.policy()) == f"IN {port:#x} of 1 bytes: {due} is due"


@pytest.mark.parametrize("number, direction", [(0x1fff, "r"), (0xc0000102, "w")])
def test_one_wrong_bit_of_an_msr_is_found(tmp_path, number, direction):
    bits = Bits(1)
    index = number if number < MSR_RANGE else MSR_RANGE + number - MSR_HIGH
    due = "no exit" if flipped(bits.reads if direction == "r" else bits.writes, index) else "an exit"
    what = "RDMSR" if direction == "r" else "WRMSR"
    assert prove(tmp_path, 1, bits.policy()) == f"{what} {number:#x}: {due} is due"


def test_a_long_policy_compiles_quickly(tmp_path):
    """A hundred thousand rules, and then one that is wrong: no boot, only the parser."""
    policy = tmp_path / "long.policy"
    policy.write_text("".join(f"intercept io {n % PORTS}\nintercept msr {n % MSR_RANGE} rw\n"
                              for n in range(50000)) + "wrong\n")
    start = time.monotonic()
    result = exitmeter("run", "--policy", policy, "-o", tmp_path / "run")
    assert result.code == 2 and "long.policy:100001:" in result.err
    assert time.monotonic() - start < 2

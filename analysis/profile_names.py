# SPDX-License-Identifier: MIT
"""What the details of a profile's exits are called.

Names of MSRs, ports and exceptions are read from the run: the harness writes those that policies
are read by. CPUID's leaves, of which it has no list, have theirs here.
"""

from dataclasses import dataclass
from pathlib import Path

from .document import Node, load

EXCEPTION_OR_NMI, EXTERNAL_INTERRUPT, CPUID, VMCALL = 0, 1, 10, 18
CR_ACCESS, MOV_DR, IO, RDMSR, WRMSR, EPT_VIOLATION = 28, 29, 30, 31, 32, 48
INVLPG = 14
NMI = 2  # the vector

# Leaves of CPUID that look at ECX.
SUBLEAVES = {0x4, 0x7, 0xb, 0xd, 0xf, 0x10, 0x12, 0x14, 0x17, 0x18, 0x1a, 0x1b, 0x1d, 0x1e, 0x1f,
             0x20, 0x23, 0x24, 0x8000001d}
LEAVES = {
    0x0: "vendor", 0x1: "version and features", 0x2: "cache descriptors", 0x3: "serial number",
    0x4: "caches", 0x5: "MONITOR", 0x6: "thermal and power", 0x7: "extended features",
    0x9: "DCA", 0xa: "performance monitoring", 0xb: "topology", 0xd: "extended state",
    0x14: "processor trace", 0x15: "TSC and crystal", 0x16: "frequencies", 0x1f: "topology, V2",
    0x40000000: "hypervisor", 0x80000000: "extended range", 0x80000001: "extended features",
    0x80000002: "brand", 0x80000003: "brand", 0x80000004: "brand", 0x80000005: "L1 and TLB",
    0x80000006: "L2", 0x80000007: "invariant TSC", 0x80000008: "address widths",
}

SCHEMA = "exitmeter.names/1"


@dataclass(frozen=True)
class Names:
    """What MSRs, ports and exceptions are called, as a run's names.json says."""

    msrs: "Ranges"
    ports: "Ranges"
    exceptions: dict[int, str]


class Ranges:
    """Names of numbers. That of a number alone goes before that of a range it lies in."""

    def __init__(self, listed: list[tuple[int, int, str]]) -> None:
        self._single: dict[int, str] = {}
        self._ranges = [entry for entry in listed if entry[0] != entry[1]]
        for first, last, name in listed:
            if first == last:
                self._single.setdefault(first, name)

    def name(self, number: int) -> str:
        """"" for one that has none."""
        if number in self._single:
            return self._single[number]
        return next((name for first, last, name in self._ranges if first <= number <= last), "")


NO_NAMES = Names(Ranges([]), Ranges([]), {})


def load_names(file: Path) -> Names:
    """Read names.json. Runs from before there was one have no names to show."""
    if not file.exists():
        return NO_NAMES
    top = load(file)
    top.schema(SCHEMA)
    return Names(_ranges(top["msrs"]), _ranges(top["ports"]),
                 {node["vector"].count(): node["name"].text() for node in top["exceptions"]})


def _ranges(node: Node) -> Ranges:
    listed = []
    for item in node:
        first, last = item["first"].bits(), item["last"].bits()
        if last < first:
            raise item["last"].bad("below the first")
        listed.append((first, last, item["name"].text()))
    return Ranges(listed)


def canonical(reason: int, detail: int) -> int:
    """The detail without what says nothing: the ECX of a CPUID leaf that does not look at it."""
    if reason == CPUID and detail & 0xffffffff not in SUBLEAVES:
        return detail & 0xffffffff
    return detail


def detail_text(reason: int, detail: int | None, names: Names) -> str:
    """What an exit accessed, in words; "" where its handler does not say."""
    if detail is None:
        return ""
    describe = _DESCRIBE.get(reason)
    return describe(detail, names) if describe else f"{detail:#x}"


def _named(text: str, name: str) -> str:
    return f"{text} {name}" if name else text


def _cpuid(detail: int, _: Names) -> str:
    leaf, subleaf = detail & 0xffffffff, detail >> 32
    text = f"leaf {leaf:#x}" + (f".{subleaf:#x}" if leaf in SUBLEAVES else "")
    return _named(text, LEAVES.get(leaf, ""))


def _msr(detail: int, names: Names) -> str:
    return _named(f"MSR {detail:#x}", names.msrs.name(detail))


def _io(detail: int, names: Names) -> str:
    """Exit qualification of I/O instructions, SDM Vol. 3C table 28-5."""
    port, size = detail >> 16 & 0xffff, (detail & 7) + 1
    verb = ("IN" if detail & 8 else "OUT") + ("S" if detail & 0x10 else "")
    verb = ("REP " if detail & 0x20 else "") + verb
    return _named(f"{verb} port {port:#x}, {8 * size} bits", names.ports.name(port))


def _control_register(detail: int, _: Names) -> str:
    """Exit qualification of control-register accesses, SDM Vol. 3C table 28-3."""
    number = detail & 0xf
    return (f"MOV to CR{number}", f"MOV from CR{number}", "CLTS", "LMSW")[detail >> 4 & 3]


def _debug_register(detail: int, _: Names) -> str:
    return f"MOV {'from' if detail & 0x10 else 'to'} DR{detail & 7}"


def _exception(detail: int, names: Names) -> str:
    vector = detail & 0xff
    if vector not in names.exceptions:
        return f"vector {vector}"
    return ("" if vector == NMI else "#") + names.exceptions[vector].upper()


_DESCRIBE = {
    EXCEPTION_OR_NMI: _exception,
    EXTERNAL_INTERRUPT: lambda detail, _: f"vector {detail:#x}",
    CPUID: _cpuid,
    VMCALL: lambda detail, _: f"number {detail:#x}",
    CR_ACCESS: _control_register,
    MOV_DR: _debug_register,
    IO: _io,
    RDMSR: _msr,
    WRMSR: _msr,
    EPT_VIOLATION: lambda detail, _: f"page {detail:#x}",
    INVLPG: lambda detail, _: f"address {detail:#x}",
}

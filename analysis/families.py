# SPDX-License-Identifier: MIT
"""Benchmarks by family, so that a page shows like beside like: by the first VM exit that the
operation takes, whether or not it is taken under a policy, as run.json states it."""

from collections.abc import Iterable
from typing import Any

# Title of each family and the basic exit reasons (SDM volume 3D, appendix C) that make it.
FAMILIES = {
    "CPUID and hypercalls": (10, 18),
    "Model-specific registers": (31, 32),
    "I/O ports": (30,),
    "Control registers": (28,),
    "Debug registers": (29,),
    "Descriptor tables": (46, 47),
    "Local APIC": (43, 44, 45, 56),
    "Interrupts and timers": (1, 7, 8, 12, 37, 52),
    "Exceptions": (0,),
    "Memory": (48, 49),
    "Clocks, hints, caches and others": (),  # every other reason
    "Without an exit of their own": None,
}
X2APIC_MSRS = range(0x800, 0x900)
TSC_DEADLINE = 0x6e0


def family(row: dict[str, Any]) -> str:
    """The title of the family of a benchmark of run.json."""
    exits = [each for each in row.get("exits") or [] if isinstance(each, dict)]
    if not exits:
        return "Without an exit of their own"
    reasons = {each.get("reason") for each in exits}
    msr = exits[0].get("index") if exits[0].get("reason") in (31, 32) else None
    if reasons & set(FAMILIES["Local APIC"]) or msr in X2APIC_MSRS:
        return "Local APIC"
    if reasons & set(FAMILIES["Interrupts and timers"]) or msr == TSC_DEADLINE:
        return "Interrupts and timers"
    for title, members in FAMILIES.items():
        if members and exits[0].get("reason") in members:
            return title
    return "Clocks, hints, caches and others"


def by_family(benchmarks: dict[str, dict[str, Any]], names: Iterable[str]) -> dict[str, list[str]]:
    """names, in their order, by the titles of their families, in that of FAMILIES."""
    found: dict[str, list[str]] = {title: [] for title in FAMILIES}
    for name in names:
        found[family(benchmarks[name])].append(name)
    return {title: members for title, members in found.items() if members}

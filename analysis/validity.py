# SPDX-License-Identifier: MIT
"""What may have disturbed a job without a trace in its samples: SMIs, and clocks that moved."""

from dataclasses import dataclass

from .document import Node

# The two measured phases, as run.json names them.
MEASURED = ("control", "op")


@dataclass(frozen=True)
class Validity:
    """disturbed: the verdict in words, empty if nothing struck. smis and core_per_mille (core
    cycles of 1000 TSC ticks in the control phase and in the op phase) are None where the CPU could
    not tell; absent then says why, by "SMIs" and "core clock"."""

    disturbed: tuple[str, ...]
    smis: int | None
    core_per_mille: tuple[int, int] | None
    absent: dict[str, str]


def read_validity(node: Node) -> Validity:
    """"validity" of a done job."""
    absent = {}
    smis = cores = None
    if node["smis"].value is None:
        absent["SMIs"] = node["smis_absent"].text()
    else:
        smis = node["smis"].count()
    if node["clocks"].value is None:
        absent["core clock"] = node["clocks_absent"].text()
    else:
        cores = tuple(node["clocks"][phase]["core_per_mille"].count() for phase in MEASURED)
    return Validity(tuple(line.text() for line in node["disturbed"]), smis, cores, absent)


def unknown(validities: list[Validity]) -> dict[str, str]:
    """What was not checked at all in some of them, and why."""
    reasons: dict[str, dict[str, None]] = {}
    for validity in validities:
        for what, why in validity.absent.items():
            reasons.setdefault(what, {})[why] = None
    return {what: "; ".join(whys) for what, whys in sorted(reasons.items())}

# SPDX-License-Identifier: MIT
"""Exits by MSR and by port under each policy: which were accessed, and a heat map of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .drawings import BLACK, DIGIT, WHITE, ink_on, label, left_margin, letters
from .profile_names import IO, RDMSR, WRMSR, Names
from .run import Job, Run
from .statistics import exits
from .stream import RECORD_HAS_COUNTS
from .svg import Drawing

KINDS = ("MSR", "port")
VERBS = {RDMSR: "RDMSR", WRMSR: "WRMSR"}
ROWS = 32
ROW = 20
WIDTH = 420

# Viridis (Smith and van der Walt), which is read alike by every kind of colour vision and in grey.
VIRIDIS = ("440154", "472D7B", "3B528B", "2C728E", "21918C", "28AE80", "5EC962", "ADDC30", "FDE725")


@dataclass(frozen=True, order=True)
class Access:
    """kind: of KINDS; number: the MSR or port; verb: the instruction; known: what it is called."""

    kind: str
    number: int
    verb: str
    known: str = field(compare=False, default="")

    @property
    def name(self) -> str:
        return f"{self.number:#x} {self.known}".rstrip()

    @property
    def short(self) -> str:
        """For a drawing: an MSR that has a name goes by it."""
        known = self.known.removeprefix("IA32_") if self.kind == "MSR" else ""
        return f"{self.verb} {known or self.name}"


@dataclass
class Seen:
    """Exits of one access, and the core's own time of all of them."""

    exits: int = 0
    ticks: int = 0


Table = dict[Access, dict[str, Seen]]


def access(reason: int, detail: int, names: Names) -> Access | None:
    """What an exit accessed, by its basic reason and its record's detail; None for other exits."""
    if reason in VERBS:
        return Access("MSR", detail, VERBS[reason], names.msrs.name(detail))
    if reason == IO:  # exit qualification: SDM volume 3C, table 28-5
        port = detail >> 16 & 0xFFFF
        return Access("port", port, "IN" if detail & 8 else "OUT", names.ports.name(port))
    return None


def accesses(run: Run) -> Table:
    """From the records of the measured phases, or the counting ones where those say nothing."""
    table: Table = {}
    for job in run.measured_jobs:
        if not job.root and run.benchmarks[job.benchmark].get("stub") != "floor":
            _count(table, job, run.names)
    return dict(sorted(table.items()))


def _count(table: Table, job: Job, names: Names) -> None:
    for name in ("op", "count_op"):
        phase = job.phases[name]
        if phase.records is None:
            continue
        taken = exits(phase.samples, phase.records)
        if len(taken) and taken["flags"][0] & RECORD_HAS_COUNTS:
            break
    else:
        return
    own = taken["entering"] - taken["entered"]
    for reason, mine in _by_reason(taken["reason"]):
        if access(reason, 0, names) is None:
            continue
        for detail, count, ticks in _sums(taken["detail"][mine], own[mine]):
            seen = table.setdefault(access(reason, detail, names), {}).setdefault(job.policy, Seen())
            seen.exits += count
            seen.ticks += ticks


def _by_reason(reasons: np.ndarray) -> list[tuple[int, slice | np.ndarray]]:
    """Each reason and where it stands; of one alone that is everywhere, and nothing is copied."""
    if reasons.min() == reasons.max():
        return [(int(reasons[0]), slice(None))]
    return [(int(reason), reasons == reason) for reason in np.unique(reasons)]


def _sums(details: np.ndarray, own: np.ndarray) -> list[tuple[int, int, int]]:
    """Each detail, how often it occurs, and the sum of what belongs to it."""
    if details.min() == details.max():
        return [(int(details[0]), len(details), int(own.sum()))]
    found, home = np.unique(details, return_inverse=True)
    counts = np.bincount(home)
    sums = np.bincount(home, weights=own.astype(float))
    return [(int(detail), int(count), round(total))
            for detail, count, total in zip(found, counts, sums)]


def heat_map(name: str, title: str, table: Table, policies: Sequence[str],
             values: dict[Access, dict[str, int]]) -> Drawing:
    """A line an access, those of most exits if there are too many; a column a policy, with the
    value and a colour for it, on a logarithmic scale. A dot: no such exit."""
    lines = busiest(table)
    found = [value for line in lines for value in values[line].values() if value > 0]
    low, high = min(found, default=1), max(found, default=1)
    heads = [label(policy) for policy in policies]
    margin = left_margin([label(line.short) for line in lines])
    widest = max([len(str(value)) for value in found], default=1)
    cell = max((WIDTH - margin - 8) / len(heads), DIGIT * widest + 6)
    longest = max(map(letters, heads))
    upright = longest > cell
    above = longest + 20 if upright else 36
    width, height = round(margin + cell * len(heads) + 8), round(above + ROW * len(lines) + 6)
    boxes, inks = [], {BLACK: [], WHITE: []}
    dots = []
    for place, line in enumerate(lines):
        for column, policy in enumerate(policies):
            value = values[line].get(policy)
            if value is None:
                dots.append(f"{column} {place}")
                continue
            share = (math.log(max(value, low) / low) / math.log(high / low)) if high > low else 0.5
            fill = viridis(share)
            boxes.append(f"{column} {place} {column - 0.5} {column + 0.5} {place - 0.5} "
                         f"{place + 0.5} {int(fill[1:], 16)}")
            inks[ink_on(fill)].append(f"{column} {place} {value}")
    data, plots = [], []
    for block, rows, how in (
            ("boxes", boxes, "using 1:2:3:4:5:6:7 with boxxyerror fillstyle solid 1 noborder "
             "linecolor rgb variable"),
            ("dots", dots, "using 1:2:('.') with labels center"),
            ("white", inks[WHITE], f"using 1:2:3 with labels center textcolor rgb '{WHITE}'"),
            ("black", inks[BLACK], f"using 1:2:3 with labels center textcolor rgb '{BLACK}'")):
        if rows:
            data.append(f"${block} << END\n" + "\n".join(rows) + "\nEND\n")
            plots.append(f"${block} {how} notitle")
    tops = ", ".join(f"'{text}' {column}" for column, text in enumerate(heads))
    sides = ", ".join(f"'{label(line.short)}' {place}" for place, line in enumerate(lines))
    script = "".join(data) + (
        f"set lmargin at screen {margin / width:.4f}\nset rmargin at screen {1 - 8 / width:.4f}\n"
        f"set tmargin at screen {1 - above / height:.4f}\nset bmargin at screen "
        f"{6 / height:.4f}\nset border 0\nunset xtics\n"
        f"set x2tics ({tops}) scale 0 noenhanced {'rotate by 90' if upright else ''}\n"
        f"set ytics ({sides}) scale 0 noenhanced\nset x2range [-0.5:{len(heads) - 0.5}]\n"
        f"set xrange [-0.5:{len(heads) - 0.5}]\nset yrange [{len(lines) - 0.5}:-0.5]\n"
        f"plot {', '.join(plots)}\n")
    return Drawing(name, title, width, height, script)


def busiest(table: Table) -> list[Access]:
    """The ROWS with most exits, in the order of the table."""
    ranked = sorted(table, key=lambda line: -sum(seen.exits for seen in table[line].values()))
    kept = set(ranked[:ROWS])
    return [line for line in table if line in kept]


def viridis(share: float) -> str:
    """The colour at a share, 0 to 1, of the way."""
    at = min(max(share, 0), 1) * (len(VIRIDIS) - 1)
    first = min(int(at), len(VIRIDIS) - 2)
    ends = [[int(VIRIDIS[place][digit:digit + 2], 16) for digit in (0, 2, 4)]
            for place in (first, first + 1)]
    mixed = [round(low + (high - low) * (at - first)) for low, high in zip(*ends)]
    return "#" + "".join(f"{part:02X}" for part in mixed)



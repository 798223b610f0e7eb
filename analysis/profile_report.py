# SPDX-License-Identifier: MIT
"""The report of a run that profiled a guest: one self-contained HTML page."""

from typing import Any

from markupsafe import Markup

from . import matrix_report
from .drawings import colour, label, legend, slug
from .profile import Entry, Outcome, Profile, ProfileRun
from .svg import draw

TOP = 40
LINES = 6
DASH = 1.09  # half the thickness of a dash, as a factor
MEGA = 1e6


def contents(run: ProfileRun) -> dict[str, Any]:
    """All that the template profile.html shows."""
    return {"run": run, "unit": run.unit, "matrix": matrix_report.of_profiles(run),
            "profiles": [_one(outcome, run.unit) for outcome in run.outcomes]}


def _one(outcome: Outcome, unit: str) -> dict[str, Any]:
    found = outcome.profile
    shown = found.reasons[:LINES] if found else []
    return {"outcome": outcome, "profile": found,
            "lists": _lists(found) if found and found.reasons else [],
            "legend": legend([found.names[entry.reason] for entry in shown]) if found else [],
            "figure": Markup(timeline(outcome.policy, found, shown, unit)) if shown else None}


def _lists(found: Profile) -> list[tuple[str, list[dict[str, Any]], int]]:
    """Title, rows, and how many rows there are beside those."""
    said = [entry for entry in found.details if entry.what]
    return [(title, [_row(entry, found) for entry in entries[:TOP]], max(0, len(entries) - TOP))
            for title, entries in (("exit reason", found.reasons), ("what was accessed", said),
                                   ("guest RIP", found.addresses)) if entries]


def _row(entry: Entry, found: Profile) -> dict[str, Any]:
    per = {name: entry.costs[name] / entry.count if entry.count else 0
           for name in ("vmreads", "vmwrites", "msr_accesses")}
    return {"name": found.names[entry.reason], "what": entry.what, "count": entry.count,
            "ticks": entry.ticks, "each": entry.ticks / entry.count if entry.count else 0,
            "share": found.share(entry.ticks), "per": per}


def timeline(policy: str, found: Profile, shown: list[Entry], unit: str) -> str:
    """Exits of the costliest reasons over time, on a logarithmic scale."""
    data, plots = [], []
    width = found.width / MEGA
    for number, entry in enumerate(shown):
        counts, _ = found.over_time.get(entry.reason, ([], []))
        # A dash for each slice that has any, as high as its number of exits.
        rows = "\n".join(f"{at * width:.6g} {count} {at * width:.6g} {(at + 1) * width:.6g} "
                         f"{count / DASH:.6g} {count * DASH:.6g}"
                         for at, count in enumerate(counts) if count)
        if rows:
            data.append(f"$line{number} << END\n{rows}\nEND\n")
            plots.append(f"$line{number} using 1:2:3:4:5:6 with boxxyerror fillstyle solid 1 "
                         f"noborder linecolor rgb '{colour(number)}' notitle")
    end = max(found.total / MEGA, 1e-6)
    script = "".join(data) + (
        "set logscale y\nset lmargin 11\nset rmargin 2\nset tmargin 0.5\n"
        f"set xrange [0:{end:.6g}]\nset yrange [0.7:*]\nset format y '%.0f'\n"
        f"set xlabel 'millions of {label(unit)} since the start'\n"
        f"set ylabel 'exits each {width:.3g} million'\n"
        "plot " + ", ".join(plots) + "\n")
    return draw(f"timeline-{slug(policy)}", f"Exits of each reason over time under {policy}. The "
                "tables have the sums.", (860, 300), script)

# SPDX-License-Identifier: MIT
"""Policies of a run that profiled a guest of the user's own, side by side: its run time, and by
exit reason and by what was accessed the exits and the core's time."""

from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .errors import EXIT_DONE, BadInput
from .matrix import short_names
from .matrix_text import WIDTH, columns, legend_text
from .output import emit, to_json
from .profile import Entry, Profile, ProfileRun, open_profile
from .table import elide, render

SCHEMA = "exitmeter.compare-profiles/1"
LINES = 30  # of a list in the terminal


def matching(path: Path, names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Those of the names that any pattern matches, all if there is none; each must match one."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise BadInput(f"{path}: no policy matches '{pattern}'; there is {', '.join(names)}")
    return [name for name in names
            if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]


def compare_profiles(path: Path, as_json: bool, patterns: list[str]) -> int:
    """Print the comparison; exit code 0."""
    run = open_profile(path)
    kept = matching(path, [outcome.policy for outcome in run.outcomes], patterns)
    data = compared(run, kept)
    emit(to_json(data) if as_json
         else "\n".join(elide(line, len(line)) for line in text(data).split("\n")))
    return EXIT_DONE


def compared(run: ProfileRun, policies: Iterable[str]) -> dict[str, Any]:
    """As data. Of a policy without a profile everything is null; of one that took no such exit the
    counts are 0."""
    kept = set(policies)
    outcomes = [outcome for outcome in run.outcomes if outcome.policy in kept]
    found = [outcome.profile for outcome in outcomes]
    return {"schema": SCHEMA, "run": str(run.path), "status": run.status, "target": run.target,
            "unit": run.unit, "image": run.image, "cpu_model": run.cpu_model,
            "policies": [{"policy": outcome.policy, "status": outcome.status,
                          "ended": outcome.ended, "reason": outcome.reason,
                          "total": _totals(outcome.profile)} for outcome in outcomes],
            "reasons": _items(found, lambda profile: profile.reasons),
            "accessed": _items(found, lambda profile: profile.details)}


def _totals(profile: Profile | None) -> dict[str, int] | None:
    if profile is None:
        return None
    return {"run_time": profile.run_time, "guest": profile.guest, "host": profile.host,
            "exits": profile.exits, "lost": profile.lost + profile.out_of_order,
            "without_item": profile.details_lost}


def _items(found: list[Profile | None],
           entries: Callable[[Profile], list[Entry]]) -> list[dict[str, Any]]:
    """A row for each item of any policy, by the most time that it takes under one."""
    rows: dict[tuple[int, int | None], dict[str, Any]] = {}
    for number, profile in enumerate(found):
        for entry in entries(profile) if profile else ():
            row = rows.setdefault((entry.reason, entry.key), {
                "reason": entry.reason, "name": profile.names[entry.reason], "what": entry.what,
                "key": entry.key,
                "policies": [None if each is None else {"exits": 0, "ticks": 0}
                             for each in found]})
            row["policies"][number] = {"exits": entry.count, "ticks": entry.ticks}
    return sorted(rows.values(), key=lambda row: (
        -max(cell["ticks"] for cell in row["policies"] if cell), row["reason"],
        -1 if row["key"] is None else row["key"]))


def label(row: dict[str, Any]) -> str:
    return f"{row['name']}: {row['what']}" if row["what"] else row["name"]


def text(data: dict[str, Any]) -> str:
    """For a terminal of 80 columns."""
    names = [entry["policy"] for entry in data["policies"]]
    blocks = [f"{data['target']}, {data['cpu_model']}: {data['image']} under each policy, in "
              f"{data['unit']}", legend_text(names), "\n".join(_run_times(data, names))]
    said = [row for row in data["accessed"] if row["what"]]
    for title, rows in (("exit reason", data["reasons"]), ("what was accessed", said)):
        for what, key in (("exits", "exits"), (f"the core's time, {data['unit']}", "ticks")):
            blocks.append("\n".join(_table(title, what, rows, key, names)))
    return "\n\n".join(block for block in blocks if block)


def _run_times(data: dict[str, Any], names: list[str]) -> list[str]:
    short = short_names(names)
    there = [entry for entry in data["policies"] if entry["total"]]
    least = min((entry["total"]["run_time"] for entry in there), default=0)
    rows = [[f"{short[entry['policy']]} {entry['policy']}",
             *(str(entry["total"][key]) for key in ("run_time", "guest", "host", "exits")),
             f"{entry['total']['run_time'] / least:.3f}x" if least else "-", entry["ended"]]
            for entry in there]
    lines = render([("", ["policy"]), ("", ["run time", "guest", "core", "exits", "of least",
                                            "ended"])], rows, WIDTH) if rows else []
    lines += [f"{entry['policy']}: no profile: {entry['reason']}"
              for entry in data["policies"] if not entry["total"]]
    lines += [f"{entry['policy']}: {entry['total'][key]} exits {what}" for entry in there
              for key, what in (("lost", "were lost or out of order, and are in none of these"),
                                ("without_item", "found no room in the list of what was accessed"))
              if entry["total"][key]]
    return lines


def _table(first: str, title: str, rows: list[dict[str, Any]], key: str,
           names: list[str]) -> list[str]:
    if not rows:
        return []
    shown = [(label(row), ["-" if cell is None else str(cell[key]) for cell in row["policies"]])
             for row in rows[:LINES]]
    rest = rows[LINES:]
    if rest:
        shown.append((f"{len(rest)} others", [
            "-" if rest[0]["policies"][at] is None
            else str(sum(row["policies"][at][key] for row in rest)) for at in range(len(names))]))
    return columns(title, first, names, shown)

# SPDX-License-Identifier: MIT
"""The policies of matrix.py in a terminal of 80 columns: a legend of short names, and a table a
metric. What no policy changes is told in a line, so that the tables hold what differs."""

from collections.abc import Callable, Sequence
from textwrap import wrap as fold
from typing import Any

from .matrix import grid, short_names, verdict_line
from .table import elide, plain, render, wrap

WIDTH = 80


def legend(policies: Sequence[str]) -> list[str]:
    """Short name and name, two columns if they fit."""
    entries = [f"{short:>2} {policy}" for policy, short in short_names(policies).items()]
    half = -(-len(entries) // 2)
    left = max((len(entry) for entry in entries[:half]), default=0)
    pairs = [f"{entry:{left}}   {entries[half + number] if half + number < len(entries) else ''}"
             .rstrip() for number, entry in enumerate(entries[:half])]
    return pairs if all(len(line) <= WIDTH for line in pairs) else entries


def legend_text(policies: Sequence[str]) -> str:
    """Names come from a file, and go to a terminal."""
    return "\n".join(elide(line, len(line)) for line in legend(policies))


def columns(title: str, first: str, policies: Sequence[str], rows: list[tuple[str, list[str]]]) -> list[str]:
    """One table, or as many as it takes to keep WIDTH, each with some of the policies."""
    names = list(short_names(policies).values())
    for size in range(len(names), 0, -1):
        blocks = [render([("", [first]), (title, names[at:at + size])],
                         [[name, *cells[at:at + size]] for name, cells in rows], WIDTH)
                  for at in range(0, len(names), size)]
        if all(len(line) <= WIDTH for block in blocks for line in block):
            break
    return [line for number, block in enumerate(blocks) for line in ([""] if number else []) + block]


def metric(title: str, rows: list[dict[str, Any]], policies: list[str],
           shown: Callable[[dict[str, Any]], Any]) -> list[str]:
    """A table of what differs; then, by value, what is the same under every policy."""
    differing, same = [], {}
    for row in rows:
        values = [None if cell is None else shown(cell) for cell in row["cells"]]
        there = {value for value in values if value is not None}
        if len(there) > 1 or None in values:
            differing.append((row["name"], ["-" if value is None else plain(value)
                                            for value in values]))
        else:
            same.setdefault(there.pop(), []).append(row["name"])
    lines = columns(title, "benchmark", policies, differing) if differing else [title]
    for value, names in sorted(same.items()):
        lines += wrap(f"{plain(value)} under each: ", names, WIDTH)
    return lines


def totals_table(found: dict[str, Any], policies: list[str]) -> list[str]:
    """What the guests took in all, the policy that took least first."""
    short = short_names(policies)
    ranked = sorted(found["policies"], key=lambda entry: (entry["time"], entry["policy"]))
    if not ranked or not found["benchmarks"]:
        return []
    least = ranked[0]["time"]
    rows = [[f"{short[entry['policy']]} {entry['policy']}", str(entry["time"]),
             f"{entry['time'] / least:.2f}x" if least > 0 else "-", str(entry["exits"])]
            for entry in ranked]
    lines = [f"total guest run time, {found['unit']}: {ranked[0]['operations']} operations of the "
             f"{len(found['benchmarks'])} benchmarks",
             "that ran under each policy, control included", "",
             *render([("", ["policy"]), ("", [found["unit"], "of least", "exits"])], rows, WIDTH)]
    if found["left_out"]:
        lines += wrap("not under each, and not in it: ", found["left_out"], WIDTH)
    return lines


def prediction_text(found: dict[str, Any] | None, skipped: bool) -> str:
    """The verdict; skipped: and what was not applicable, by reason."""
    if found is None:
        return ""
    lines = fold(verdict_line(found), WIDTH, subsequent_indent="  ")
    lines += [f"  {entry['job']}: {entry['how']}" for entry in found["disagreeing"]]
    for entry in found["skipped_for"] if skipped else ():
        lines += fold(f"skipped, {entry['jobs']} jobs, under {len(entry['policies'])} policies: "
                      f"{entry['reason']}", WIDTH, subsequent_indent="  ")
        lines += ["  " + line for line in wrap("", entry["benchmarks"], WIDTH - 2)]
    return "\n".join(elide(line, len(line)) for line in lines)


def matrix_text(data: dict[str, Any], policies: list[str]) -> str:
    """data: summary.summarize()."""
    rows, unit = grid(data["benchmarks"], policies), data["run"]["unit"]
    spread = any(entry["net"]["min"] != entry["net"]["max"]
                 for row in data["benchmarks"] for entry in row["policies"])
    blocks = [legend_text(policies),
              "\n".join(metric(f"round trip, p50, {unit}", rows, policies,
                               lambda cell: cell["p50"])),
              "\n".join(metric("exits an operation", rows, policies, lambda cell: cell["exits"])),
              "\n".join(totals_table(data["totals"], policies)),
              ("samples of a benchmark differ: their percentiles are in --json and the report\n"
               if spread else "")
              + "parts of each exit: with fewer policies, --policy PATTERN"]
    return "\n\n".join(block for block in blocks if block)

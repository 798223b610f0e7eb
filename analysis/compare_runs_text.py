# SPDX-License-Identifier: MIT
"""The comparison of two runs for the terminal."""

from typing import Any

from .compare_text import steady, warnings_text
from .table import ratio, render, signed, wrap


def runs_text(data: dict[str, Any]) -> str:
    """Old and new p50 of every benchmark under every policy; where samples have a spread, what that
    says of the difference."""
    rows = data["benchmarks"]
    spread = any(not steady(row[side]) for row in rows for side in ("old", "new"))
    blocks = [warnings_text(data["warnings"]),
              f"old: {data['old']['path']}\nnew: {data['new']['path']}\n" + heading(data),
              "\n".join(wrap("they differ in: ", data["differs"])) if data["differs"] else "",
              table(rows, spread) if rows else "the runs share no benchmark",
              notes(data) if spread and rows else ""]
    only = []
    for side in ("old", "new"):
        if data[f"only_in_{side}"]:
            only += wrap(f"only in {side}: ", data[f"only_in_{side}"])
    blocks.append("\n".join(only))
    return "\n\n".join(block for block in blocks if block)


def heading(data: dict[str, Any]) -> str:
    new = data["new"]
    counts = " and ".join(str(data[side]["samples"] * data[side]["repetitions"])
                          for side in ("old", "new"))
    return (f"{new['target']}, {new['cpu_model'] or 'CPU model unknown'}: round trip of one "
            f"operation\nin {new['unit']}, less control: p50 of n = {counts} samples")


def table(rows: list[dict[str, Any]], spread: bool) -> str:
    heads = [("", ["benchmark/policy"]), ("p50", ["old", "new", "difference", "ratio"])]
    if spread:
        heads += [("95 % of ratio", ["from", "to"]), ("", ["p", "delta", "least"])]
    heads.append(("exits/op", ["old", "new"]))
    return "\n".join(render(heads, [_cells(row, spread) for row in rows]))


def _cells(row: dict[str, Any], spread: bool) -> list[str]:
    cells = [f"{row['name']}/{row['policy']}", str(row["old"]["p50"]), str(row["new"]["p50"]),
             signed(row["difference"]), ratio(row["ratio"])]
    if spread:
        interval = row["ratio_interval"]
        cells += ["-", "-"] if interval is None else [f"{interval['low']:.3f}",
                                                      f"{interval['high']:.3f}"]
        cells += [probability(row["p"]), f"{row['delta']:+.2f}", f"{row['least']:.0f}"]
    return cells + ["-" if row[f"{side}_exits_per_op"] is None
                    else f"{row[f'{side}_exits_per_op']:.2f}" for side in ("old", "new")]


def probability(p: float) -> str:
    """Below a thousandth its size says nothing more."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def notes(data: dict[str, Any]) -> str:
    """What the columns are, and what they lean on."""
    lines = ["p: Mann-Whitney, Holm's correction over all rows. delta: Cliff's, from -1 to 1: how "
             "often a new sample",
             f"is above an old one, less how often below. least: the shift, {data['new']['unit']}, "
             "that the test would find at 5 %", "in 8 of 10 cases"]
    alone = [f"{row['name']}/{row['policy']}" for row in data["benchmarks"]
             if row["over"] == "samples"]
    if data["new"]["unit"] == "ticks":
        lines.append("in ticks the same build gives the same samples: any difference is one of the code")
    elif alone:
        lines += ["over samples of few repetitions, which are not independent: interval and p tell "
                  "these two", "runs apart, but not the build from the machine's drift; "
                  "--benchmark_repetitions=20 does, in both"]
    changed = [f"{row['name']}/{row['policy']}" for row in data["benchmarks"] if row["changed"]]
    lines += wrap(f"changed, at {data['level']:.0%}: ", changed or ["none"])
    return "\n".join(lines)

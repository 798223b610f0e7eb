# SPDX-License-Identifier: MIT
"""compare for the terminal: the documents of summary.py and compare.py as text."""

from typing import Any

from . import matrix_text
from .statistics import BETWEEN, PARTS
from .summary import probes
from .table import WIDTH, elide, plain, ratio, render, wrap
from .wide_text import events, transitions

# Columns of the table over all rounds.
ROUND_KEYS = ("n", "min", "p50", "p90", "p99", "p99.9", "max")

# Heads of the columns of PARTS, in that order.
PART_HEADS = ("exit", "dispatch", "handler", "restore", "entry")


def policies_text(data: dict[str, Any]) -> str:
    """Policies of one run side by side; beneath, where the time of an exit goes."""
    run, policies = data["run"], list(data["run"]["probe_levels"])
    many = bool(data["benchmarks"]) and not fit(data["benchmarks"], policies)
    told = data["prediction"] is not None and many  # by prediction_text()
    blocks = [warnings_text([line for line in data["warnings"]
                             if not (told and line.startswith("skipped: "))]),
              heading(run, data["benchmarks"], data["root_operations"])]
    if many:
        blocks.append(matrix_text.matrix_text(data, policies))
        blocks.append(calibration_text(data))
    elif data["benchmarks"]:
        blocks.append(round_trips(data["benchmarks"], policies))
        blocks.append(all_rounds(data["benchmarks"], run["unit"]))
        blocks.append(splits(data["benchmarks"], run["unit"]))
        blocks.append(transitions(data["benchmarks"], run["unit"]))
        blocks.append(events(data["benchmarks"]))
        blocks.append(calibration_text(data))
    if data["root_operations"]:
        blocks.append(root_operations(data["root_operations"], run["unit"]))
    if data["validity_unknown"]:
        blocks.append("\n".join(wrap("what may have disturbed it and cannot be known here: ", [
            f"{what} ({why})" for what, why in data["validity_unknown"].items()])))
    blocks.append(matrix_text.prediction_text(data["prediction"], told))
    if data["checks_passed"]:
        names = list(dict.fromkeys(data["checks_passed"]))
        blocks.append("\n".join(wrap("checks passed: ", names)))
    return "\n\n".join(block for block in blocks if block)


def calibration_text(data: dict[str, Any]) -> str:
    """What the probes and the measuring cost: beside the figures, or taken off them."""
    figures = data["calibration"]
    known = {name: figure for name, figure in figures.items() if "absent" not in figure}
    probes_cost = [f"{name.removeprefix('probes_')} {known[name]['p50']}" for name in known
                   if name.startswith("probes_")]
    others = [f"{name.upper()} {known[name]['p50']}" for name in known
              if name not in ("sample", "cpuid") and not name.startswith("probes_")]
    lines = []
    if probes_cost:
        n = max(known[name]["n"] for name in known)
        lines += wrap(f"what the probes add to a round trip, {data['run']['unit']}: ",
                      [*probes_cost[:-1], f"{probes_cost[-1]} (CPUID, p50, n = {n})"])
        lines += ["these are taken off above" if data["without_probes"]
                  else "these are part of the figures above; --without-probes takes them off"]
    if "sample" in known:
        lines += wrap(f"an empty sample: {known['sample']['p50']}; alone: ", others)
    absent: dict[str, list[str]] = {}
    for name, figure in figures.items():
        asked = name != "probes_pmu" or data["run"]["counts_events"]
        if "absent" in figure and asked:
            absent.setdefault(figure["absent"], []).append(name)
    for reason, names in absent.items():
        lines += wrap(f"no calibration, {reason}: ", names)
    return "\n".join(lines)


def warnings_text(lines: list[str]) -> str:
    return "\n".join(f"warning: {line}" for line in lines)


def heading(run: dict[str, Any], benchmarks: list[dict[str, Any]],
            operations: list[dict[str, Any]]) -> str:
    """Where this was measured, the unit, and n."""
    counts = sorted({entry["net"]["n"] for row in benchmarks for entry in row["policies"]}
                    | {row["net"]["n"] for row in operations})
    n = " or ".join(str(count) for count in counts) or "0"
    pooled = f", pooled from {run['repetitions']} repetitions" if run["repetitions"] > 1 else ""
    return (f"{run['target']}, {run['cpu_model'] or 'CPU model unknown'}: round trip of one "
            f"operation\nin {run['unit']}, less control: p50 of n = {n} samples{pooled}; "
            f"{probes(run['probe_levels'])}")


def round_trips(benchmarks: list[dict[str, Any]], policies: list[str]) -> str:
    """As many policies side by side as fit()."""
    return "\n".join(_side_by_side(benchmarks, policies, True))


def fit(benchmarks: list[dict[str, Any]], policies: list[str]) -> bool:
    """Whether one table holds them; more are for matrix_text."""
    return len(policies) == 1 or all(
        len(line) <= WIDTH for line in _side_by_side(benchmarks, policies, True))


def _side_by_side(benchmarks: list[dict[str, Any]], policies: list[str],
                  saving: bool) -> list[str]:
    spread = any(not steady(entry["net"]) for row in benchmarks for entry in row["policies"])
    block = ["p50", "min..p99", "exits/op"] if spread else ["p50", "exits/op"]
    heads: list[tuple[str, list[str]]] = [("", ["benchmark"])]
    heads += [(elide(policy, 30), block) for policy in policies]
    if saving:
        heads.append(("passthrough saves", ["p50", "ratio"]))
    rows = []
    for row in benchmarks:
        cells = [row["name"]]
        by_policy = {entry["policy"]: entry for entry in row["policies"]}
        for policy in policies:
            cells += _round_trip(by_policy.get(policy), spread)
        if saving:
            gain = row["saves"]
            cells += [str(gain["difference"]), ratio(gain["ratio"])] if gain else ["-", "-"]
        rows.append(cells)
    return render(heads, rows)


def steady(net: dict[str, int]) -> bool:
    """All samples are equal: there is no spread to show."""
    return net["min"] == net["max"]


def _round_trip(entry: dict[str, Any] | None, spread: bool) -> list[str]:
    if entry is None:
        return ["-"] * (3 if spread else 2)
    net = entry["net"]
    cells = [str(net["p50"]), f"{entry['exits_per_op']:.2f}"]
    if spread:
        cells.insert(1, "" if steady(net) else f"{net['min']}..{net['p99']}")
    return cells


def all_rounds(benchmarks: list[dict[str, Any]], unit: str) -> str:
    """Distributions over all rounds, where there were several."""
    rows = []
    for row in benchmarks:
        for entry in row["policies"]:
            if entry["rounds"]:
                rows.append([f"{row['name']}/{entry['policy']}",
                             *(str(entry["rounds"][key]) for key in ROUND_KEYS)])
    if not rows:
        return ""
    return "\n".join(["all rounds, from histograms: min and max are exact, percentiles within 3 %",
                      "", *render([("", ["benchmark/policy"]),
                                   (f"round trip in {unit}, less control", list(ROUND_KEYS))],
                                  rows)])


def splits(benchmarks: list[dict[str, Any]], unit: str) -> str:
    """Medians of the parts and counters of every row that exits, policy by policy; a row whose
    split or counters are absent says why. The sixth part has a column if any row has it."""
    parts = (*PARTS, BETWEEN) if has_between(benchmarks) else PARTS
    shown: dict[str, list[list[str]]] = {}
    notes: dict[str, list[str]] = {}
    for row in benchmarks:
        for entry in row["policies"]:
            name = f"{row['name']}/{entry['policy']}"
            if entry["split"] is None and entry["counters"] is None:
                notes.setdefault(entry["split_absent"], []).append(name)
                continue
            if entry["split"] is None:
                notes.setdefault(f"no split: {entry['split_absent']}", []).append(name)
            if entry["counters"] is None:
                notes.setdefault(f"no counters: {entry['counters_absent']}", []).append(name)
            shown.setdefault(entry["policy"], []).append(_split_row(row["name"], entry, parts))
    lines = []
    if shown:
        lines += ["where the time of an exit goes: exit transition, save and dispatch, handler, "
                  "restore,", "entry transition, and the whole round trip, control included"]
        if BETWEEN in parts:
            lines += ["between: of several exits in an operation, from the end of each to the next; "
                      "the core's parts", "are sums over them"]
        lines.append("")
        heads = [("", ["benchmark"]),
                 (f"medians, {unit}", [*PART_HEADS, *parts[len(PARTS):], "whole"]),
                 ("per exit", ["VMREADs", "VMWRITEs"])]
        rows = []
        for policy, entries in shown.items():
            rows.append([policy, *[""] * (len(parts) + 3)])
            rows += [["  " + cells[0], *cells[1:]] for cells in entries]
        lines += render(heads, rows)
    for reason, names in notes.items():
        lines += wrap(f"{reason}: ", names)
    return "\n".join(lines)


def root_operations(operations: list[dict[str, Any]], unit: str) -> str:
    """What handlers are made of, instruction by instruction."""
    spread = any(not steady(row["net"]) for row in operations)
    rows = [[row["name"], str(row["net"]["p50"]),
             *([f"{row['net']['min']}..{row['net']['p99']}"] if spread else []),
             row["instruction"]] for row in operations]
    heads = [("", ["benchmark"]), ("", ["p50", *(["min..p99"] if spread else []), "instruction"])]
    return "\n".join([f"in VMX root operation, under any policy: one instruction alone, {unit}", "",
                      *render(heads, rows)])


def has_between(benchmarks: list[dict[str, Any]]) -> bool:
    """Whether any operation takes several exits, split."""
    return any(BETWEEN in (entry["split"] or ()) for row in benchmarks for entry in row["policies"])


def _split_row(name: str, entry: dict[str, Any], parts: tuple[str, ...]) -> list[str]:
    found, costs = entry["split"] or {}, entry["counters"]
    times = [str(found.get(part, "-")) for part in (*parts, "whole")]
    counts = [plain(costs[name]) if costs else "-" for name in ("vmreads", "vmwrites")]
    return [name, *times, *counts]

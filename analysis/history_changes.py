# SPDX-License-Identifier: MIT
"""Where the figures of a branch's history changed, and how that reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from .change_points import Change, change_points, steps
from .errors import BadInput
from .history_store import Entry, Item, Series
from .statistics import PART_NAMES
from .table import signed

METRICS = {"p50": "p50", "p99": "p99", "exits_per_op": "exits per op"}


@dataclass(frozen=True)
class Found:
    """A change of one item: the run at which it shows, and the one before it that has the item."""

    item: Item
    change: Change
    run: Entry
    before: Entry


def narrow(series: Series, guests: Sequence[str], policies: Sequence[str]) -> Series:
    def wanted(item: Item) -> bool:
        return all(not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)
                   for name, patterns in ((item.benchmark, guests), (item.policy, policies)))

    kept = {item: values for item, values in series.figures.items() if wanted(item)}
    if not kept:
        raise BadInput("no benchmark and policy match all of "
                       + ", ".join(f"'{pattern}'" for pattern in (*guests, *policies)))
    return Series(series.key, series.runs, kept)


def changes(series: Series) -> list[Found]:
    """In order of time. Parts only explain a change of the whole and are no changes themselves."""
    exact = series.unit == "ticks"
    places = {run.id: place for place, run in enumerate(series.runs)}
    found = []
    for item, values in series.figures.items():
        if item.metric.startswith("part:"):
            continue
        had = sorted(values, key=places.__getitem__)
        line = [values[run] for run in had]
        for change in steps(line) if exact else change_points(line):
            run, before = (series.runs[places[had[at]]] for at in (change.at, change.at - 1))
            found.append(Found(item, change, run, before))
    return sorted(found, key=lambda each: places[each.run.id])


def moved(series: Series, each: Found) -> dict[str, float]:
    """By how much the medians of the parts differ between both runs of a change of times."""
    by = {}
    for item, values in series.figures.items():
        if (item.benchmark, item.policy, item.level) == (
                each.item.benchmark, each.item.policy, each.item.level) and item.metric.startswith(
                    "part:") and each.item.metric in ("p50", "p99"):
            was, now = values.get(each.before.id, 0), values.get(each.run.id, 0)
            if was != now:
                by[item.metric.removeprefix("part:")] = now - was
    return by


def also(each: Found) -> list[str]:
    """What else differs between both runs."""
    was, now = each.before.facts, each.run.facts
    return [f"{name} {was.get(name) or '-'} -> {now.get(name) or '-'}"
            for name in sorted({*was, *now}) if was.get(name) != now.get(name)]


def heading(series: Series) -> str:
    key = series.key
    cpus = f", {key['cpus']} CPUs" if key.get("cpus", 1) != 1 else ""
    return (f"{key['target']}, {key['cpu_model'] or key['brand'] or 'CPU unknown'}{cpus}, "
            f"{series.unit}: {len(series.runs)} runs")


def name_of(item: Item) -> str:
    return f"{item.benchmark}/{item.policy}"


def change_text(series: Series, each: Found) -> str:
    """cpuid/intercept-all: p50 93 -> 96 ticks (+3, handler +3)"""
    change, unit = each.change, series.unit
    metric = METRICS.get(each.item.metric, f"{each.item.metric} per exit")
    by = [signed(round(change.after - change.before, 3))]
    if change.p is not None and change.before:
        by.append(f"{100 * (change.after / change.before - 1):+.1f} %")
    by += [f"{PART_NAMES.get(part, part)} {signed(ticks)}"
           for part, ticks in moved(series, each).items()]
    if change.p is not None:
        by.append(f"p = {change.p:.1g}")
    of = f" {unit}" if each.item.metric in ("p50", "p99") else ""
    level = f" (probes {each.item.level})" if len(
        {item.level for item in series.figures if name_of(item) == name_of(each.item)}) > 1 else ""
    return (f"{name_of(each.item)}{level}: {metric} {change.before:.6g} -> {change.after:.6g}{of} "
            f"({', '.join(by)})")


def by_run(found: Sequence[Found]) -> list[tuple[Entry, list[Found]]]:
    """Changes that show at the same run, together."""
    together: dict[int, tuple[Entry, list[Found]]] = {}
    for each in found:
        together.setdefault(each.run.id, (each.run, []))[1].append(each)
    return list(together.values())

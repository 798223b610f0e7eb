# SPDX-License-Identifier: MIT
"""exitmeter history: runs of a branch over time, and where their figures changed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .change_points import Change, change_points, steps
from .errors import EXIT_DONE, BadInput
from .history_store import Entry, Item, Series, Store
from .output import emit, to_json, write_whole
from .run import open_run
from .statistics import PART_NAMES
from .table import signed

SCHEMA = "exitmeter.history/1"
REVISION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,99}")
METRICS = {"p50": "p50", "p99": "p99", "exits_per_op": "exits per op"}


@dataclass(frozen=True)
class Found:
    """A change of one item: the run at which it shows, and the one before it that has the item."""

    item: Item
    change: Change
    run: Entry
    before: Entry


def add(path: Path, db: Path, branch: str, revision: str, time: str | None) -> int:
    """Keep a run; time: when its commit was made, else when it was measured."""
    for what, text in (("branch", branch), ("commit", revision or "0")):
        if not REVISION.fullmatch(text):
            raise BadInput(f"--{what} '{text}': letters, digits, '.', '_', '/' and '-' are allowed")
    run = open_run(path)
    created = run.document.get("created")
    moment = parse_time(time or (created if isinstance(created, str) else ""),
                        "--time" if time else f"{path / 'run.json'}: created")
    with Store(db, create=True) as store:
        emit(store.add(run, branch, revision, moment))
    return EXIT_DONE


def parse_time(text: str, where: str) -> str:
    """ISO 8601, or seconds since 1970, as UTC to the second; without a zone it is UTC."""
    try:
        moment = (datetime.fromtimestamp(int(text), timezone.utc) if text.isdecimal()
                  else datetime.fromisoformat(text))
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return moment.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError) as error:
        raise BadInput(f"{where}: '{text}' is no time: 2026-11-28T06:00:00Z, as git's %cI, or "
                       "seconds since 1970") from error


def show_list(db: Path, as_json: bool) -> int:
    """All runs, series by series."""
    with Store(db) as store:
        found = [(branch, series) for branch in store.branches()
                 for series in store.series(branch)]
    if as_json:
        emit(to_json({"schema": SCHEMA, "series": [
            {"branch": branch, **series.key, "runs": [_run(run) for run in series.runs]}
            for branch, series in found]}))
        return EXIT_DONE
    lines = []
    for branch, series in found:
        lines.append(f"{branch}: {heading(series)}")
        lines += [f"  {run.time}  {run.revision or '-':12}  {run.path}" for run in series.runs]
    emit("\n".join(lines) or "no runs")
    return EXIT_DONE


def show(db: Path, branch: str, guests: Sequence[str], policies: Sequence[str], as_json: bool,
         page: Path | None) -> int:
    """Where the figures of a branch changed, as text, JSON, or a page."""
    with Store(db) as store:
        found = store.series(branch)
        others = store.branches()
    if not found:
        raise BadInput(f"{db}: no runs of the branch '{branch}'; there is "
                       f"{', '.join(others) or 'none at all'}")
    chosen = [narrow(series, guests, policies) for series in found]
    changed = [changes(series) for series in chosen]
    if page:
        from .history_report import html
        write_whole(page, html(branch, chosen, changed))
        emit(str(page))
    elif as_json:
        emit(to_json(document(branch, chosen, changed)))
    else:
        emit("\n\n".join(text(series, mine) for series, mine in zip(chosen, changed)))
    return EXIT_DONE


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


def text(series: Series, found: Sequence[Found]) -> str:
    lines = [heading(series)]
    if not found:
        lines.append(f"  no change in {len(series.figures)} figures"
                     if len(series.runs) > 1 else "  one run alone tells of no change")
    for run, mine in by_run(found):
        lines.append(f"{run.time}  {run.revision or run.path}: {len(mine)} changed")
        more = list(dict.fromkeys(line for each in mine for line in also(each)))
        lines += [f"  also: {line}" for line in more]
        lines += [f"  {change_text(series, each)}" for each in mine]
    return "\n".join(lines)


def _run(run: Entry) -> dict[str, Any]:
    return {"commit": run.revision, "time": run.time, "path": run.path, "facts": run.facts}


def document(branch: str, chosen: Sequence[Series],
             changed: Sequence[Sequence[Found]]) -> dict[str, Any]:
    """The same as JSON."""
    return {"schema": SCHEMA, "branch": branch, "series": [{
        **series.key, "runs": [_run(run) for run in series.runs],
        "changes": [{
            "benchmark": each.item.benchmark, "policy": each.item.policy,
            "probe_level": each.item.level, "metric": each.item.metric,
            "commit": each.run.revision, "time": each.run.time, "before": each.change.before,
            "after": each.change.after, "p": each.change.p, "parts": moved(series, each),
            "also": also(each)} for each in mine]}
        for series, mine in zip(chosen, changed)]}

# SPDX-License-Identifier: MIT
"""exitmeter history: runs of a branch over time, and where their figures changed."""

import re
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .errors import EXIT_DONE, BadInput
from .history_changes import (Found, also, by_run, change_text, changes, heading, moved, narrow)
from .history_store import Entry, Series, Store
from .output import emit, to_json, write_whole
from .run import open_run

SCHEMA = "exitmeter.history/1"
REVISION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._/-]{0,99}")


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

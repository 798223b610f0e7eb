# SPDX-License-Identifier: MIT
"""A gate's verdict for people: on the terminal, as GitHub's annotations, as Markdown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .baseline import METRICS
from .rules import ROUND_TRIP
from .statistics import COUNTERS, PART_NAMES
from .table import signed

Row = dict[str, Any]


def name(row: Row) -> str:
    return f"{row['benchmark']}/{row['policy']}"


def _line(text: str) -> str:
    """In one line: what a CI system reads line by line must not hold lines of a guest's making."""
    return "".join(char if char.isprintable() else "?" for char in text)


def verdict_text(verdict: Row, run: Path, baseline: Path) -> str:
    """One line a finding, then the verdict."""
    lines = [finding_text(kind, finding, verdict["unit"]) for kind in ("regressed", "improved")
             for finding in verdict[kind]]
    lines += [f"new: {name(row)}: not in the baseline" for row in verdict["new"]]
    lines += [disturbed_text(row) for row in verdict["disturbed"]]
    lines += [f"blurred: {name(row)}: {blurred_text(row)}" for row in verdict["blurred"]]
    if verdict["improved"] or verdict["new"]:
        lines.append(f"to make this run the baseline: exitmeter gate {run} --baseline {baseline} "
                     "--update")
    return "\n".join([*lines, summary_line(verdict)])


def summary_line(verdict: Row) -> str:
    counts = [f"{len(verdict['regressed'])} regressed", f"{len(verdict['improved'])} improved",
              f"{verdict['held']} unchanged", f"{len(verdict['new'])} new"]
    if verdict["blurred"]:
        counts.append(f"{len(verdict['blurred'])} blurred")
    return f"{verdict['verdict']}: {', '.join(counts)}"


def disturbed_text(row: Row) -> str:
    head = f"disturbed: {name(row)}: {_line('; '.join(row['by']))}"
    return head if row["times_compared"] else f"{head}: its times are not comparable; measure again"


def blurred_text(row: Row) -> str:
    counts = " and ".join(map(str, row["repetitions"]))
    if row["too_few"]:
        return (f"{counts} repetitions are too few to tell a change from a bad moment: "
                "--benchmark_repetitions=20, or 80 on a busy machine")
    return (f"of {counts} repetitions, less than {row['least'] - 1:.0%} more would not be seen: "
            "the machine is too busy, or there are too few")


def finding_text(kind: str, finding: Row, unit: str) -> str:
    """regressed: cpuid/intercept-all: vmreads per exit 4 -> 5; p50 52 -> 53 ticks (+1, ...)"""
    return f"{kind}: {name(finding)}: {what_text(finding, unit)}"


def what_text(finding: Row, unit: str) -> str:
    if "missing" in finding:
        return f"missing ({_line(finding['missing'])})"
    counts = [change for change in finding["changes"] if change["metric"] in COUNTERS]
    others = [change for change in finding["changes"] if change["metric"] not in COUNTERS]
    return "; ".join(change_text(change, finding["parts"], unit) for change in [*counts, *others])


def change_text(change: Row, parts: Row, unit: str) -> str:
    metric = change["metric"]
    where = [f"{PART_NAMES[part]} {signed(by)}" for part, by in parts.items()]
    if metric == ROUND_TRIP:
        where = sorted(where, key=lambda text: -abs(float(text.split()[-1])))
        tail = f"; medians: {', '.join(where)} {unit}" if where else ""
        measure = "its quotient with the control" if change["by_control"] else "itself"
        return (f"round trip {change['kind']} by {abs(change['ratio'] - 1):.1%} "
                f"(p = {change['p']:.2g}, by {measure}{tail})")
    was, now = ("absent" if value is None else f"{value:.10g}"
                for value in (change["old"], change["new"]))
    if metric in COUNTERS:
        text = f"{metric} per exit {was} -> {now}"
    elif metric == "exits_per_op":
        text = f"exits per op {was} -> {now}"
    else:
        by = ([signed(change["new"] - change["old"])]
              if None not in (change["old"], change["new"]) else [])
        text = f"{metric} {was} -> {now} {unit} ({', '.join([*by, *where])})"
    return f"{text}, above the limit {change['limit']:g}" if "limit" in change else text


def update_text(file: Path, before: Row | None, after: Row, changed: bool) -> str:
    """What a new baseline says otherwise than the one before, which is what its diff says."""
    lines = list(_updates(before, after)) if before else []
    return "\n".join([*lines, f"{file}: {'written' if changed else 'unchanged'}, "
                              f"{len(after['benchmarks'])} benchmarks"])


def _updates(before: Row, after: Row) -> Iterator[str]:
    old, new = before["fingerprint"], after["fingerprint"]
    yield from (f"{key}: {old.get(key)} -> {new.get(key)}" for key in sorted({**old, **new})
                if old.get(key) != new.get(key))
    rows = [{(benchmark, policy): row for benchmark, policies in document["benchmarks"].items()
             for policy, row in policies.items()} for document in (before, after)]
    for pair in sorted({**rows[0], **rows[1]}):
        was, now = (side.get(pair) for side in rows)
        if was is None or now is None:
            yield f"{'/'.join(pair)}: {'no longer there' if now is None else 'new'}"
            continue
        moved = [f"{metric} {was.get(metric, 'absent')} -> {now.get(metric, 'absent')}"
                 for metric in METRICS if was.get(metric) != now.get(metric)]
        if moved:
            yield f"{'/'.join(pair)}: {', '.join(moved)}"


def annotations(verdict: Row, baseline: Path) -> str:
    """GitHub's workflow commands: an error for each regression, a notice for what else there is."""
    if "reason" in verdict:
        return _command("error", "exitmeter: not comparable", verdict["reason"], baseline)
    unit = verdict["unit"]
    lines = [_command("error", f"exitmeter: {name(row)} regressed", what_text(row, unit), baseline)
             for row in verdict["regressed"]]
    lines += [_command("notice", f"exitmeter: {name(row)} improved", what_text(row, unit), baseline)
              for row in verdict["improved"]]
    lines += [_command("warning", f"exitmeter: {name(row)}", disturbed_text(row), baseline)
              for row in verdict["disturbed"]]
    lines += [_command("warning", f"exitmeter: {name(row)} blurred", blurred_text(row), baseline)
              for row in verdict["blurred"]]
    return "\n".join([*lines, _command("notice", "exitmeter", summary_line(verdict), baseline)])


def _command(kind: str, title: str, message: str, file: Path) -> str:
    """Each command is a line; what would end it or a property is written as its code."""
    def escape(text: str, more: str = "") -> str:
        return "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)
    return f"::{kind} file={escape(str(file), ':,')},title={escape(title, ':,')}::{escape(message)}"


def markdown(verdict: Row, run: Path, baseline: Path) -> str:
    """A job summary: the verdict, and a table of what moved."""
    if "reason" in verdict:
        reason = verdict["reason"].replace("```", "'''")
        return f"### exitmeter: not comparable\n\n```\n{reason}\n```\n\n"
    lines = [f"### exitmeter: {summary_line(verdict)}", "",
             f"`{_cell(str(run))}` against `{_cell(str(baseline))}`", ""]
    rows = [(kind, row) for kind in ("regressed", "improved") for row in verdict[kind]]
    if rows:
        lines += ["| | benchmark/policy | what |", "|---|---|---|"]
        lines += [f"| {kind} | `{_cell(name(row))}` | {_cell(what_text(row, verdict['unit']))} |"
                  for kind, row in rows]
        lines.append("")
    lines += [f"- new: `{_cell(name(row))}`" for row in verdict["new"]]
    lines += [f"- {_cell(disturbed_text(row))}" for row in verdict["disturbed"]]
    lines += [f"- blurred: `{_cell(name(row))}`: {_cell(blurred_text(row))}"
              for row in verdict["blurred"]]
    return "\n".join([*lines, "", ""])


def _cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("`", "'").replace("\n", " ").replace(
        "<", "&lt;")

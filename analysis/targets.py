# SPDX-License-Identifier: MIT
"""exitmeter targets: the same guests on several targets, side by side. Each column has the unit of
its run, and figures in unlike units are never divided by one another."""

from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .errors import EXIT_DAMAGED, EXIT_DONE, BadInput
from .output import complain, emit, to_json
from .results import Result, results
from .run import Run, open_run
from .table import WIDTH, elide, render, wrap

SCHEMA = "exitmeter.targets/1"


def targets(paths: list[Path], guests: list[str], as_json: bool) -> int:
    """Print the table. paths: run directories, or directories that hold some, as a run of several
    targets leaves them. guests: patterns of benchmarks' names, as the shell's; none: all."""
    runs = [open_run(path) for path in expand(paths)]
    data = document(runs, guests)
    emit(to_json(data) if as_json else text(data))
    return EXIT_DAMAGED if complain(line for run in runs for line in run.damages) else EXIT_DONE


def expand(paths: list[Path]) -> list[Path]:
    """Every run that the paths name, in their order; those within a directory by name."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*/run.json"))
        if inside and not (path / "run.json").exists():
            found += [each.parent for each in inside]
        else:
            found.append(path)
    return found


def document(runs: list[Run], guests: list[str]) -> dict[str, Any]:
    """One column a run and policy; of each benchmark what each column has, or why it has nothing."""
    measured = [{(each.benchmark, each.policy): each for each in results(run)} for run in runs]
    names = list(dict.fromkeys(job.benchmark for run in runs for job in run.jobs
                               if not job.check and not job.root))
    for pattern in guests:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise BadInput(f"no benchmark of these runs matches '{pattern}'; there is "
                           f"{', '.join(names)}")
    if guests:
        names = [name for name in names if any(fnmatchcase(name, each) for each in guests)]
    columns = [(number, policy) for number, run in enumerate(runs) for policy in run.probe_levels]
    return {
        "schema": SCHEMA,
        "runs": [_run(run) for run in runs],
        "columns": [{"run": number, "policy": policy} for number, policy in columns],
        "benchmarks": [{"name": name,
                        "cells": [_cell(runs[number], measured[number].get((name, policy)), name,
                                        policy) for number, policy in columns]}
                       for name in names]}


def _run(run: Run) -> dict[str, Any]:
    return {"path": str(run.path), "target": run.target, "place": run.place, "unit": run.unit, "samples": run.samples,
            "repetitions": run.repetitions, "status": run.status,
            "cpu_model": run.fact("machine", "cpu_model"), "cpu": run.fact("host", "cpu"),
            "ran_on": run.fact("build", "emulator"),
            "notes": run.notes}


def _cell(run: Run, result: Result | None, benchmark: str, policy: str) -> dict[str, Any]:
    if result:
        return {"net": result.net, "exits_per_op": result.exits_per_op, "steady": result.steady,
                "probe_level": result.probe_level, "disturbed": list(result.disturbed)}
    jobs = [job for job in run.jobs if (job.benchmark, job.policy) == (benchmark, policy)]
    reason = jobs[0].reason or jobs[0].status if jobs else "not in this run"
    return {"absent": reason}


def text(data: dict[str, Any]) -> str:
    """The table, as many columns side by side as fit, and beneath what must be known of them."""
    columns, rows = data["columns"], data["benchmarks"]
    blocks = ["\n".join(_heading(data["runs"]))]
    for size in range(len(columns), 0, -1):
        tables = [_table(data, range(first, min(first + size, len(columns))))
                  for first in range(0, len(columns), size)]
        if all(fits(table, rows) for table in tables):
            break
    blocks += ["\n".join(table) for table in tables] if rows else []
    return "\n\n".join(block for block in [*blocks, _absent(data), _disturbed(data)] if block)


def fits(table: list[str], rows: list[dict[str, Any]]) -> bool:
    """Whether no line is too long, and no name had to give way."""
    return (all(len(line) <= WIDTH for line in table) and
            all(line.startswith(row["name"]) for line, row in zip(table[-len(rows):], rows)))


def _heading(runs: list[dict[str, Any]]) -> list[str]:
    """Each run in a line or two: what, where, the unit, and n."""
    lines = ["round trip of one operation, less control: p50, min..p99, VM exits an operation"]
    for run in runs:
        ran_on = f" on {run['ran_on']}" if run["ran_on"] else ""
        pooled = f" in {run['repetitions']} repetitions" if run["repetitions"] > 1 else ""
        lines += wrap(f"{_name(run)}{ran_on}: ",
                      [f"in {run['unit']}", f"n = {run['samples']}{pooled}", run["path"]])
        for note in run["notes"]:
            lines += wrap("  note: ", note.split(", "))
    if len({run["unit"] for run in runs}) > 1:
        lines.append("the units differ: read down a column, and never divide one by the other")
    return lines


def _name(run: dict[str, Any]) -> str:
    return f"{run['place']}, {run['cpu'] if run['cpu_model'] == 'host' else run['cpu_model']}"


def _table(data: dict[str, Any], chosen: range) -> list[str]:
    heads: list[tuple[str, list[str]]] = [("", ["benchmark"])]
    lines = [[row["name"]] for row in data["benchmarks"]]
    for number in chosen:
        column = data["columns"][number]
        run = data["runs"][column["run"]]
        cells = [row["cells"][number] for row in data["benchmarks"]]
        spread = not all(cell.get("steady", True) for cell in cells)
        own = run["target"] == column["policy"]  # the monitor's own
        title = run["place"] if own else f"{run['place']} {column['policy']}"
        heads.append((elide(title, 30),
                      [run["unit"], *(["min..p99"] if spread else []), "exits/op"]))
        for line, cell in zip(lines, cells):
            line += _cells(cell, spread)
    return render(heads, lines)


def _cells(cell: dict[str, Any], spread: bool) -> list[str]:
    if "absent" in cell:
        return ["-"] * (3 if spread else 2)
    net, exits = cell["net"], cell["exits_per_op"]
    # Exits of the host's own make it a little more or less than nothing: never "-0.00".
    texts = [str(net["p50"]), "-" if exits is None else f"{round(exits, 2) + 0.0:.2f}"]
    if spread:
        texts.insert(1, "" if cell["steady"] else f"{net['min']}..{net['p99']}")
    return texts


def _absent(data: dict[str, Any]) -> str:
    """Why there is nothing, by reason."""
    reasons: dict[str, list[str]] = {}
    for row in data["benchmarks"]:
        for column, cell in zip(data["columns"], row["cells"]):
            if "absent" in cell:
                target = data["runs"][column["run"]]["target"]
                reasons.setdefault(cell["absent"], []).append(
                    f"{target}/{row['name']}/{column['policy']}")
    return "\n".join(line for reason, names in reasons.items()
                     for line in wrap(f"not measured, {reason}: ", names))


def _disturbed(data: dict[str, Any]) -> str:
    """How many figures the run itself marks as disturbed; compare says by what."""
    lines = []
    for number, run in enumerate(data["runs"]):
        cells = [row["cells"][place] for row in data["benchmarks"]
                 for place, column in enumerate(data["columns"]) if column["run"] == number]
        marked = sum(bool(cell.get("disturbed")) for cell in cells)
        measured = sum("net" in cell for cell in cells)
        if marked:
            lines.append(f"disturbed: {marked} of {measured} figures of {run['target']}; "
                         f"`exitmeter compare {run['path']}` says by what")
    return "\n".join(lines)

# SPDX-License-Identifier: MIT
"""What a gate holds a run against: the fingerprint of where it was measured, and its counts.

A baseline file holds nothing that depends on time or place, sorted and indented, so that the
diff of an update is a list of what changed.
"""

import re
from pathlib import Path
from typing import Any

from .document import Node, load
from .errors import BadInput
from .results import Result, results, root_operations
from .run import ANY_POLICY, Run
from .statistics import BETWEEN, COUNTERS, PARTS, Absent

SCHEMA = "exitmeter.baseline/1"

# What is gated as a number; times in the run's unit, counters per exit.
METRICS = ("p50", "p99", "exits_per_op", *COUNTERS)
ALWAYS = ("p50", "p99", "exits_per_op")
# Those that an SMI or another core clock would move; exits and what they cost it does not touch.
TIMES = ("p50", "p99")


def exact(run: Run) -> bool:
    """Its clock counts the work itself, instructions: every run of it gives the same number."""
    return run.unit == "ticks"


def fingerprint(run: Run) -> dict[str, Any]:
    """Where and how a run was measured: two runs compare exactly only if this is equal."""
    facts: dict[str, Any] = {key: _fact(run, section, key) for section, key in (
        ("machine", "cpu_model"), ("machine", "signature"), ("build", "compiler"))}
    facts["emulator"] = run.fact("build", "emulator")  # not every target has one
    if run.cpus > 1:
        facts["cpus"] = run.cpus
    return {**facts, "target": run.target, "unit": run.unit, "samples": run.samples,
            "count_samples": run.count_samples, "probe_levels": run.probe_levels}


def _fact(run: Run, section: str, key: str) -> str:
    value = run.fact(section, key)
    if not value:
        raise BadInput(f"{run.path / 'run.json'}: {section}.{key}: a string is needed")
    return value


def measured(run: Run) -> dict[str, dict[str, dict[str, Any]]]:
    """METRICS by benchmark and policy, those that are present, the parts' medians, and what
    disturbed it if anything did; where the clock is not exact, what each repetition was like."""
    table: dict[str, dict[str, dict[str, Any]]] = {}
    for result in (*results(run), *root_operations(run)):
        row: dict[str, Any] = {"p50": result.net["p50"], "p99": result.net["p99"]}
        if result.exits_per_op is not None:
            row["exits_per_op"] = _tidy(result.exits_per_op)
        if not isinstance(result.costs, Absent):
            row |= {name: _tidy(value) for name, value in result.costs.per_exit.items()}
        if result.disturbed:
            row["disturbed"] = list(result.disturbed)
        if not isinstance(result.split, Absent):
            row["parts"] = result.split.parts
        if not exact(run):
            row["repetitions"] = repetition_lines(result)
        table.setdefault(result.benchmark, {})[result.policy] = row
    return table


def repetition_lines(result: Result) -> list[str]:
    """A line for each, "control operation": low quantiles of their samples (shift.py)."""
    return [f"{max(control, 0)} {max(operation, 0)}" for control, operation in result.lows]


def lows(row: dict[str, Any]) -> list[tuple[int, int]]:
    """The same as numbers."""
    pairs = [line.split() for line in row.get("repetitions", [])]
    return [(int(control), int(operation)) for control, operation in pairs]


def _tidy(value: float) -> float:
    """1.0 as 1: a diff reads better without."""
    return int(value) if value == int(value) else value


def baseline_of(run: Run) -> dict[str, Any]:
    return {"schema": SCHEMA, "fingerprint": fingerprint(run), "benchmarks": measured(run)}


def load_baseline(file: Path) -> dict[str, Any]:
    """Read and check a baseline; BadInput names file and key. Unknown keys are refused: a
    misspelt metric must not pass for one that is held."""
    if not file.exists():
        raise BadInput(f"{file}: no such baseline; write one with --update")
    top = load(file)
    top.schema(SCHEMA)
    _only(top, ("schema", "fingerprint", "benchmarks"))
    _check_fingerprint(top["fingerprint"])
    if not top["benchmarks"].object():
        raise top["benchmarks"].bad("empty: it would hold nothing")
    for benchmark in top["benchmarks"].object():
        policies = top["benchmarks"][benchmark]
        if not policies.object():
            raise policies.bad("empty: it would hold nothing")
        for policy in policies.object():
            _check_row(policies[policy], ALWAYS if policy != ANY_POLICY else ALWAYS[:2])
    return top.object()


def _check_fingerprint(node: Node) -> None:
    texts = ("cpu_model", "signature", "emulator", "compiler", "target", "unit")
    numbers = ("samples", "count_samples")
    _only(node, (*texts, *numbers, "cpus", "probe_levels"))
    for key in texts:
        node[key].text()
    for key in numbers:
        node[key].count()
    if "cpus" in node:
        node["cpus"].count()
    for policy in node["probe_levels"].object():
        node["probe_levels"][policy].text()


def _check_row(node: Node, always: tuple[str, ...]) -> None:
    _only(node, (*METRICS, "parts", "disturbed", "repetitions"))
    for key in always:
        node[key].number()
    for key in METRICS:
        if key in node:
            node[key].number()
    if "disturbed" in node:
        for line in node["disturbed"]:
            line.text()
    if "repetitions" in node:
        for line in node["repetitions"]:
            if not re.fullmatch(r"[0-9]{1,18} [0-9]{1,18}", line.text()):
                raise line.bad('a text of the form "control operation" is needed')
    if "parts" in node:
        _only(node["parts"], (*PARTS, BETWEEN))
        for key in PARTS:
            node["parts"][key].number()
        if BETWEEN in node["parts"]:
            node["parts"][BETWEEN].number()


def _only(node: Node, known: tuple[str, ...]) -> None:
    for key in node.object():
        if key not in known:
            raise node[key].bad("no such key is known")

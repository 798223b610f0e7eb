# SPDX-License-Identifier: MIT
"""One run as plain data: what compare --json prints, and what the text and the report show."""

from dataclasses import asdict
from typing import Any

from . import calibration, matrix, slope
from .document import Node
from .event_results import EventResult
from .results import Result, root_operations
from .run import Job, Run
from .statistics import Absent
from .validity import unknown

SCHEMA = "exitmeter.compare/1"


def describe(run: Run) -> dict[str, Any]:
    """What a reader needs to know of a run before its numbers."""
    return {"path": str(run.path), "status": run.status, "reason": run.reason,
            "target": run.target, "unit": run.unit, "cpu_model": run.fact("machine", "cpu_model"),
            "samples": run.samples, "repetitions": run.repetitions,
            "probe_levels": run.probe_levels, "counts_events": bool(run.document.get("pmu"))}


def probes(levels: dict[str, str]) -> str:
    """The probe level in words, policy by policy where they differ."""
    if len(set(levels.values())) == 1:
        return f"probes {next(iter(levels.values()))}"
    return ", ".join(f"probes {level} under {policy}" for policy, level in levels.items())


def _again(run: Run, job: Job) -> str:
    return f", repetition {job.repetition}" if run.repetitions > 1 else ""


def warnings(run: Run) -> list[str]:
    """What makes the run less than whole: one line each."""
    lines = [f"this run failed: {run.reason or 'no reason is given'}"] if run.failed else []
    lines += [f"damaged: {line}" for line in run.damages]
    for job in run.measured_jobs:
        if job.validity.disturbed:
            lines.append(f"disturbed: {job.name}{_again(run, job)}: "
                         f"{'; '.join(job.validity.disturbed)}")
    alike: dict[tuple[str, str], list[Job]] = {}
    for job in run.missing_jobs:
        alike.setdefault((job.status.replace("_", " "), job.reason or "no reason is given"),
                         []).append(job)
    for (status, reason), jobs in alike.items():
        lines.append(f"{status}: {_named(run, jobs)}: {reason}")
        lines += [f"failed VM entry: {job.name}{_again(run, job)}: {line}"
                  for job in jobs for line in job.failed_entries]
    return lines


def _named(run: Run, jobs: list[Job]) -> str:
    """One job by its name; of several each benchmark once, with what follows its name."""
    if len(jobs) == 1:
        return jobs[0].name + _again(run, jobs[0])
    policies: dict[str, list[str]] = {}
    for job in jobs:
        policies.setdefault(job.benchmark, []).append(job.policy + _again(run, job))
    under: dict[tuple[str, ...], list[str]] = {}
    for benchmark, names in policies.items():
        under.setdefault(tuple(names), []).append(benchmark)
    return "; ".join(f"{', '.join(benchmarks)} under {', '.join(names)}"
                     for names, benchmarks in under.items())


def summarize(run: Run, found: list[Result], without_probes: bool = False) -> dict[str, Any]:
    """The whole comparison of a run's policies; found: the run's results, or what is left of them
    without_probes."""
    benchmarks, operations = [], root_operations(run)
    for name, row in run.benchmarks.items():
        mine = [result for result in found if result.benchmark == name]
        if mine:
            benchmarks.append({"name": name, "instruction": row.get("instruction", ""),
                               "description": row.get("description", ""),
                               "saves": saves(mine),
                               "policies": [entry(run, result) for result in mine]})
    return {"schema": SCHEMA, "run": describe(run),
            "warnings": warnings(run) + slope.warnings(run, [*found, *operations])
            + interruption_warnings(found),
            "without_probes": without_probes, "calibration": calibration.read(run),
            "benchmarks": benchmarks, "totals": matrix.totals(run, found),
            "prediction": matrix.prediction(run),
            "validity": [_validity(job) for job in run.measured_jobs],
            "validity_unknown": {**unknown([job.validity for job in run.measured_jobs]),
                                 **_drift_unknown(run)},
            "root_operations": [root_entry(run, result) for result in operations],
            "checks_passed": [job.name for job in run.checks_passed],
            "not_measured": [{"job": job.name, "repetition": job.repetition,
                              "status": job.status, "reason": job.reason}
                             for job in run.missing_jobs]}


def _drift_unknown(run: Run) -> dict[str, str]:
    """Whether the TSC kept pace with a clock outside of the CPU."""
    clock = Node(run.document, run.path / "run.json")["clock"]
    return ({"TSC drift": clock["drift_absent"].text()}
            if run.measured_jobs and clock["drift"].value is None else {})


def _validity(job: Job) -> dict[str, Any]:
    """What was found of a job's surroundings; null: the CPU could not tell."""
    return {"job": job.name, "repetition": job.repetition, "smis": job.validity.smis,
            "core_per_mille": job.validity.core_per_mille,
            "disturbed": list(job.validity.disturbed),
            "told": len(job.validity.absent) < 2 or bool(job.validity.disturbed)}


def interruption_warnings(found: list[Result]) -> list[str]:
    """The results that lack samples, a line each."""
    return [f"interrupted: {result.name}: the host's interrupts struck {result.interrupted} samples, "
            f"which are left out" for result in found if result.interrupted]


def root_entry(run: Run, result: Result) -> dict[str, Any]:
    """One operation of VMX root operation, which no policy has a say in."""
    row = run.benchmarks[result.benchmark]
    second = slope.slope(run, result)
    by_slope = ({"slope": None, "slope_absent": second.reason} if isinstance(second, Absent)
                else {"slope": second})
    return {"name": result.benchmark, "instruction": row.get("instruction", ""),
            "description": row.get("description", ""), "net": result.net,
            "control": list(result.controls), "repetition_p50": list(result.repetition_p50),
            "p50_interval": asdict(result.interval), "rounds": result.rounds, **by_slope}


def saves(mine: list[Result]) -> dict[str, Any] | None:
    """What the policy with fewest exits saves against the one with most, in net p50; None where
    all policies exit alike. ratio is None where the cheaper round trip is not above 0."""
    few = min(mine, key=lambda result: result.exits_per_op)
    most = max(mine, key=lambda result: result.exits_per_op)
    if few.exits_per_op == most.exits_per_op:
        return None
    cheap, dear = few.net["p50"], most.net["p50"]
    return {"policy": few.policy, "against": most.policy, "difference": dear - cheap,
            "ratio": dear / cheap if cheap > 0 else None}


def entry(run: Run, result: Result) -> dict[str, Any]:
    """One benchmark under one policy. What is absent is null beside a "..._absent" reason."""
    data: dict[str, Any] = {
        "policy": result.policy, "net": result.net, "control": list(result.controls),
        "repetition_p50": list(result.repetition_p50), "p50_interval": asdict(result.interval),
        "exits_per_op": result.exits_per_op,
        "exit_reasons": [{"number": number, "name": run.reason_names.get(number), "exits": count}
                         for number, count in result.reasons.items()],
        "split": None, "counters": None, "rounds": result.rounds, "slope": None,
        "disturbed": list(result.disturbed), "interrupted": result.interrupted,
        "probe_level": result.probe_level,
        "transition": None, "events": [_event(event) for event in result.events]}
    second = slope.slope(run, result)
    if isinstance(second, Absent):
        data["slope_absent"] = second.reason
    else:
        data["slope"] = second
    if isinstance(result.transition, Absent):
        data["transition_absent"] = result.transition.reason
    else:
        data["transition"] = result.transition
    if isinstance(result.split, Absent):
        data["split_absent"] = result.split.reason
    else:
        data["split"] = {**result.split.parts, "whole": result.split.whole}
    if isinstance(result.costs, Absent):
        data["counters_absent"] = result.costs.reason
    else:
        data["counters"] = {**result.costs.per_exit, "exits": result.costs.exits,
                            "phase": result.costs.phase}
    return data


def _event(event: EventResult) -> dict[str, Any]:
    data: dict[str, Any] = {"name": event.name}
    for side, found in (("host", event.host), ("guest", event.guest)):
        data[side] = None if isinstance(found, Absent) else found
        if isinstance(found, Absent):
            data[f"{side}_absent"] = found.reason
    return data

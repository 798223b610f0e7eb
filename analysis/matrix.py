# SPDX-License-Identifier: MIT
"""Many policies side by side for the same guests: of each item the round trip and the exits an
operation, and what the guests took in all; with the verdict over what the policies predict."""

from collections.abc import Sequence
from string import ascii_lowercase
from typing import Any

from .results import Result
from .run import Job, Run


def short_names(policies: Sequence[str]) -> dict[str, str]:
    """A letter or two for each, in their order: a, b, ... z, aa, ab, ..."""
    letters = len(ascii_lowercase)
    return {policy: (ascii_lowercase[number // letters - 1] if number >= letters else "")
            + ascii_lowercase[number % letters] for number, policy in enumerate(policies)}


def totals(run: Run, found: list[Result]) -> dict[str, Any]:
    """What the guests ran in all under each policy: the time of all operations, as the guests saw
    it and control included, and their exits. Only of benchmarks that every policy ran, so that the
    sums are of the same work; left_out has the others."""
    ran: dict[str, dict[str, Result]] = {}
    for result in found:
        ran.setdefault(result.benchmark, {})[result.policy] = result
    policies = [name for name in run.probe_levels if any(name in each for each in ran.values())]
    common = [name for name, each in ran.items()
              if all(policy in each for policy in policies)
              and len({each[policy].net["n"] for policy in policies}) == 1]
    sums = []
    for policy in policies:
        mine = [ran[name][policy] for name in common]
        sums.append({"policy": policy,
                     "time": sum(_time(result) for result in mine),
                     "operations": sum(result.net["n"] for result in mine),
                     "exits": _exits(mine)})
    return {"unit": run.unit, "benchmarks": common,
            "left_out": [name for name in ran if name not in common], "policies": sums}


def _exits(found: list[Result]) -> int | None:
    """None where nobody counts them: under a monitor that is not our core."""
    counts = [None if result.exits_per_op is None else result.exits_per_op * result.net["n"]
              for result in found]
    return None if None in counts else round(sum(count for count in counts if count is not None))


def _time(result: Result) -> int:
    """All samples, control included: the net values have the control of their repetition less."""
    each = len(result.values) // len(result.controls)
    return int(result.values.sum()) + each * sum(result.controls)


def prediction(run: Run) -> dict[str, Any] | None:
    """The verdict over the run's jobs, with those that disagree and what was skipped, by reason;
    None of a run that has none: it was made by an earlier version, or nobody foresees the exits."""
    stated = run.document["jobs"]
    if run.monitored or not any("prediction" in stated[job.index] for job in run.jobs):
        return None
    found: dict[str, Any] = dict.fromkeys(
        ("agreed", "disagreed", "checks", "root", "skipped", "unproved"), 0)
    found["disagreeing"] = []
    skipped: dict[str, list[Job]] = {}
    for job in run.jobs:
        word = stated[job.index].get("prediction")
        found[_verdict(job, word)] += 1
        if word == "disagrees":
            found["disagreeing"].append({"job": job.name, "how": job.reason})
        if job.status == "skipped":
            skipped.setdefault(job.reason, []).append(job)
    found["skipped_for"] = [{
        "reason": reason, "jobs": len(jobs),
        "benchmarks": list(dict.fromkeys(job.benchmark for job in jobs)),
        "policies": list(dict.fromkeys(job.policy for job in jobs))}
        for reason, jobs in skipped.items()]
    return found


def _verdict(job: Job, word: Any) -> str:
    if word in ("agrees", "disagrees"):
        return "agreed" if word == "agrees" else "disagreed"
    if job.status == "skipped":
        return "skipped"
    if job.status != "done":
        return "unproved"
    return "checks" if job.check else "root" if job.root else "unproved"


def verdict_line(found: dict[str, Any]) -> str:
    """The same in one sentence."""
    held = found["agreed"] + found["disagreed"]
    others = [f"{found[key]} {what}" for key, what in
              (("checks", "checks, which count none"), ("root", "in VMX root operation"),
               ("skipped", "skipped"), ("unproved", "failed or not run")) if found[key]]
    return (f"exits as the policies predict: {found['agreed']} of {held} jobs; "
            f"{found['disagreed']} disagree"
            + (f" (not held to it: {', '.join(others)})" if others else ""))


def grid(benchmarks: list[dict[str, Any]], policies: list[str]) -> list[dict[str, Any]]:
    """A row for each item: its cells by policy, None where it was not measured; alike says whether
    all policies measured it and none differs, and least is the shortest round trip."""
    rows = []
    for row in benchmarks:
        by_policy = {entry["policy"]: entry for entry in row["policies"]}
        cells = [None if policy not in by_policy else
                 {"p50": by_policy[policy]["net"]["p50"],
                  "exits": by_policy[policy]["exits_per_op"]} for policy in policies]
        there = [cell for cell in cells if cell]
        rows.append({"name": row["name"], "description": row["description"], "cells": cells,
                     "alike": len(there) == len(cells) and all(cell == there[0] for cell in there),
                     "least": min((cell["p50"] for cell in there), default=None)})
    return rows

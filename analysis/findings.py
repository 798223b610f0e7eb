# SPDX-License-Identifier: MIT
"""The main findings of a run in words, each from the figures below it on the page."""

from collections.abc import Sequence
from statistics import median
from typing import Any

from .results import Result
from .run import Run
from .statistics import BETWEEN, PART_NAMES, Absent


PERCENT = "\N{NO-BREAK SPACE}%"


def findings(run: Run, found: Sequence[Result], data: dict[str, Any]) -> list[str]:
    """A sentence or two each. Nothing is said of what was not measured."""
    lines = [_cost(run, found, policy) for policy in run.probe_levels]
    lines += [_parts(found), *_saved(run, data), _floor(run, found), _probes(run, data),
              _spread(run, found)]
    return [line for line in lines if line]


def verdict(run: Run, found: Sequence[Result], data: dict[str, Any]) -> list[dict[str, str]]:
    """Whether the figures can be believed: what was looked at, and how it came out; state is
    "good", "bad" or "unknown"."""
    states = [_state("run", run.failed, "failed" if run.failed else "complete"),
              _jobs(run)]
    if run.checks_passed:
        states.append(_state("checks", False, f"{len(run.checks_passed)} passed"))
    doubtful = sum(line.startswith("doubtful:") for line in data["warnings"])
    if found:
        states.append(_state("measured a second way", bool(doubtful),
                             f"{doubtful} doubtful" if doubtful else "agrees"))
    interrupted = sum(result.interrupted for result in found)
    if interrupted:
        states.append(_state("samples left out", True, f"{interrupted} interrupted"))
    if run.damages:
        states.append(_state("trace", True, f"{len(run.damages)} damages"))
    disturbed = sum(bool(job.validity.disturbed) for job in run.measured_jobs)
    if disturbed:
        states.append(_state("disturbed", True, f"{disturbed} jobs"))
    unknown = list(data["validity_unknown"])
    if unknown:
        states.append({"what": "cannot be known here", "state": "unknown",
                       "text": ", ".join(unknown)})
    elif found and not disturbed:
        states.append(_state("disturbed", False, "by nothing"))
    return states


def _state(what: str, bad: bool, text: str) -> dict[str, str]:
    return {"what": what, "state": "bad" if bad else "good", "text": text}


def _jobs(run: Run) -> dict[str, str]:
    counts = {status: sum(job.status == status for job in run.jobs)
              for status in ("done", "skipped", "failed", "not_run")}
    text = ", ".join(f"{count} {status.replace('_', ' ')}" for status, count in counts.items()
                     if count)
    return _state("jobs", bool(counts["failed"] or counts["not_run"]), text or "none")


def _exiting(found: Sequence[Result], policy: str) -> list[Result]:
    """Those that take one exit an operation, which alone tell what an exit costs."""
    return [result for result in found
            if result.policy == policy and result.exits_per_op == 1]


def _cost(run: Run, found: Sequence[Result], policy: str) -> str:
    mine = [result for result in found if result.policy == policy]
    alone = [result for result in _exiting(found, policy)
             if run.benchmarks[result.benchmark].get("stub") != "floor"]
    if mine and all(result.exits_per_op is None for result in mine):
        return f"Under {policy} nothing counted the exits of {len(mine)} benchmarks."
    if not alone:
        return (f"Under {policy} none of {len(mine)} benchmarks takes one exit an operation."
                if mine else "")
    exits = sum((result.exits_per_op or 0) > 0 for result in mine)
    low, high = (pick(alone, key=lambda result: result.net["p50"]) for pick in (min, max))
    middle = median(result.net["p50"] for result in alone)
    costs = (f"{low.net['p50']} ({low.benchmark}) to {high.net['p50']} {run.unit} "
             f"({high.benchmark}), half of them up to {middle:.0f}" if len(alone) > 1
             else f"{low.net['p50']} {run.unit}")
    return (f"Under {policy}, {exits} of {len(mine)} benchmarks exit. A round trip with one exit "
            f"costs {costs}.")


def _parts(found: Sequence[Result]) -> str:
    """Which of the parts is largest in a typical exit."""
    shares: dict[str, list[float]] = {}
    count = 0
    for result in found:
        if isinstance(result.split, Absent) or BETWEEN in result.split.parts:
            continue
        total = sum(result.split.parts.values())
        count += total > 0
        for part, ticks in result.split.parts.items():
            if total > 0:
                shares.setdefault(part, []).append(ticks / total)
    if not count:
        return ""
    typical = sorted(((median(values), part) for part, values in shares.items()), reverse=True)
    named = ", ".join(f"{PART_NAMES[part]} {100 * share:.0f}{PERCENT}" for share, part in typical)
    return f"Where the time of a single exit goes, median shares of {count} round trips: {named}."


def _saved(run: Run, data: dict[str, Any]) -> list[str]:
    gains = [(row["saves"], row["name"]) for row in data["benchmarks"] if row["saves"]]
    if not gains:
        return []
    best = sorted(gains, key=lambda gain: -gain[0]["difference"])[:3]
    listed = ", ".join(f"{name} {gain['difference']}" for gain, name in best)
    worse = [name for gain, name in gains if gain["difference"] <= 0]
    lines = [f"Letting it pass saves exits in {len(gains)} of {len(data['benchmarks'])} "
             f"benchmarks; most {run.unit} in {listed}."]
    if worse:
        lines.append(f"Fewer exits are no faster in {', '.join(worse)}.")
    return lines


def _floor(run: Run, found: Sequence[Result]) -> str:
    floors = {result.net["p50"] for result in found
              if run.benchmarks[result.benchmark].get("stub") == "floor"}
    if not floors:
        return ""
    return (f"With the shortest exit stub there can be, CPUID takes "
            f"{' or '.join(map(str, sorted(floors)))} {run.unit}: the rest is the monitor's.")


def _probes(run: Run, data: dict[str, Any]) -> str:
    costs = [(level, data["calibration"].get(f"probes_{level}", {}).get("p50"))
             for level in dict.fromkeys(run.probe_levels.values())]
    told = [f"{cost} {run.unit} an exit at the level {level}" for level, cost in costs
            if cost is not None]
    if not told:
        return ""
    return f"The probes' own cost is in these figures: by the run's calibration {', '.join(told)}."


def _spread(run: Run, found: Sequence[Result]) -> str:
    spread = [result for result in found if not result.steady]
    if not found:
        return ""
    if not spread:
        return f"Every sample of each of the {len(found)} rows is equal to every other."
    text = f"Samples are spread in {len(spread)} of {len(found)} rows"
    widest = max(spread, key=lambda result: (result.net["p99.9"] - result.net["min"])
                 / max(1, result.net["p50"]))
    net = widest.net
    return (f"{text}; widest is {widest.name}: median {net['p50']}, from {net['min']} to "
            f"{net['p99.9']} (p99.9) and {net['max']} {run.unit} at most.")

# SPDX-License-Identifier: MIT
"""exitmeter compare: the policies of one run, or one run against another."""

from pathlib import Path
from typing import Any, Callable

from . import calibration, compare_text
from .errors import EXIT_DONE, NotPossible
from .output import emit, to_json
from .results import Result, results
from .run import Run, open_run
from .summary import SCHEMA, describe, summarize, warnings


def compare(path: Path, other: Path | None, as_json: bool, without_probes: bool) -> int:
    """Print the comparison; other is the newer run."""
    measured = _without_probes if without_probes else results
    run = open_run(path)
    if other is None:
        data = summarize(run, measured(run), without_probes)
        emit(to_json(data) if as_json else compare_text.policies_text(data))
    else:
        data = compare_runs(run, open_run(other), measured)
        emit(to_json(data) if as_json else compare_text.runs_text(data))
    return EXIT_DONE


def _without_probes(run: Run) -> list[Result]:
    return calibration.without_probes(run, results(run))


def compare_runs(old: Run, new: Run,
                 measured: Callable[[Run], list[Result]] = results) -> dict[str, Any]:
    """Net p50 of every benchmark under every policy that both runs measured."""
    refuse_unlike(old, new)
    before = {(result.benchmark, result.policy): result for result in measured(old)}
    after = {(result.benchmark, result.policy): result for result in measured(new)}
    rows = []
    for pair in after:
        if pair in before:
            was, now = before[pair].net, after[pair].net
            rows.append({"name": pair[0], "policy": pair[1], "old": was, "new": now,
                         "old_exits_per_op": before[pair].exits_per_op,
                         "new_exits_per_op": after[pair].exits_per_op,
                         "difference": now["p50"] - was["p50"],
                         "ratio": now["p50"] / was["p50"] if was["p50"] > 0 else None})
    return {"schema": SCHEMA, "old": describe(old), "new": describe(new),
            "warnings": [f"{side} run: {line}" for side, run in (("old", old), ("new", new))
                         for line in warnings(run)],
            "benchmarks": rows,
            "only_in_old": ["/".join(pair) for pair in before if pair not in after],
            "only_in_new": ["/".join(pair) for pair in after if pair not in before]}


def refuse_unlike(old: Run, new: Run) -> None:
    """Like is compared with like: refuse runs of which a difference would mean nothing."""
    pairs = [("target", old.target, new.target),
             ("CPU model", old.fact("machine", "cpu_model"), new.fact("machine", "cpu_model")),
             ("CPUs", old.cpus, new.cpus), ("unit", old.unit, new.unit), ("samples", old.samples, new.samples)]
    pairs += [(f"probe level of {policy}", level, new.probe_levels[policy])
              for policy, level in old.probe_levels.items() if policy in new.probe_levels]
    unlike = [f"  {what}: {was} -> {now}" for what, was, now in pairs if was != now]
    if unlike:
        raise NotPossible("\n".join([f"not comparable: {old.path} and {new.path} differ in",
                                     *unlike]))

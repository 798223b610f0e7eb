# SPDX-License-Identifier: MIT
"""exitmeter compare: the policies of one run, or one run against another."""

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Callable

from . import calibration, compare_text
from .errors import EXIT_DAMAGED, EXIT_DONE, BadInput, NotPossible
from .output import complain, emit, to_json
from .matrix_profile import compare_profiles, matching
from .profile import is_profile
from .results import Result, results, root_operations
from .run import Run, open_run
from .summary import SCHEMA, describe, summarize, warnings


def compare(path: Path, other: Path | None, as_json: bool, without_probes: bool,
            guests: list[str], policies: list[str]) -> int:
    """Print the comparison; other is the newer run. guests, policies: patterns of benchmarks' and
    of policies' names, as the shell's; none: all."""
    if other is None and is_profile(path):
        for option, given in (("--guest", guests), ("--without-probes", without_probes)):
            if given:
                raise BadInput(f"{path}: {option} is for runs of benchmarks, and this is the "
                               "profile of a guest")
        return compare_profiles(path, as_json, policies)
    measured = _without_probes if without_probes else results
    run = narrow_policies(narrow(open_run(path), guests), policies)
    damages = run.damages
    if other is None:
        data = summarize(run, measured(run), without_probes)
        emit(to_json(data) if as_json else compare_text.policies_text(data))
    else:
        newer = narrow_policies(narrow(open_run(other), guests), policies)
        damages += newer.damages
        data = compare_runs(run, newer, measured)
        emit(to_json(data) if as_json else compare_text.runs_text(data))
    return EXIT_DAMAGED if complain(damages) else EXIT_DONE


def narrow(run: Run, patterns: list[str]) -> Run:
    """The run with those benchmarks alone that match any of the patterns; each must match one."""
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in run.benchmarks):
            raise BadInput(f"{run.path}: no benchmark matches '{pattern}'; there is "
                           f"{', '.join(run.benchmarks)}")
    if not patterns:
        return run
    kept = {name: row for name, row in run.benchmarks.items()
            if any(fnmatchcase(name, each) for each in patterns)}
    return replace(run, benchmarks=kept,
                   jobs=tuple(job for job in run.jobs if job.benchmark in kept))


def narrow_policies(run: Run, patterns: list[str]) -> Run:
    """The same with policies; what is measured under none of them stays."""
    kept = matching(run.path, list(run.probe_levels), patterns)
    if len(kept) == len(run.probe_levels):
        return run
    return replace(run, probe_levels={name: run.probe_levels[name] for name in kept},
                   jobs=tuple(job for job in run.jobs if job.root or job.policy in kept))


def _without_probes(run: Run) -> list[Result]:
    return calibration.without_probes(run, results(run))


def compare_runs(old: Run, new: Run,
                 measured: Callable[[Run], list[Result]] = results) -> dict[str, Any]:
    """Net p50 of every benchmark under every policy that both runs measured."""
    refuse_unlike(old, new)
    before, after = ({(result.benchmark, result.policy): result
                      for result in (*measured(run), *root_operations(run))}
                     for run in (old, new))
    rows = []
    for pair in after:
        if pair in before:
            was, now = before[pair].net, after[pair].net
            rows.append({"name": pair[0], "policy": pair[1], "old": was, "new": now,
                         "old_exits_per_op": before[pair].exits_per_op,
                         "new_exits_per_op": after[pair].exits_per_op,
                         "disturbed": {"old": list(before[pair].disturbed),
                                       "new": list(after[pair].disturbed)},
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

# SPDX-License-Identifier: MIT
"""exitmeter gate: does a run hold what the baseline says? Exact, for counts of a deterministic
clock; where the unit is not ticks there is no exact answer and the gate says so."""

from pathlib import Path
from typing import Any

from .baseline import METRICS, TIMES, baseline_of, fingerprint, load_baseline, measured
from .errors import EXIT_DONE, EXIT_NOT_COMPARABLE, EXIT_REGRESSED, BadInput, NotPossible
from .output import emit, to_json, write_whole
from .run import Run, open_run
from .statistics import COUNTERS, PART_NAMES
from .table import signed

SCHEMA = "exitmeter.gate/1"

Row = dict[str, Any]

EXIT_CODES = {"held": EXIT_DONE, "regressed": EXIT_REGRESSED,
              "not comparable": EXIT_NOT_COMPARABLE}


def exact(run: Run) -> bool:
    """Its clock counts the work itself, instructions: every run of it gives the same number."""
    return run.unit == "ticks"


def gate(path: Path, baseline: Path, update: bool, as_json: bool) -> int:
    """Judge the run, or make it the baseline."""
    run = open_run(path)
    if run.damages:
        raise BadInput("\n".join(["the trace is damaged, so nothing can be held against it: "
                                  "measure again", *(f"  {line}" for line in run.damages)]))
    try:
        refuse(run)
        if update:
            refuse_failed(run)
            return write_baseline(run, baseline, as_json)
        verdict = judge(run, load_baseline(baseline))
    except NotPossible as error:
        if as_json:
            emit(to_json({"schema": SCHEMA, "verdict": "not comparable", "reason": str(error)}))
        raise
    emit(to_json(verdict) if as_json else verdict_text(verdict, path, baseline))
    return EXIT_CODES[verdict["verdict"]]


def refuse_failed(run: Run) -> None:
    """A run that did not end well is no baseline."""
    if run.failed:
        raise NotPossible("\n".join([
            f"not comparable: {run.path} failed: {run.reason or 'no reason is given'}",
            *(f"  {job.name}: {job.status}: {job.reason}" for job in run.missing_jobs
              if job.status != "skipped")]))


def refuse(run: Run) -> None:
    """Runs that no baseline can be held against. One of which something was measured can be: its
    failed jobs are regressions."""
    if not run.measured_jobs:
        refuse_failed(run)
    if not exact(run):
        raise NotPossible(f"not comparable: {run.path} counts {run.unit}, not ticks: only a "
                          "deterministic clock can be gated exactly; gates on distributions "
                          "come later")


def write_baseline(run: Run, file: Path, as_json: bool) -> int:
    document = baseline_of(run)
    if not document["benchmarks"]:
        raise NotPossible(f"not comparable: {run.path} measured nothing")
    text = to_json(document) + "\n"
    changed = not file.exists() or file.read_bytes() != text.encode()
    if changed:
        write_whole(file, text)
    if as_json:
        emit(to_json({"schema": SCHEMA, "verdict": "updated" if changed else "unchanged"}))
    else:
        emit(f"{file}: {'written' if changed else 'unchanged'}, "
             f"{len(document['benchmarks'])} benchmarks")
    return EXIT_DONE


def judge(run: Run, baseline: dict[str, Any]) -> dict[str, Any]:
    """The verdict as a document: each finding names benchmark, policy and metrics."""
    refuse_other_fingerprint(run, baseline["fingerprint"])
    now = measured(run)
    reasons = {(job.benchmark, job.policy): f"{job.status}: {job.reason}"
               for job in run.missing_jobs}
    verdict: dict[str, Any] = {"schema": SCHEMA, "regressed": [], "improved": [], "new": [],
                               "disturbed": [], "held": 0, "unit": run.unit}
    for benchmark, policies in sorted(baseline["benchmarks"].items()):
        for policy, old in sorted(policies.items()):
            new = now.get(benchmark, {}).get(policy)
            name = {"benchmark": benchmark, "policy": policy}
            if new is None:
                why = reasons.get((benchmark, policy), "the run does not have it")
                verdict["regressed"].append({**name, "missing": why})
                continue
            struck = disturbances(old, new)
            if struck:
                verdict["disturbed"].append({**name, "by": struck, "times_compared": exact(run)})
            worse, better = changes(old, new, times=exact(run) or not struck)
            for kind, found in (("regressed", worse), ("improved", better)):
                if found:
                    verdict[kind].append({**name, "changes": found, "parts": moved(old, new)})
            verdict["held"] += not worse and not better and (exact(run) or not struck)
    verdict["new"] = [{"benchmark": benchmark, "policy": policy}
                      for benchmark, policies in sorted(now.items()) for policy in sorted(policies)
                      if policy not in baseline["benchmarks"].get(benchmark, {})]
    blurred = not all(row["times_compared"] for row in verdict["disturbed"])
    verdict["verdict"] = ("regressed" if verdict["regressed"] else
                          "not comparable" if blurred else "held")
    return verdict


def disturbances(old: Row, new: Row) -> list[str]:
    """What disturbed either side. Its times are compared only where they are exact: there the
    count is of instructions, and a change of it is a change, whatever else happened. Elsewhere an
    SMI looks like a regression or hides one. Counts of exits and their costs always are."""
    return [f"{line} ({side})" for side, row in (("baseline", old), ("run", new))
            for line in row.get("disturbed", [])]


def refuse_other_fingerprint(run: Run, expected: Row) -> None:
    """Probe levels count for the policies that both sides have."""
    found = {"cpus": 1, **fingerprint(run)}
    expected = {"cpus": 1, **expected}
    lines = [f"  {key}: {expected[key]} -> {found[key]}" for key in sorted(expected)
             if key != "probe_levels" and expected[key] != found[key]]
    lines += [f"  probe level of {policy}: {level} -> {found['probe_levels'][policy]}"
              for policy, level in sorted(expected["probe_levels"].items())
              if found["probe_levels"].get(policy, level) != level]
    if lines:
        raise NotPossible("\n".join([f"not comparable: {run.path} and the baseline differ in",
                                     *lines]))


def changes(old: Row, new: Row, times: bool = True) -> tuple[list[Row], list[Row]]:
    """Metrics above the baseline and metrics below it. One that the run lost is above: what is
    no longer measured is no longer held. A metric that the baseline lacks but the run has is
    above only where it counts something: then exits appeared that were not there. times: p50 and
    p99 are compared too."""
    worse, better = [], []
    for metric in METRICS if times else [metric for metric in METRICS if metric not in TIMES]:
        was, now = old.get(metric), new.get(metric)
        change = {"metric": metric, "old": was, "new": now}
        if was is not None and now is None:
            gone = new.get("exits_per_op", 0) < old.get("exits_per_op", 0)
            (better if gone else worse).append(change)
        elif was is None and now:
            worse.append(change)
        elif was is not None and now != was:
            (worse if now > was else better).append(change)
    return worse, better


def moved(old: Row, new: Row) -> Row:
    """By how much each part's median moved; only those that did. Nothing is between one exit."""
    before, after = old.get("parts"), new.get("parts")
    if not before or not after:
        return {}
    by = {part: after.get(part, 0) - before.get(part, 0) for part in {**before, **after}}
    return {part: change for part, change in by.items() if change}


def verdict_text(verdict: dict[str, Any], run: Path, baseline: Path) -> str:
    """One line a finding, then the verdict."""
    lines = [finding_text(kind, finding, verdict["unit"]) for kind in ("regressed", "improved")
             for finding in verdict[kind]]
    lines += [f"new: {row['benchmark']}/{row['policy']}: not in the baseline"
              for row in verdict["new"]]
    lines += [disturbed_text(row) for row in verdict["disturbed"]]
    if verdict["improved"] or verdict["new"]:
        lines.append(f"to make this run the baseline: exitmeter gate {run} --baseline {baseline} "
                     "--update")
    lines.append(f"{verdict['verdict']}: {len(verdict['regressed'])} regressed, "
                 f"{len(verdict['improved'])} improved, {verdict['held']} unchanged, "
                 f"{len(verdict['new'])} new")
    return "\n".join(lines)


def disturbed_text(row: Row) -> str:
    head = f"disturbed: {row['benchmark']}/{row['policy']}: {'; '.join(row['by'])}"
    return head if row["times_compared"] else f"{head}: its times are not comparable; measure again"


def finding_text(kind: str, finding: Row, unit: str) -> str:
    """regressed: cpuid/intercept-all: vmreads per exit 4 -> 5; p50 52 -> 53 ticks (+1, ...)"""
    head = f"{kind}: {finding['benchmark']}/{finding['policy']}: "
    if "missing" in finding:
        return f"{head}missing ({finding['missing']})"
    counts = [change for change in finding["changes"] if change["metric"] in COUNTERS]
    others = [change for change in finding["changes"] if change["metric"] not in COUNTERS]
    return head + "; ".join(change_text(change, finding["parts"], unit)
                            for change in [*counts, *others])


def change_text(change: Row, parts: Row, unit: str) -> str:
    metric = change["metric"]
    was, now = ("absent" if value is None else f"{value:.10g}"
                for value in (change["old"], change["new"]))
    if metric in COUNTERS:
        return f"{metric} per exit {was} -> {now}"
    if metric == "exits_per_op":
        return f"exits per op {was} -> {now}"
    where = [f"{PART_NAMES[part]} {signed(by)}" for part, by in parts.items()]
    by = ", ".join([signed(change["new"] - change["old"]), *where])
    return f"{metric} {was} -> {now} {unit} ({by})"

# SPDX-License-Identifier: MIT
"""A run held against a baseline by rules: the verdict as a document. No files, no text."""

from collections.abc import Iterator
from typing import Any

from .baseline import METRICS, TIMES, exact, lows, measured
from .inference import holm
from .rules import ROUND_TRIP, Rule, Rules
from .run import Run
from .shift import REPETITIONS, Shift, shift

SCHEMA = "exitmeter.gate/1"

Row = dict[str, Any]
Pair = tuple[str, str]


def judge(run: Run, baseline: Row, rules: Rules) -> Row:
    """Each finding names benchmark, policy and metrics. Fingerprints are taken to be alike."""
    now = measured(run)
    reasons = {(job.benchmark, job.policy): f"{job.status}: {job.reason}"
               for job in run.missing_jobs}
    verdict: Row = {"schema": SCHEMA, "regressed": [], "improved": [], "new": [],
                    "disturbed": [], "blurred": [], "held": 0, "unit": run.unit}
    rows = {pair: (old, now.get(pair[0], {}).get(pair[1]))
            for pair, old in _rows(baseline["benchmarks"])}
    shifts = _shifts(run, rows, rules)
    for pair, (old, new) in rows.items():
        name = {"benchmark": pair[0], "policy": pair[1]}
        if new is None:
            verdict["regressed"].append({**name, "missing": reasons.get(
                pair, "the run does not have it")})
            continue
        struck = disturbances(old, new)
        times = exact(run) or not struck
        if struck:
            verdict["disturbed"].append({**name, "by": struck, "times_compared": times})
        worse, better = changes(pair, old, new, rules, times)
        if pair in shifts:
            found, rule = shifts[pair]
            if found["too_few"] or (found["least"] > rule.see and found["kind"] == "held"):
                verdict["blurred"].append({**name, **found})
            elif found["kind"] != "held":
                (worse if found["kind"] == "slower" else better).append(found)
        for kind, changed in (("regressed", worse), ("improved", better)):
            if changed:
                verdict[kind].append({**name, "changes": changed, "parts": moved(old, new)})
        verdict["held"] += not worse and not better and times
    verdict["new"] = [{"benchmark": pair[0], "policy": pair[1]} for pair, _ in _rows(now)
                      if pair not in rows]
    verdict["rows"] = [{"benchmark": pair[0], "policy": pair[1]} for pair in rows]
    doubt = verdict["blurred"] or not all(row["times_compared"] for row in verdict["disturbed"])
    verdict["verdict"] = ("regressed" if verdict["regressed"] else
                          "not comparable" if doubt else "held")
    return verdict


def _rows(benchmarks: Row) -> Iterator[tuple[Pair, Row]]:
    for benchmark, policies in sorted(benchmarks.items()):
        for policy, row in sorted(policies.items()):
            yield (benchmark, policy), row


def _shifts(run: Run, rows: dict[Pair, tuple[Row, Row | None]],
            rules: Rules) -> dict[Pair, tuple[Row, Rule]]:
    """Of each row whose round trip is held by its distribution: slower, faster or held. All of
    them are one family of tests, so that their number makes no false alarms."""
    if exact(run):
        return {}
    held: dict[Pair, tuple[Row, Rule]] = {}
    tested: list[tuple[Pair, Rule, Shift]] = []
    for pair, (old, new) in rows.items():
        rule = rules.of(*pair, ROUND_TRIP)
        if new is None or rule.hold != "significant" or disturbances(old, new):
            continue
        before, after = lows(old), lows(new)
        if min(len(before), len(after)) < REPETITIONS:
            held[pair] = ({"metric": ROUND_TRIP, "kind": "held", "too_few": True,
                           "repetitions": [len(before), len(after)]}, rule)
        else:
            tested.append((pair, rule, shift(before, after, rule.level / len(rows))))
    slower = holm([each.slower for _, _, each in tested])
    faster = holm([each.faster for _, _, each in tested])
    for (pair, rule, each), up, down in zip(tested, slower, faster):
        kind = ("slower" if each.ratio > rule.max_ratio and up < rule.level else
                "faster" if each.ratio < 1 / rule.max_ratio and down < rule.level else "held")
        held[pair] = ({"metric": ROUND_TRIP, "kind": kind, "too_few": False, "ratio": each.ratio,
                       "p": min(up, down), "least": each.least, "by_control": each.by_control,
                       "repetitions": list(each.repetitions)}, rule)
    return held


def disturbances(old: Row, new: Row) -> list[str]:
    """What disturbed either side. Its times are compared only where they are exact: there the
    count is of instructions, and a change of it is a change, whatever else happened. Elsewhere an
    SMI looks like a regression or hides one. Counts of exits and their costs always are."""
    return [f"{line} ({side})" for side, row in (("baseline", old), ("run", new))
            for line in row.get("disturbed", [])]


def changes(pair: Pair, old: Row, new: Row, rules: Rules,
            times: bool = True) -> tuple[list[Row], list[Row]]:
    """Metrics above the baseline and metrics below it. One that the run lost is above: what is
    no longer measured is no longer held. A metric that the baseline lacks but the run has is
    above only where it counts something: then exits appeared that were not there. times: p50 and
    p99 are compared too."""
    worse, better = [], []
    for metric in METRICS:
        rule = rules.of(*pair, metric)
        if rule.hold == "ignore" or (metric in TIMES and not times):
            continue
        was, now = old.get(metric), new.get(metric)
        change = {"metric": metric, "old": was, "new": now}
        if was is not None and now is None:
            gone = (new.get("exits_per_op") or 0) < (old.get("exits_per_op") or 0)
            (better if gone else worse).append(change)
        elif rule.hold == "limit":
            if now is not None and now > rule.limit:
                worse.append({**change, "limit": rule.limit})
        elif was is None and now:
            worse.append(change)
        elif was is not None and abs(now - was) > rule.slack:
            (worse if now > was else better).append(change)
    return worse, better


def moved(old: Row, new: Row) -> Row:
    """By how much each part's median moved; only those that did. Nothing is between one exit."""
    before, after = old.get("parts"), new.get("parts")
    if not before or not after:
        return {}
    by = {part: after.get(part, 0) - before.get(part, 0) for part in {**before, **after}}
    return {part: change for part, change in by.items() if change}

# SPDX-License-Identifier: MIT
"""One run against another: what changed by how much, and whether that is more than noise."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from .errors import NotPossible
from .inference import difference, holm
from .results import Result, results, root_operations
from .run import Run
from .summary import SCHEMA, describe, warnings

LEVEL = 0.05


def compare_runs(old: Run, new: Run,
                 measured: Callable[[Run], list[Result]] = results) -> dict[str, Any]:
    """Net p50 of every benchmark under every policy that both runs measured. p is Holm's, over all
    of them."""
    refuse_unlike(old, new)
    before, after = ({(result.benchmark, result.policy): result
                      for result in (*measured(run), *root_operations(run))}
                     for run in (old, new))
    rows = [_row(before[pair], after[pair]) for pair in after if pair in before]
    for row, p in zip(rows, holm([row["p"] for row in rows])):
        row["p"] = p
        row["changed"] = p < LEVEL
    return {"schema": SCHEMA, "old": describe(old), "new": describe(new), "level": LEVEL,
            "warnings": [f"{side} run: {line}" for side, run in (("old", old), ("new", new))
                         for line in warnings(run)],
            "differs": differs(old, new),
            "benchmarks": rows,
            "only_in_old": ["/".join(pair) for pair in before if pair not in after],
            "only_in_new": ["/".join(pair) for pair in after if pair not in before]}


def _row(was: Result, now: Result) -> dict[str, Any]:
    found = difference(was.repetitions, now.repetitions)
    old, new = was.net["p50"], now.net["p50"]
    return {"name": now.benchmark, "policy": now.policy, "old": was.net, "new": now.net,
            "old_exits_per_op": was.exits_per_op, "new_exits_per_op": now.exits_per_op,
            "disturbed": {"old": list(was.disturbed), "new": list(now.disturbed)},
            "difference": new - old, "ratio": new / old if old > 0 else None,
            "ratio_interval": asdict(found.ratio) if found.ratio else None,
            "p": found.p, "delta": found.delta, "least": found.least, "over": found.over}


def differs(old: Run, new: Run) -> list[str]:
    """What is not the same and may well be what the comparison is about."""
    pairs = [("compiler", old.fact("build", "compiler"), new.fact("build", "compiler")),
             ("emulator", old.fact("build", "emulator"), new.fact("build", "emulator")),
             ("core", old.fact("build", "core_sha256"), new.fact("build", "core_sha256")),
             ("guests", old.fact("build", "guests_sha256"), new.fact("build", "guests_sha256")),
             ("host kernel", old.fact("host", "kernel"), new.fact("host", "kernel")),
             ("repetitions", old.repetitions, new.repetitions)]
    before, after = ({policy.get("name"): policy.get("sha256")
                      for policy in run.document["policies"]} for run in (old, new))
    pairs += [(f"policy {name}", before[name], after[name]) for name in before if name in after]
    return [f"{what}: {_short(was)} -> {_short(now)}" for what, was, now in pairs if was != now]


def _short(value: Any) -> str:
    """Digests by their beginning."""
    text = str(value) if value not in ("", None) else "unknown"
    return text[:12] if len(text) == 64 and text.isalnum() else text


def refuse_unlike(old: Run, new: Run) -> None:
    """Like is compared with like: refuse runs of which a difference would mean nothing."""
    pairs = [("target", old.target, new.target),
             ("CPU model", old.fact("machine", "cpu_model"), new.fact("machine", "cpu_model")),
             ("CPU signature", old.fact("machine", "signature"), new.fact("machine", "signature")),
             ("CPUs", old.cpus, new.cpus), ("unit", old.unit, new.unit),
             ("samples", old.samples, new.samples)]
    pairs += [(f"probe level of {policy}", level, new.probe_levels[policy])
              for policy, level in old.probe_levels.items() if policy in new.probe_levels]
    unlike = [f"  {what}: {was} -> {now}" for what, was, now in pairs if was != now]
    if unlike:
        raise NotPossible("\n".join([f"not comparable: {old.path} and {new.path} differ in",
                                     *unlike]))

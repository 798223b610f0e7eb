# SPDX-License-Identifier: MIT
"""What a gate holds each metric to: a small file beside the baseline, and what holds without one."""

import tomllib
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .document import LIMIT
from .errors import BadInput
from .totals import COUNTERS

SCHEMA = "exitmeter.rules/1"

# The one metric that is compared by its distribution.
ROUND_TRIP = "round_trip"

# What a rule may name; times in the run's unit, counters per exit.
METRICS = ("p50", "p99", "exits_per_op", *COUNTERS, ROUND_TRIP)

# How a metric can be held: any number above the baseline's is a regression, but for slack; slower by
# more than max_ratio, and not by chance; above a number of its own; not at all.
HOLDS = ("exact", "significant", "limit", "ignore")


@dataclass(frozen=True)
class Rule:
    """metric, benchmark, policy: patterns as the shell's. level: how often the whole run may fail
    by chance alone, all significant rows together (Holm). see: a row in which a ratio as large as
    this could pass unseen is not comparable."""

    metric: str
    hold: str
    benchmark: str = "*"
    policy: str = "*"
    slack: float = 0.0
    max_ratio: float = 1.025
    level: float = 0.01
    see: float = 1.1
    limit: float | None = None

    def of(self, benchmark: str, policy: str, metric: str) -> bool:
        return (fnmatchcase(metric, self.metric) and fnmatchcase(benchmark, self.benchmark)
                and fnmatchcase(policy, self.policy))


# On a deterministic clock every count is exact. Elsewhere those of events still are, and times are
# held as distributions; p50 and p99 are shown.
EXACT = (Rule(ROUND_TRIP, "ignore"), Rule("*", "exact"))
CYCLES = (Rule(ROUND_TRIP, "significant"), Rule("p*", "ignore"),
          Rule("*", "exact", slack=0.02))


@dataclass(frozen=True)
class Rules:
    """The first that matches holds."""

    rules: tuple[Rule, ...]

    def of(self, benchmark: str, policy: str, metric: str) -> Rule:
        return next(rule for rule in self.rules if rule.of(benchmark, policy, metric))


def beside(baseline: Path) -> Path:
    """bochs.json: bochs.rules.toml."""
    return baseline.with_name(f"{baseline.stem}.rules.toml")


def load_rules(file: Path, exact_clock: bool, needed: bool = False) -> Rules:
    """Read and check a file of rules; behind them stand those that hold without one. needed: a file
    that is not there is an error."""
    default = EXACT if exact_clock else CYCLES
    if not needed and not file.exists():
        return Rules(default)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # tomllib's own are ValueErrors
        raise BadInput(f"{file}: not valid TOML: {error}") from error
    if document.get("schema") != SCHEMA:
        raise BadInput(f'{file}: schema is {document.get("schema")!r}, "{SCHEMA}" is needed')
    unknown = sorted(set(document) - {"schema", "rule"})
    if unknown:
        raise BadInput(f"{file}: {unknown[0]}: no such key is known")
    entries = document.get("rule", [])
    if not isinstance(entries, list):
        raise BadInput(f"{file}: rule: [[rule]] is needed, one for each")
    rules = tuple(_rule(entry, f"{file}: rule {number}", exact_clock)
                  for number, entry in enumerate(entries, 1))
    return Rules((*rules, *default))


def _rule(entry: Any, where: str, exact_clock: bool) -> Rule:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: a table is needed")
    kinds = {field.name: (str,) if field.name in ("metric", "hold", "benchmark", "policy")
             else (int, float) for field in fields(Rule)}
    for key, value in entry.items():
        if key not in kinds:
            raise BadInput(f"{where}: {key}: no such key; there is {', '.join(kinds)}")
        if not isinstance(value, kinds[key]) or isinstance(value, bool):
            raise BadInput(f"{where}: {key}: a {'text' if str in kinds[key] else 'number'} is needed")
        # What is no number is neither above nor below any: such a rule would let everything pass.
        if str not in kinds[key] and not abs(value) < LIMIT:
            raise BadInput(f"{where}: {key}: {str(value):.24} is no number of up to 64 bits")
    for key in ("metric", "hold"):
        if key not in entry:
            raise BadInput(f"{where}: key \"{key}\" is missing")
    rule = Rule(**entry)
    _check(rule, where, exact_clock)
    return rule


def _check(rule: Rule, where: str, exact_clock: bool) -> None:
    if rule.hold not in HOLDS:
        raise BadInput(f'{where}: hold: "{rule.hold}" is none of {", ".join(HOLDS)}')
    named = [metric for metric in METRICS if fnmatchcase(metric, rule.metric)]
    if not named:
        raise BadInput(f'{where}: metric: "{rule.metric}" is none of {", ".join(METRICS)}')
    if rule.hold == "significant" and named != [ROUND_TRIP]:
        raise BadInput(f'{where}: "significant" is for the metric "{ROUND_TRIP}" alone')
    if ROUND_TRIP in named and rule.hold in ("exact", "limit") and rule.metric != "*":
        raise BadInput(f'{where}: "{ROUND_TRIP}" can be held "significant" or "ignore"')
    if rule.hold == "significant" and exact_clock:
        raise BadInput(f'{where}: ticks are exact: hold p50 "exact"')
    if rule.hold == "limit" and rule.limit is None:
        raise BadInput(f'{where}: key "limit" is missing')
    if not 0 < rule.level < 0.5:
        raise BadInput(f"{where}: level: {rule.level:g} is not between 0 and 0.5")
    if rule.slack < 0:
        raise BadInput(f"{where}: slack: {rule.slack:g} is below 0")
    if rule.max_ratio < 1 or rule.see <= 1:
        raise BadInput(f"{where}: max_ratio and see are ratios of new to old, above 1")

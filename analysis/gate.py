# SPDX-License-Identifier: MIT
"""exitmeter gate: does a run hold what the baseline says? Exact, for counts of a deterministic
clock; by distributions elsewhere."""

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from .baseline import baseline_of, exact, fingerprint, load_baseline
from .errors import EXIT_DONE, EXIT_NOT_COMPARABLE, EXIT_REGRESSED, BadInput, NotPossible
from .gate_text import annotations, markdown, update_text, verdict_text
from .judge import SCHEMA, Row, judge
from .junit import junit
from .output import append, emit, to_json, write_whole
from .rules import beside, load_rules
from .run import Run, open_run

EXIT_CODES = {"held": EXIT_DONE, "regressed": EXIT_REGRESSED,
              "not comparable": EXIT_NOT_COMPARABLE}


@dataclass(frozen=True)
class Outputs:
    """Where a verdict goes besides the terminal; None: nowhere. annotations: "github"."""

    json: bool = False
    junit: Path | None = None
    annotations: str | None = None
    summary: Path | None = None


def gate(path: Path, baseline: Path, update: bool, outputs: Outputs, rules: Path | None = None,
         guests: list[str] | None = None, policies: list[str] | None = None) -> int:
    """Judge the run, or make it the baseline. guests, policies: patterns of what is judged; none:
    all that the baseline has."""
    run = open_run(path)
    if run.damages:
        raise BadInput("\n".join(["the trace is damaged, so nothing can be held against it: "
                                  "measure again", *(f"  {line}" for line in run.damages)]))
    try:
        if update:
            if guests or policies:
                raise BadInput("--update takes the whole run: leave --guest and --policy out")
            refuse_failed(run)
            return write_baseline(run, baseline, outputs.json)
        if not run.measured_jobs:
            refuse_failed(run)
        held = load_baseline(baseline)
        refuse_other_fingerprint(run, held["fingerprint"])
        if guests or policies:
            run, held = chosen(run, held, guests or ["*"], policies or ["*"])
        verdict = judge(run, held, load_rules(rules or beside(baseline), exact(run), bool(rules)))
    except NotPossible as error:
        verdict = {"schema": SCHEMA, "verdict": "not comparable", "reason": str(error)}
        report(verdict, path, baseline, outputs)
        raise
    report(verdict, path, baseline, outputs)
    return EXIT_CODES[verdict["verdict"]]


def report(verdict: Row, run: Path, baseline: Path, outputs: Outputs) -> None:
    """The verdict in all the forms that were asked for. The terminal's comes last of stdout's."""
    if outputs.junit:
        write_whole(outputs.junit, junit(verdict, baseline))
    if outputs.summary:
        append(outputs.summary, markdown(verdict, run, baseline))
    if outputs.annotations:
        emit(annotations(verdict, baseline), to_stderr=outputs.json)
    if outputs.json:
        emit(to_json(verdict))
    elif "reason" not in verdict:  # else the error says it
        emit(verdict_text(verdict, run, baseline))


def chosen(run: Run, baseline: Row, guests: list[str], policies: list[str]) -> tuple[Run, Row]:
    """Both with what matches alone. Each pattern must match something of the baseline."""
    known = baseline["benchmarks"]
    names = {"benchmark": list(known), "policy": list({policy for row in known.values()
                                                       for policy in row})}
    for what, patterns in (("benchmark", guests), ("policy", policies)):
        for pattern in patterns:
            if not any(fnmatchcase(name, pattern) for name in names[what]):
                raise BadInput(f"the baseline has no {what} that matches '{pattern}'; there is "
                               f"{', '.join(sorted(names[what]))}")

    def taken(benchmark: str, policy: str) -> bool:
        return (any(fnmatchcase(benchmark, pattern) for pattern in guests)
                and any(fnmatchcase(policy, pattern) for pattern in policies))

    rows = {benchmark: {policy: entry for policy, entry in row.items() if taken(benchmark, policy)}
            for benchmark, row in known.items()}
    if not any(rows.values()):
        raise BadInput("the baseline has nothing that matches both --guest and --policy")
    return (replace(run, jobs=tuple(job for job in run.jobs if taken(job.benchmark, job.policy))),
            {**baseline, "benchmarks": {name: row for name, row in rows.items() if row}})


def refuse_failed(run: Run) -> None:
    """A run that did not end well is no baseline; one of which something was measured can be held
    against one: its failed jobs are regressions."""
    if run.failed or not run.measured_jobs:
        raise NotPossible("\n".join([
            f"not comparable: {run.path} failed: {run.reason or 'no reason is given'}",
            *(f"  {job.name}: {job.status}: {job.reason}" for job in run.missing_jobs
              if job.status != "skipped")]))


def write_baseline(run: Run, file: Path, as_json: bool) -> int:
    """Says what is no longer as it was, besides writing it."""
    document = baseline_of(run)
    if not document["benchmarks"]:
        raise NotPossible(f"not comparable: {run.path} measured nothing")
    text = to_json(document) + "\n"
    before = load_baseline(file) if file.exists() else None
    changed = not file.exists() or file.read_bytes() != text.encode()
    if changed:
        write_whole(file, text)
    if as_json:
        emit(to_json({"schema": SCHEMA, "verdict": "updated" if changed else "unchanged"}))
    else:
        emit(update_text(file, before, document, changed))
    return EXIT_DONE


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

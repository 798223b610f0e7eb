# SPDX-License-Identifier: MIT
"""exitmeter compare: the policies of one run, or one run against another."""

from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path

from . import calibration, compare_text
from .compare_runs import compare_runs
from .compare_runs_text import runs_text
from .errors import EXIT_DAMAGED, EXIT_DONE, BadInput
from .output import complain, emit, to_json
from .matrix_profile import compare_profiles, matching
from .profile import is_profile
from .results import Result, results
from .run import Run, open_run
from .summary import summarize


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
        emit(to_json(data) if as_json else runs_text(data))
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

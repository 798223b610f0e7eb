# SPDX-License-Identifier: MIT
"""exitmeter report: one run as one self-contained HTML page."""

from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from . import drawings, matrix_report, profile_report, table
from .compare_text import has_between
from .errors import EXIT_DAMAGED, EXIT_DONE, BadInput
from .output import complain, emit, write_whole
from .profile import is_profile, open_profile
from .results import Result, results
from .run import Run, open_run
from .statistics import BETWEEN, COUNTERS, PART_NAMES, PERCENTILES, Absent
from .summary import probes, summarize

COUNTER_NAMES = {"vmreads": "VMREADs", "vmwrites": "VMWRITEs", "msr_accesses": "MSR accesses",
                 "xsetbvs": "XSETBVs", "invalidations": "INVEPTs, INVVPIDs"}

CONTROLS = ("pin_based", "primary", "secondary", "exit", "entry", "vpid", "ept_pointer")


def report(path: Path, output: Path | None) -> int:
    """Write the page, by default beside the run directory, which itself never changes."""
    run = None if is_profile(path) else open_run(path)
    if output is None:
        whole = path.resolve()
        output = path.parent / f"{path.name}.html" if path.name else Path(f"{whole}.html")
    if output.resolve().is_relative_to(path.resolve()):
        raise BadInput(f"{output}: lies in the run directory, which is never changed")
    write_whole(output, page(run) if run else profile_page(path))
    emit(str(output))
    return EXIT_DAMAGED if run and complain(run.damages) else EXIT_DONE


def page(run: Run) -> str:
    """The HTML of a run's report."""
    return templates().get_template("report.html").render(contents(run))


def profile_page(path: Path) -> str:
    """The same of a run that profiled a guest."""
    return templates().get_template("profile.html").render(
        profile_report.contents(open_profile(path)))


def templates() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True,
        undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"plain": table.plain, "ratio": table.ratio}
    return environment


def contents(run: Run) -> dict[str, Any]:
    """All that the template shows."""
    found = results(run)
    data = summarize(run, found)
    rows = [(row, entry) for row in data["benchmarks"] for entry in row["policies"]]
    policies = [name for name in run.probe_levels
                if any(result.policy == name for result in found)]
    parts = {part: name for part, name in PART_NAMES.items()
             if part != BETWEEN or has_between(data["benchmarks"])}
    return {"data": data, "run": data["run"], "document": run.document, "unit": run.unit,
            "matrix": matrix_report.of_benchmarks(data, policies),
            "policies": policies, "rows": rows, "probes": probes(run.probe_levels),
            "percentiles": list(PERCENTILES),
            "counts": sorted({entry["net"]["n"] for _, entry in rows}),
            "parts": parts, "counters": COUNTER_NAMES,
            "policy_legend": drawings.legend(policies),
            "part_legend": drawings.legend(list(parts.values())),
            "figures": figures(found, policies, run.unit),
            "shared_controls": shared_controls(run), "control_names": CONTROLS,
            "machine": section(run, "machine"), "host": section(run, "host"),
            "build": section(run, "build"), "capabilities": capabilities(run),
            "controls_subtracted": control_range(found)}


def figures(found: list[Result], policies: list[str], unit: str) -> dict[str, Any]:
    """The drawings as SVG text: safe as it is, since it went through an XML writer."""
    split = [result for result in found if not isinstance(result.split, Absent)]
    spread = list(dict.fromkeys(result.benchmark for result in found if not result.steady))
    by_policy = [(policy, [result for result in split if result.policy == policy])
                 for policy in policies]
    return {
        "round_trips": Markup(drawings.round_trips(found, policies, unit)) if found else None,
        "parts": [(policy, Markup(drawings.parts(mine, split, unit)))
                  for policy, mine in by_policy if mine],
        "distributions": [(name, Markup(drawings.distribution(
            [result for result in found if result.benchmark == name], policies, unit)))
            for name in spread]}


def section(run: Run, name: str) -> dict[str, Any]:
    """The plain values of a section of run.json."""
    part = run.document.get(name)
    if not isinstance(part, dict):
        return {}
    return {key: value for key, value in part.items() if not isinstance(value, (dict, list))}


def capabilities(run: Run) -> dict[str, Any]:
    machine = run.document.get("machine")
    found = machine.get("capabilities") if isinstance(machine, dict) else None
    return found if isinstance(found, dict) else {}


def shared_controls(run: Run) -> list[tuple[str, dict[str, Any], list[str]]]:
    """Controls in force: each unlike set once, with its policy and the jobs it was in force for."""
    sets: list[tuple[str, dict[str, Any], list[str]]] = []
    for job in run.measured_jobs:
        if job.root:
            continue
        for policy, controls, names in sets:
            if (policy, controls) == (job.policy, job.controls):
                names.append(job.benchmark)
                break
        else:
            sets.append((job.policy, job.controls, [job.benchmark]))
    return sets


def control_range(found: list[Result]) -> str:
    """The controls that were subtracted, for the method notes."""
    medians = sorted({control for result in found for control in result.controls})
    if not medians:
        return "nothing"
    return str(medians[0]) if len(medians) == 1 else f"{medians[0]} to {medians[-1]}"


assert set(COUNTER_NAMES) == set(COUNTERS)

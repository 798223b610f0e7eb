# SPDX-License-Identifier: MIT
"""exitmeter report: one run as one self-contained HTML page."""

from pathlib import Path
from typing import Any

from . import drawings, matrix_report, profile_report
from .distribution_drawing import distribution
from .errors import EXIT_DAMAGED, EXIT_DONE, BadInput
from .families import by_family
from .findings import findings, verdict
from .heat_map import KINDS, accesses, busiest, heat_map
from .output import complain, emit, write_whole
from .page import render
from .profile import is_profile, open_profile
from .results import Result, results
from .run import Run, open_run
from .statistics import BETWEEN, COUNTERS, PART_NAMES, PERCENTILES, Absent
from .summary import probes, summarize
from .svg import Drawing, draw
from .wide import HOST_PARTS

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
    return render("report.html", contents(run))


def profile_page(path: Path) -> str:
    """The same of a run that profiled a guest."""
    return render("profile.html", profile_report.contents(open_profile(path)))


def contents(run: Run) -> dict[str, Any]:
    """All that the template shows."""
    found = results(run)
    data = summarize(run, found)
    policies = [name for name in run.probe_levels
                if any(result.policy == name for result in found)]
    rows = {row["name"]: row for row in data["benchmarks"]}
    entries = [entry for row in rows.values() for entry in row["policies"]]
    parts = {part: name for part, name in PART_NAMES.items()
             if part != BETWEEN or any(entry["split"] and BETWEEN in entry["split"]
                                       for entry in entries)}
    maps = access_maps(run, policies)
    groups = {title: [rows[name] for name in names]
              for title, names in by_family(run.benchmarks, rows).items()}
    drawn = pictures(found, groups, policies, run.unit, [each["drawing"] for each in maps])
    return {"data": data, "run": data["run"], "document": run.document, "unit": run.unit,
            "matrix": matrix_report.of_benchmarks(data, policies),
            "policies": policies, "probes": probes(run.probe_levels),
            "findings": findings(run, found, data), "verdict": verdict(run, found, data),
            "families": [family(title, members, found, drawn)
                         for title, members in groups.items()],
            "percentiles": list(PERCENTILES), "parts": parts, "counters": COUNTER_NAMES,
            "host_parts": {part: PART_NAMES[part] for part in HOST_PARTS},
            "counts": sorted({entry["net"]["n"] for entry in entries}),
            "policy_legend": drawings.legend(policies, marks=True),
            "line_legend": drawings.legend(policies),
            "part_legend": drawings.legend(list(parts.values())),
            "maps": [each | {"drawing": drawn[each["drawing"].name]} for each in maps],
            "shared_controls": shared_controls(run), "control_names": CONTROLS,
            "machine": section(run, "machine"), "host": section(run, "host"),
            "build": section(run, "build"), "capabilities": capabilities(run),
            "controls_subtracted": control_range(found)}


def family(title: str, members: list[dict[str, Any]], found: list[Result],
           drawn: dict[str, str]) -> dict[str, Any]:
    """One family's rows and drawings."""
    name = drawings.slug(title.lower())
    names = {row["name"] for row in members}
    spread = dict.fromkeys(result.benchmark for result in found
                           if result.benchmark in names and not result.steady)
    return {"title": title, "id": f"family-{name}", "rows": members,
            "pairs": [(row, entry) for row in members for entry in row["policies"]],
            "events": any(entry["events"] for row in members for entry in row["policies"]),
            "trips": drawn[f"trips-{name}"], "parts": drawn.get(f"parts-{name}"),
            "spreads": [(benchmark, drawn[f"spread-{drawings.slug(benchmark)}"])
                        for benchmark in spread]}


def pictures(found: list[Result], groups: dict[str, list[dict[str, Any]]], policies: list[str],
             unit: str, more: list[Drawing]) -> dict[str, str]:
    """All drawings of the page by name."""
    wanted = list(more)
    for title, members in groups.items():
        names = {row["name"] for row in members}
        mine = [result for result in found if result.benchmark in names]
        name = drawings.slug(title.lower())
        wanted.append(drawings.round_trips(name, mine, policies, unit))
        split = [result for result in mine if not isinstance(result.split, Absent)]
        if split:
            wanted.append(drawings.parts(name, split, unit))
    for benchmark in dict.fromkeys(result.benchmark for result in found if not result.steady):
        wanted.append(distribution([result for result in found if result.benchmark == benchmark],
                                   policies, unit))
    return {drawing.name: text for drawing, text in zip(wanted, draw(wanted))}


def access_maps(run: Run, policies: list[str]) -> list[dict[str, Any]]:
    """Exits by MSR and by port: table and drawing each, of what there is."""
    table = accesses(run)
    maps = []
    for kind in KINDS:
        mine = {line: seen for line, seen in table.items() if line.kind == kind}
        if not mine:
            continue
        values = {line: {policy: round(one.ticks / one.exits) for policy, one in seen.items()}
                  for line, seen in mine.items()}
        drawing = heat_map(f"map-{kind.lower()}", f"Heat map: the core's own {run.unit} of an exit "
                           f"by {kind} and policy. The table has the numbers.", mine, policies,
                           values)
        maps.append({"kind": kind, "drawing": drawing, "left_out": len(mine) - len(busiest(mine)),
                     "rows": [(line, [(seen.get(policy), values[line].get(policy))
                                      for policy in policies]) for line, seen in mine.items()]})
    return maps


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

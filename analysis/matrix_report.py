# SPDX-License-Identifier: MIT
"""What templates/matrix.html shows, of a run of benchmarks and of one that profiled a guest."""

from typing import Any

from .matrix import grid, short_names, verdict_line
from .matrix_profile import compared, label
from .profile import ProfileRun

TOP = 40


def of_benchmarks(data: dict[str, Any], policies: list[str]) -> dict[str, Any] | None:
    """data: summary.summarize(). None where there are no two policies to compare."""
    if len(policies) < 2:
        return None
    found, totals = data["prediction"], data["totals"]
    least = min((entry["time"] for entry in totals["policies"]), default=0)
    ranked = sorted(totals["policies"], key=lambda entry: (entry["time"], entry["policy"]))
    return {"kind": "benchmarks", "short": short_names(policies), "prediction": found,
            "verdict": verdict_line(found) if found else "",
            "common": len(totals["benchmarks"]),
            "totals": [{**entry, "ratio": entry["time"] / least if least > 0 else None}
                       for entry in ranked] if totals["benchmarks"] else [],
            "rows": grid(data["benchmarks"], policies)}


def of_profiles(run: ProfileRun) -> dict[str, Any] | None:
    """None where there are no two policies to compare."""
    names = [outcome.policy for outcome in run.outcomes]
    if len(names) < 2:
        return None
    data = compared(run, names)
    times = [entry["total"]["run_time"] for entry in data["policies"] if entry["total"]]
    least = min(times, default=0)
    said = [row for row in data["accessed"] if row["what"]]
    return {"kind": "profiles", "short": short_names(names),
            "policies": [{**entry, "ratio": entry["total"]["run_time"] / least
                          if entry["total"] and least else None} for entry in data["policies"]],
            "lists": [(title, [(label(row), row["policies"]) for row in rows[:TOP]],
                       max(0, len(rows) - TOP))
                      for title, rows in (("exit reason", data["reasons"]),
                                          ("what was accessed", said)) if rows]}

# SPDX-License-Identifier: MIT
"""The report of a run that profiled a guest: one self-contained HTML page."""

from collections.abc import Sequence
from typing import Any

from . import matrix_report
from .drawings import WIDTH, colour, label, legend, slug
from .heat_map import KINDS, Seen, Table, access, busiest, heat_map
from .profile import Entry, Outcome, Profile, ProfileRun
from .profile_names import Names
from .svg import Drawing, draw

TOP = 40
LINES = 8
STRIP = 58
MEGA = 1e6


def contents(run: ProfileRun) -> dict[str, Any]:
    """All that the template profile.html shows."""
    told = [outcome for outcome in run.outcomes if outcome.profile and outcome.profile.reasons]
    table = accesses(told, run.names)
    names = [outcome.policy for outcome in told]
    maps = []
    for kind in KINDS:
        mine = {line: seen for line, seen in table.items() if line.kind == kind}
        if mine:
            values = {line: {policy: one.exits for policy, one in seen.items()}
                      for line, seen in mine.items()}
            maps.append((kind, heat_map(f"map-{kind.lower()}", f"Heat map: exits by {kind} and "
                                        "policy. The tables have the numbers.", mine, names,
                                        values), len(mine) - len(busiest(mine))))
    lines = [timeline(outcome.policy, outcome.profile, run.unit) for outcome in told]
    drawn = iter(draw([drawing for _, drawing, _ in maps] + lines))
    shown = [{"kind": kind, "drawing": next(drawn), "left_out": others}
             for kind, _, others in maps]
    figures = {outcome.policy: next(drawn) for outcome in told}
    return {"run": run, "unit": run.unit, "matrix": matrix_report.of_profiles(run), "maps": shown,
            "findings": findings(run, told),
            "verdict": verdict(run), "facts_of": run.facts,
            "profiles": [{"outcome": outcome, "profile": outcome.profile,
                          "id": f"policy-{slug(outcome.policy)}",
                          "figure": figures.get(outcome.policy),
                          "legend": legend([outcome.profile.names[entry.reason]
                                            for entry in outcome.profile.reasons[:LINES]])
                          if outcome.profile else [],
                          "lists": _lists(outcome.profile)
                          if outcome.profile and outcome.profile.reasons else []}
                         for outcome in run.outcomes]}


def accesses(told: Sequence[Outcome], names: Names) -> Table:
    """Exits by MSR and port of every profile."""
    table: Table = {}
    for outcome in told:
        for entry in outcome.profile.details:
            line = None if entry.key is None else access(entry.reason, entry.key, names)
            if line:
                seen = table.setdefault(line, {}).setdefault(outcome.policy, Seen())
                seen.exits += entry.count
                seen.ticks += entry.ticks
    return dict(sorted(table.items()))


def findings(run: ProfileRun, told: Sequence[Outcome]) -> list[str]:
    """What the profiles say, in words."""
    lines = []
    for outcome in told:
        found = outcome.profile
        first = found.reasons[0]
        lines.append(
            f"Under {outcome.policy} the guest took {found.exits:,} exits, one in "
            f"{found.run_time / found.exits:,.0f} {run.unit}; the core had "
            f"{100 * found.share(found.host):.2f} % of the time. Most of it went "
            f"into {found.names[first.reason]}: {first.count:,} exits, "
            f"{_percent(first.ticks, found.host)} of the core's time.")
        named = [entry for entry in found.details if entry.what][:1]
        lines += [f"What cost most there: {found.names[entry.reason]}, {entry.what}: "
                  f"{entry.count:,} exits, {_percent(entry.ticks, found.host)} of the core's time."
                  for entry in named]
    if len(told) > 1:
        fewest, most = (pick(told, key=lambda outcome: outcome.profile.exits)
                        for pick in (min, max))
        if fewest.profile.exits < most.profile.exits:
            lines.append(f"{most.policy} takes {most.profile.exits / fewest.profile.exits:,.0f} "
                         f"times the exits of {fewest.policy}.")
    return lines


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.0f} %" if whole else "all"


def verdict(run: ProfileRun) -> list[dict[str, str]]:
    """What makes the profiles less than whole."""
    states = [{"what": "run", "state": "good" if run.status == "complete" else "bad",
               "text": run.status}]
    for outcome in run.outcomes:
        bad = outcome.status != "done"
        states.append({"what": outcome.policy, "state": "bad" if bad else "good",
                       "text": outcome.status if bad else outcome.ended})
        for what in ("lost", "out_of_order", "details_lost", "addresses_lost"):
            count = getattr(outcome.profile, what) if outcome.profile else 0
            if count:
                states.append({"what": f"{outcome.policy}, {what.replace('_', ' ')}",
                               "state": "bad", "text": f"{count:,}"})
    return states


def _lists(found: Profile) -> list[tuple[str, list[dict[str, Any]], int]]:
    """Title, rows, and how many rows there are beside those."""
    said = [entry for entry in found.details if entry.what]
    return [(title, [_row(entry, found) for entry in entries[:TOP]], max(0, len(entries) - TOP))
            for title, entries in (("exit reason", found.reasons), ("what was accessed", said),
                                   ("guest RIP", found.addresses)) if entries]


def _row(entry: Entry, found: Profile) -> dict[str, Any]:
    per = {name: entry.costs[name] / entry.count if entry.count else 0
           for name in ("vmreads", "vmwrites", "msr_accesses")}
    return {"name": found.names[entry.reason], "what": entry.what, "count": entry.count,
            "ticks": entry.ticks, "each": entry.ticks / entry.count if entry.count else 0,
            "share": found.share(entry.ticks), "per": per}


def timeline(policy: str, found: Profile, unit: str) -> Drawing:
    """Exits of the costliest reasons over time, a strip each over the same time, each on the same
    logarithmic scale."""
    shown = found.reasons[:LINES]
    width = found.width / MEGA
    most = max((count for entry in shown
                for count in found.over_time.get(entry.reason, ([], []))[0]), default=1)
    end = max(found.total / MEGA, 1e-6)
    top, bottom = 6, 46
    height = top + bottom + STRIP * len(shown)
    ticks = 10 ** max(1, len(str(most)) - 1)
    script = (f"set multiplot\nset lmargin at screen {70 / WIDTH:.4f}\nset rmargin at screen "
              f"{1 - 28 / WIDTH:.4f}\nset logscale y\nset xrange [0:{end:.6g}]\n"
              f"set yrange [0.7:{max(10, most) * 1.6}]\nset border 3\nset format y '%.0f'\n"
              f"set ytics (1, {ticks})\nset format x ''\nset grid ytics linetype 1 linecolor rgb "
              "'#808080'\n")
    for number, entry in enumerate(shown):
        counts, _ = found.over_time.get(entry.reason, ([], []))
        rows = "\n".join(f"{(at + 0.5) * width:.6g} {count} {at * width:.6g} "
                         f"{(at + 1) * width:.6g} 0.7 {count}"
                         for at, count in enumerate(counts) if count)
        last = number == len(shown) - 1
        script += (f"set tmargin at screen {1 - (top + STRIP * number + 18) / height:.4f}\n"
                   f"set bmargin at screen {1 - (top + STRIP * (number + 1) - 4) / height:.4f}\n"
                   f"set label 1 '{label(found.names[entry.reason], WIDTH - 90)}' at graph 0, graph 1 "
                   "offset 0,0.6 left noenhanced\n")
        if last:
            script += (f"set format x '%g'\nset xlabel 'millions of {label(unit)} since the start'"
                       " offset 0,0.3\n")
        if rows:
            script += (f"$line{number} << END\n{rows}\nEND\nplot $line{number} using 1:2:3:4:5:6 "
                       f"with boxxyerror fillstyle solid 1 noborder linecolor rgb "
                       f"'{colour(number)}' notitle\n")
        else:
            script += "plot NaN notitle\n"
    return Drawing(f"timeline-{slug(policy)}", f"Exits of each reason over time under {policy}, "
                   "a strip each, logarithmic. The tables have the sums.", WIDTH, height,
                   script + "unset multiplot\n")

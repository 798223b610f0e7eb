# SPDX-License-Identifier: MIT
"""The page of a branch's history: where figures changed, and each of those over its runs."""

from collections.abc import Sequence
from typing import Any

from .drawings import WIDTH, colour, label, slug
from .history_changes import Found, also, by_run, change_text, heading, name_of
from .history_store import Item, Series
from .page import render
from .svg import Drawing, draw

DRAWN = 60  # items at most, those that changed most


def html(branch: str, chosen: Sequence[Series], changed: Sequence[Sequence[Found]]) -> str:
    """The page; of each series what changed in it."""
    parts = [_series(number, series, found)
             for number, (series, found) in enumerate(zip(chosen, changed))]
    drawn = iter(draw([drawing for part in parts for _, drawing in part["drawings"]]))
    for part in parts:
        part["drawings"] = [(name, next(drawn)) for name, _ in part["drawings"]]
    return render("history.html", {"branch": branch, "series": parts})


def _series(number: int, series: Series, found: Sequence[Found]) -> dict[str, Any]:
    shown: dict[Item, list[Found]] = {}
    for each in found:
        shown.setdefault(each.item, []).append(each)
    ranked = sorted(shown, key=lambda item: -max(_size(each) for each in shown[item]))
    kept = [item for item in shown if item in set(ranked[:DRAWN])]
    return {"id": f"series-{number}", "heading": heading(series), "unit": series.unit,
            "runs": series.runs, "exact": series.unit == "ticks",
            "changes": [(run, list(dict.fromkeys(line for each in mine for line in also(each))),
                         [change_text(series, each) for each in mine])
                        for run, mine in by_run(found)],
            "drawings": [(f"{name_of(item)}: {item.metric}",
                          drawing(f"line-{number}-{place}", series, item, shown[item]))
                         for place, item in enumerate(kept)],
            "left_out": len(shown) - len(kept),
            "last": [(name_of(item), item.metric, values[last], item.level)
                     for item, values in series.figures.items()
                     if not item.metric.startswith("part:")
                     for last in [max(values, key=[run.id for run in series.runs].index)]]}


def _size(each: Found) -> float:
    return abs(each.change.after - each.change.before) / (abs(each.change.before) or 1)


def drawing(name: str, series: Series, item: Item, found: Sequence[Found]) -> Drawing:
    """A point a run; a line through each stretch between changes."""
    places = {run.id: place for place, run in enumerate(series.runs)}
    points = sorted((places[run], value) for run, value in series.figures[item].items())
    ends = [0, *(each.change.at for each in found), len(points)]
    stretches = [points[start:end] for start, end in zip(ends, ends[1:])]
    levels = "\n\n".join(
        "\n".join(f"{x} {sum(value for _, value in part) / len(part):.8g}"
                  for x in (part[0][0] - 0.4, part[-1][0] + 0.4)) for part in stretches)
    marks = "".join(f"set arrow from {x}, graph 0 to {x}, graph 1 nohead linewidth 1 linecolor rgb "
                    "'#808080'\n" for x in (places[each.run.id] - 0.5 for each in found))
    low, high = (pick(value for _, value in points) for pick in (min, max))
    room = (high - low) * 0.15 or max(1, abs(high) * 0.05)
    last = len(series.runs) - 1
    script = ("$points << END\n" + "\n".join(f"{x} {value:.8g}" for x, value in points)
              + f"\nEND\n$levels << END\n{levels}\nEND\n{marks}"
              f"set lmargin at screen {74 / WIDTH:.4f}\nset rmargin at screen {1 - 20 / WIDTH:.4f}\n"
              f"set tmargin 0.6\nset bmargin 3.2\nset xrange [-0.7:{last + 0.7}]\n"
              f"set yrange [{low - room:.8g}:{high + room:.8g}]\n"
              f"set xtics (0{f', {last}' if last else ''}) format '%.0f'\n"
              f"set ytics {_step(high - low + 2 * room):.6g} format '%.6g'\n"
              f"set grid ytics linetype 1 linecolor rgb '#808080'\nset xlabel "
              f"'run number; {label(item.metric)}' offset 0,0.4\n"
              f"plot $levels using 1:2 with lines linewidth 2 linecolor rgb '{colour(1)}' notitle, "
              f"$points using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb "
              f"'{colour(0)}' notitle\n")
    return Drawing(f"{name}-{slug(item.metric)}", f"Points: {item.metric} of {name_of(item)}, run by "
                   "run; lines: the mean between two changes.", WIDTH, 190, script)


def _step(span: float) -> float:
    """A round distance between tics, 1, 2 or 5 times a power of ten, that makes at most four."""
    power = 10.0 ** -12
    while True:
        for head in (1, 2, 5):
            if head * power * 4 >= span:
                return head * power
        power *= 10

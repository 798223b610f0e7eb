# SPDX-License-Identifier: MIT
"""The report's drawings: round trips by policy, the parts of an exit, distributions.

gnuplot is handed numbers and names cut down to harmless characters, nothing else.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from .results import Result
from .statistics import PART_NAMES, rank
from .svg import draw

# Okabe and Ito's palette, told apart by every kind of colour vision; yellow is left out, as it
# does not show on white.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")

WIDTH = 420
BAR = 22
CDF_POINTS = 500


def colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def label(text: str) -> str:
    """A name as gnuplot gets it: no quote, backtick, control character or enhanced-text mark."""
    text = re.sub(r"[^\w /.,:()+-]", "?", text)
    return text if len(text) <= 22 else f"{text[:10]}..{text[-10:]}"


def round_trips(found: Sequence[Result], policies: Sequence[str], unit: str) -> str:
    """Grouped bars: net p50, one group a benchmark, one bar a policy."""
    names = list(dict.fromkeys(result.benchmark for result in found))
    bars, marks = [], []
    group = len(policies) + 0.7
    for result in found:
        place = names.index(result.benchmark) * group + policies.index(result.policy)
        bars.append((place, 0, result.net["p50"], policies.index(result.policy)))
        marks.append((place, max(0, result.net["p50"]), str(result.net["p50"])))
    middles = [(number * group + (len(policies) - 1) / 2, name)
               for number, name in enumerate(names)]
    return _bars("round-trips", "Bars: round trip of each benchmark under each policy, p50 less "
                 f"control, in {unit}. The summary table has the numbers.",
                 bars, marks, middles, group * len(names) - 0.7, unit)


def parts(found: Sequence[Result], peers: Sequence[Result], unit: str) -> str:
    """Stacked bars: medians of the parts of results of one policy that all have a split.
    peers: those of all policies, so that every policy is drawn to one scale."""
    reach = max(sum(result.split.parts.values()) for result in peers)
    indent = max(len(label(result.benchmark)) for result in peers)
    bars, marks, middles = [], [], []
    for place, result in enumerate(found):
        left = 0
        for number, part in enumerate(PART_NAMES):
            if part in result.split.parts:
                bars.append((place, left, left + result.split.parts[part], number))
                left += result.split.parts[part]
        marks.append((place, left, str(left)))
        middles.append((place, result.benchmark))
    policy = found[0].policy
    return _bars(f"parts-{slug(policy)}", "Stacked bars: the parts of each round trip under "
                 f"{policy}, medians in {unit}, control included. The table below has the numbers.",
                 bars, marks, middles, len(found), unit, reach, indent)


def _bars(name: str, title: str, bars: list[tuple[float, float, float, int]],
          marks: list[tuple[float, float, str]], middles: list[tuple[float, str]],
          length: float, unit: str, reach: float = 1, indent: int = 0) -> str:
    """Horizontal bars from the top down, each (place, from, to, colour); marks: text at their
    ends; middles: names of places; reach, indent: least end of the axis, least label width."""
    longest = max(indent, *(len(label(text)) for _, text in middles))
    ends = [end for _, start, stop, _ in bars for end in (start, stop)]
    low, high = min(0, *ends), max(reach, *ends)
    plots, data = [], []
    for number in sorted({bar[3] for bar in bars}):
        rows = [f"{stop} {place} {start} {stop} {place - 0.42} {place + 0.42}"
                for place, start, stop, shade in bars if shade == number]
        data.append(f"$bars{number} << END\n" + "\n".join(rows) + "\nEND\n")
        plots.append(f"$bars{number} using 1:2:3:4:5:6 with boxxyerror fillstyle solid 1 noborder "
                     f"linecolor rgb '{colour(number)}' notitle")
    data.append("$marks << END\n" + "\n".join(f"{x} {y} {text}" for y, x, text in marks)
                + "\nEND\n")
    plots.append("$marks using 1:2:3 with labels left offset 0.4,0 notitle")
    tics = ", ".join(f"'{label(text)}' {place}" for place, text in middles)
    script = "".join(data) + (
        f"set lmargin {longest * 0.95 + 1.5:.1f}\nset rmargin 2\nset tmargin 0.5\n"
        f"set ytics ({tics}) scale 0 noenhanced\nset border 1\n"
        f"set yrange [{length - 0.3}:-0.6]\nset xrange [{low}:{high + (high - low) * 0.14}]\n"
        f"set xtics {_step(high - low)}\nset xlabel '{label(unit)}'\nset format x '%.0f'\n"
        "plot " + ", ".join(plots) + "\n")
    return draw(name, title, (WIDTH, round(70 + BAR * length)), script)


def _logarithmic_tics(low: int, high: int) -> list[int]:
    """1, 2 and 5 times the powers of ten between low and high; the ones only over three decades."""
    heads = (1, 2, 5) if high < 1000 * low else (1,)
    return [head * 10 ** power for power in range(20) for head in heads
            if low <= head * 10 ** power <= high]


def _step(span: float) -> float:
    """A round distance between ticks, 1, 2 or 5 x 10^n, that makes at most six of them."""
    rough = max(1.0, span / 6)
    power = 10 ** np.floor(np.log10(rough))
    return float(min(step * power for step in (1, 2, 5, 10) if step * power >= rough))


def distribution(found: Sequence[Result], policies: Sequence[str], unit: str) -> str:
    """Cumulative distribution of the net samples of one benchmark, one line a policy."""
    low = min(result.net["min"] for result in found)
    high = max(result.net["max"] for result in found)
    wide = low > 0 and high > 10 * low
    data, plots = [], []
    for result in found:
        number = policies.index(result.policy)
        points = [*steps(result.values), (high, 100)]
        data.append(f"$line{number} << END\n" + "\n".join(f"{x} {y}" for x, y in points)
                    + "\nEND\n")
        plots.append(f"$line{number} using 1:2 with steps linewidth 2.5 dashtype {number % 5 + 1} "
                     f"linecolor rgb '{colour(number)}' notitle")
    tics = f"({', '.join(map(str, _logarithmic_tics(low, high)))})" if wide else "autofreq"
    script = "".join(data) + (
        "set lmargin 7\nset rmargin 3\nset tmargin 1\nset yrange [0:100]\nset ytics 25\n"
        f"set format y '%.0f %%'\nset format x '%.0f'\nset xtics {tics}\n"
        f"{'set logscale x' if wide else ''}\nset xlabel '{label(unit)}'\n"
        f"set xrange [{low if wide else low - 0.02 * (high - low) - 1}:{high + 1}]\n"
        "plot " + ", ".join(plots) + "\n")
    name = found[0].benchmark
    return draw(f"cdf-{slug(name)}", f"Lines: share of the samples of {name} at or below a round "
                f"trip, in {unit}, one line a policy. The percentile table has the numbers.",
                (WIDTH, 260), script)


def steps(values: np.ndarray) -> list[tuple[int, float]]:
    """(value, percent of samples at or below it), at most CDF_POINTS of them, both ends kept."""
    ordered = np.sort(values)
    places = np.unique(np.linspace(1, 1000, CDF_POINTS).round().astype(int))
    points: list[tuple[int, float]] = [(int(ordered[0]), 0.0)]
    for value in sorted({int(ordered[rank(len(ordered), int(place))]) for place in places}):
        share = np.searchsorted(ordered, value, side="right") / len(ordered)
        points.append((value, round(100 * float(share), 4)))
    return points


def legend(names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"name": name, "colour": colour(number)} for number, name in enumerate(names)]


def slug(text: str) -> str:
    """A name as part of an id; unlike names give unlike slugs."""
    return "".join(char if re.fullmatch(r"[a-z0-9]", char) else
                   "-" if char == "-" else f"_{ord(char):x}_" for char in text)

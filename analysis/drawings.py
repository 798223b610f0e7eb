# SPDX-License-Identifier: MIT
"""The report's drawings of a family of benchmarks: round trips by policy, and the parts of an exit.

gnuplot is handed numbers and names cut down to harmless characters, nothing else.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from .results import Result
from .statistics import PART_NAMES, Absent
from .svg import FONT, Drawing

# Okabe and Ito's palette, told apart by every kind of colour vision, on white and on black; yellow
# is left out, as it does not show on white.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00")

# gnuplot's point types, with the same as an SVG path in a square of 10. Five shapes and six
# colours go round to thirty different marks.
SHAPES = ((7, "M5 0A5 5 0 1 1 4.99 0z"), (5, "M1 1H9V9H1z"), (9, "M5 0L10 9H0z"),
          (13, "M5 0L10 5L5 10L0 5z"), (11, "M0 1H10L5 10z"))

WIDTH = 420
PLACE = 200  # pixels for the name of a place on an axis
RIGHT = 20  # half a label of the axis may stick out
LETTER = 0.64 * FONT  # a letter's width, and a little more; that of the widest ones:
WIDE_LETTER, WIDE_LETTERS = 0.99 * FONT, "mwMWGOQ%@"
DIGIT = 0.64 * FONT
LINE = 17  # pixels from one line of text to the next
BLACK, WHITE = "#010101", "#FFFFFF"  # on a colour, where the page's own ink may not show


def colour(index: int) -> str:
    return PALETTE[index % len(PALETTE)]


def shape(index: int) -> tuple[int, str]:
    return SHAPES[index % len(SHAPES)]


def ink_on(fill: str) -> str:
    """What is read better on a colour, by WCAG's contrast."""
    parts_of = [int(fill[place:place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
                        for part in parts_of)
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return WHITE if 1.05 / (luminance + 0.05) > (luminance + 0.05) / 0.05 else BLACK


def label(text: str, pixels: float = PLACE) -> str:
    """A name as gnuplot gets it: no quote, backtick, control character or enhanced-text mark. Of
    one that takes more pixels the middle is left out."""
    text = short = re.sub(r"[^\w /.,:()+-]", "?", text)
    kept = len(text)
    while letters(short) > pixels:
        kept -= 2
        short = f"{text[:kept // 2]}..{text[-(kept // 2):]}"
    return short


def left_margin(names: Sequence[str]) -> int:
    """Pixels for the longest of the lines of names of places."""
    return round(12 + max(letters(line) for name in names for line in name.split("\n")))


def letters(text: str) -> float:
    """Pixels that a text takes at most."""
    return sum(WIDE_LETTER if letter in WIDE_LETTERS else LETTER for letter in text)


def round_trips(name: str, found: Sequence[Result], policies: Sequence[str],
                unit: str) -> Drawing:
    """A line a benchmark, a mark a policy at its net p50, on a logarithmic axis; the numbers stand
    at both ends. What is not above 0 has no place on it and stands at its left end."""
    names = list(dict.fromkeys(result.benchmark for result in found))
    values = [result.net["p50"] for result in found]
    low = min([value for value in values if value > 0], default=1)
    high = max([low, *values])
    margin = left_margin([label(text) for text in names])
    room = (WIDTH - margin - RIGHT, DIGIT * max(len(str(value)) for value in values) + 14)
    low, high = _with_room(low, high, *room)
    marks: dict[int, list[str]] = {}
    links, texts = [], []
    for place, benchmark in enumerate(names):
        mine = [result for result in found if result.benchmark == benchmark]
        at = {result.policy: max(low, result.net["p50"]) for result in mine}
        dearest, cheapest = (pick(mine, key=lambda each: each.net["p50"]) for pick in (max, min))
        links.append(f"{at[cheapest.policy]} {place} {at[dearest.policy] - at[cheapest.policy]} 0")
        texts.append((at[dearest.policy], place, "left", dearest.net["p50"]))
        if at[cheapest.policy] < at[dearest.policy] and cheapest.net["p50"] > 0:
            texts.append((at[cheapest.policy], place, "right", cheapest.net["p50"]))
        for result in mine:
            number = policies.index(result.policy)
            # Those that coincide stand beside one another and are seen all the same.
            aside = (number - (len(policies) - 1) / 2) * min(0.32, 0.7 / len(policies))
            marks.setdefault(number, []).append(f"{at[result.policy]} {place + aside:.3f}")
    data = ["$links << END\n" + "\n".join(links) + "\nEND\n"]
    plots = ["$links using 1:2:3:4 with vectors nohead linewidth 1.5 linecolor rgb '#808080' "
             "notitle"]
    for number, rows in sorted(marks.items()):
        data.append(f"$marks{number} << END\n" + "\n".join(rows) + "\nEND\n")
        plots.append(f"$marks{number} using 1:2 with points pointtype {shape(number)[0]} "
                     f"pointsize 0.8 linecolor rgb '{colour(number)}' notitle")
    for side, offset in (("left", 1), ("right", -1)):
        rows = [f"{x} {y} {value}" for x, y, where, value in texts if where == side]
        if rows:
            data.append(f"${side} << END\n" + "\n".join(rows) + "\nEND\n")
            plots.append(f"${side} using 1:2:3 with labels {side} offset {offset},0 notitle")
    tics = logarithmic_tics(low, high, room[0])
    script = "".join(data) + (
        _places([label(text) for text in names], margin)
        + f"set logscale x\nset xrange [{low:.6g}:{high:.6g}]\nset xtics ({tics})\n"
        "set grid xtics linetype 1 linecolor rgb '#808080'\n"
        f"set xlabel '{label(unit)}, logarithmic' offset 0,0.4\nplot {', '.join(plots)}\n")
    return Drawing(f"trips-{name}", "Marks: round trip of each benchmark under each policy, p50 "
                   f"less control, in {unit}, on a logarithmic axis. The table has the numbers.",
                   WIDTH, round(62 + 24 * len(names)), script)


def _with_room(low: float, high: float, pixels: float, aside: float) -> tuple[float, float]:
    """Both ends of a logarithmic axis of so many pixels, so far out that values from low to high
    have room for text aside."""
    span = max(math.log10(high / low), 0.5)
    step = span * aside / max(40, pixels - 2 * aside)
    return 10 ** (math.log10(low) - step), 10 ** (math.log10(low) + span + step)


def _places(names: Sequence[str], margin: int) -> str:
    """Lines from the top down, one a name."""
    tics = ", ".join(f"'{text}' {place}" for place, text in enumerate(names))
    return (f"set lmargin at screen {margin / WIDTH:.4f}\nset rmargin at screen "
            f"{1 - RIGHT / WIDTH:.4f}\nset tmargin 0.4\nset bmargin 2.6\nset border 1\n"
            f"set ytics ({tics}) scale 0 noenhanced\nset yrange [{len(names) - 0.4}:-0.6]\n")


def parts(name: str, found: Sequence[Result], unit: str) -> Drawing:
    """Stacked bars of results that have a split: the share of each part in the round trip, the
    median in it where there is room, and the whole at the end. Policies under which all the parts
    are the same have one bar."""
    bars = distinct(found)
    totals = [sum(split.values()) for _, split in bars]
    margin = left_margin([text for text, _ in bars])
    behind = round(DIGIT * max(len(str(total)) for total in totals) + 10)
    pixels = WIDTH - margin - 8 - behind
    numbers: dict[str, list[str]] = {}
    shades: dict[int, list[str]] = {}
    heights = [LINE * (1 + text.count("\n")) + 5 for text, _ in bars]
    places, top = [], 0.0
    for (text, split), total, height in zip(bars, totals, heights):
        place = top + height / 2
        top += height
        places.append((text, place))
        left = 0
        for number, part in enumerate(PART_NAMES):
            ticks = split.get(part, 0)
            if ticks <= 0 or total <= 0:
                continue
            start, end = 100 * left / total, 100 * (left + ticks) / total
            left += ticks
            shades.setdefault(number, []).append(
                f"{end:.4g} {place} {start:.4g} {end:.4g} {place - 8.5} {place + 8.5}")
            if DIGIT * len(str(ticks)) + 4 <= (end - start) / 100 * pixels:
                numbers.setdefault(ink_on(colour(number)), []).append(
                    f"{(start + end) / 2:.4g} {place} {ticks}")
    data, plots = [], []
    for number, rows in sorted(shades.items()):
        data.append(f"$part{number} << END\n" + "\n".join(rows) + "\nEND\n")
        plots.append(f"$part{number} using 1:2:3:4:5:6 with boxxyerror fillstyle solid 1 noborder "
                     f"linecolor rgb '{colour(number)}' notitle")
    for number, (ink, rows) in enumerate(sorted(numbers.items())):
        data.append(f"$numbers{number} << END\n" + "\n".join(rows) + "\nEND\n")
        plots.append(f"$numbers{number} using 1:2:3 with labels center font ',{FONT - 2}' "
                     f"textcolor rgb '{ink}' notitle")
    data.append("$totals << END\n" + "\n".join(f"100 {place} {total}" for (_, place), total
                                               in zip(places, totals)) + "\nEND\n")
    plots.append("$totals using 1:2:3 with labels left offset 0.5,0 notitle")
    tics = ", ".join(f'"{text}" {place}'.replace("\n", "\\n") for text, place in places)
    script = "".join(data) + (
        f"set lmargin at screen {margin / WIDTH:.4f}\nset rmargin at screen "
        f"{1 - (8 + behind) / WIDTH:.4f}\nset tmargin 0.4\nset bmargin 2.6\nset border 1\n"
        f"set ytics ({tics}) scale 0 noenhanced\nset yrange [{top}:0]\nset xrange [0:100]\n"
        f"set xtics 50 format '%.0f %%'\nset xlabel 'share, and {label(unit)}' "
        f"offset 0,0.4\nplot {', '.join(plots)}\n")
    return Drawing(f"parts-{name}", "Stacked bars: the share of each part in the round trip, "
                   f"control included, medians in {unit}. The table has the numbers.",
                   WIDTH, round(62 + top), script)


def distinct(found: Sequence[Result]) -> list[tuple[str, dict[str, int]]]:
    """The unlike splits of each benchmark, with its name; where there are several, the policies of
    each on the next line."""
    bars = []
    for benchmark in dict.fromkeys(result.benchmark for result in found):
        unlike: dict[tuple[tuple[str, int], ...], list[str]] = {}
        for result in found:
            if result.benchmark == benchmark and not isinstance(result.split, Absent):
                unlike.setdefault(tuple(result.split.parts.items()), []).append(result.policy)
        for split, policies in unlike.items():
            text = label(benchmark)
            if len(unlike) > 1:
                more = f" and {len(policies) - 1}" if len(policies) > 1 else ""
                text += f"\n{label(policies[0], PLACE - letters(more))}{more}"
            bars.append((text, dict(split)))
    return bars


def logarithmic_tics(low: float, high: float, pixels: float) -> str:
    """Tics of a logarithmic axis: 1, 2 and 5 times the powers of ten between low and high if there
    is room, else the powers, else every so many of them."""
    for heads, step in (((1, 2, 5), 1), ((1,), 1), ((1,), 2), ((1,), 3), ((1,), 6)):
        found = [head * 10 ** power for power in range(0, 20, step) for head in heads
                 if low <= head * 10 ** power <= high]
        if len(found) * 5 * DIGIT <= pixels and (len(heads) == 1 or high < 100 * low):
            break
    return ", ".join(f"'{brief(value)}' {value}" for value in found or [max(1, round(low))])


def brief(value: int) -> str:
    """1000 as 1k, 20000000 as 20M."""
    for power, suffix in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if value >= 10 ** power and value % 10 ** power == 0:
            return f"{value // 10 ** power}{suffix}"
    return str(value)


def legend(names: Sequence[str], marks: bool = False) -> list[dict[str, Any]]:
    """marks: points of different shapes, not areas."""
    return [{"name": name, "colour": colour(number),
             "path": shape(number)[1] if marks else "M0 0H10V10H0z"}
            for number, name in enumerate(names)]


def slug(text: str) -> str:
    """A name as part of an id; unlike names give unlike slugs."""
    return "".join(char if re.fullmatch(r"[a-z0-9]", char) else
                   "-" if char == "-" else f"_{ord(char):x}_" for char in text)

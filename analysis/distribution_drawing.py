# SPDX-License-Identifier: MIT
"""How the samples of one benchmark are spread: which share is at or below each round trip, and
how many are near it, on a logarithmic axis."""

import re
from collections.abc import Sequence

import numpy as np

from .drawings import WIDTH, colour, label, logarithmic_tics, slug
from .results import Result
from .svg import Drawing

POINTS = 160  # of a line, as many as can be told apart
BINS = 60
COUNTED = 1 << 22  # a span of values up to which each has a counter


def tally(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The values that occur, in order, and how often each does."""
    low, high = int(values.min()), int(values.max())
    if high - low >= COUNTED:
        return np.unique(values, return_counts=True)
    counts = np.bincount(values - low)
    found = np.flatnonzero(counts)
    return found + low, counts[found]


def distribution(found: Sequence[Result], policies: Sequence[str], unit: str) -> Drawing:
    """One line a policy in each of two drawings over the same axis."""
    tallies = [(policies.index(result.policy), *tally(result.values)) for result in found]
    low = max(1, min(int(values[0]) for _, values, _ in tallies))
    high = max(low + 1, *(int(values[-1]) for _, values, _ in tallies))
    edges = bins(low, high)
    data, lines, steps = [], [], []
    for place, (number, values, counts) in enumerate(tallies):
        # Thinner ones lie on thicker ones, so that equal ones are all seen.
        style = f"linewidth {max(1.2, 4 - 1.6 * place):.1f} linecolor rgb '{colour(number)}' notitle"
        shares = [*cumulative(values, counts), (high, 100)]
        data.append(f"$share{number} << END\n" + "\n".join(f"{max(low, x)} {y:.4g}"
                                                           for x, y in shares) + "\nEND\n")
        lines.append(f"$share{number} using 1:2 with steps {style}")
        data.append(f"$bins{number} << END\n" + "\n".join(
            f"{x:.6g} {y}" for x, y in histogram(values, counts, edges)) + "\nEND\n")
        steps.append(f"$bins{number} using 1:2 with lines {style}")
    most = max(int(counts.sum()) for _, _, counts in tallies)
    tics = logarithmic_tics(low, high, WIDTH - 80)
    unnamed = re.sub("'[^']*'", "''", tics)
    script = "".join(data) + (
        f"set multiplot\nset lmargin at screen {64 / WIDTH:.4f}\nset rmargin at screen "
        f"{1 - 16 / WIDTH:.4f}\nset logscale x\nset xrange [{low}:{high}]\n"
        "set grid linetype 1 linecolor rgb '#808080'\n"
        f"set xtics ({unnamed})\nset tmargin at screen 0.97\n"
        "set bmargin at screen 0.56\nset yrange [0:100]\nset ytics 50\nset format y '%.0f %%'\n"
        f"plot {', '.join(lines)}\n"
        f"set xtics ({tics})\nset xlabel '{label(unit)}, logarithmic' offset 0,0.4\n"
        "set tmargin at screen 0.49\nset bmargin at screen 0.17\nset logscale y\n"
        f"set yrange [0.7:{most * 1.5}]\nset ytics {10 ** max(1, len(str(most)) // 2)}\n"
        f"set format y '%.0f'\nplot {', '.join(steps)}\nunset multiplot\n")
    name = found[0].benchmark
    return Drawing(f"spread-{slug(name)}",
                   f"Lines: above, the share of the samples of {name} at or below a round trip, "
                   f"in {unit}; below, how many samples lie in each bin, both axes logarithmic; "
                   "one line a policy. The percentile table has the numbers.", WIDTH, 320, script)


def bins(low: int, high: int) -> np.ndarray:
    """Edges of bins that are equally wide on a logarithmic axis, but never narrower than 1."""
    edges = np.unique(np.floor(np.geomspace(low, high + 1, BINS + 1)).astype(np.int64))
    return np.append(edges[edges <= high], high + 1)


def histogram(values: np.ndarray, counts: np.ndarray,
              edges: np.ndarray) -> list[tuple[float, int]]:
    """The outline of the bins that hold any, (value, samples), down to 0 beside them. What lies
    below the first edge counts into the first bin."""
    home = np.maximum(0, np.searchsorted(edges, values, side="right") - 1)
    sums = np.bincount(home, weights=counts, minlength=len(edges) - 1).astype(np.int64)
    outline = []
    for start, end, count in zip(edges[:-1].tolist(), edges[1:].tolist(), sums.tolist()):
        outline += [(start, count), (end, count)]
    # On a logarithmic axis 0 is anything below its lower end.
    return [(x, count or 0.1) for x, count in outline]


def cumulative(values: np.ndarray, counts: np.ndarray) -> list[tuple[int, float]]:
    """(value, percent of samples at or below it), at most POINTS of them, both ends kept."""
    shares = 100 * np.cumsum(counts) / counts.sum()
    keep = np.unique(np.searchsorted(shares, np.linspace(0, 100, POINTS), side="left"))
    keep = np.unique(np.append(np.minimum(keep, len(values) - 1), [0, len(values) - 1]))
    return [(int(values[0]), 0.0), *((int(values[at]), round(float(shares[at]), 4))
                                     for at in keep)]

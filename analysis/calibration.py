# SPDX-License-Identifier: MIT
"""What the measuring itself cost, as run.json has it; and taking that off, where it is asked for."""

from dataclasses import replace
from typing import Any

import numpy as np

from .document import Node
from .errors import NotPossible
from .results import Result
from .run import Run
from .statistics import Absent, distribution

# The figure of each probe level; off costs nothing by construction.
LEVEL_FIGURES = {level: f"probes_{level}"
                 for level in ("counts", "stamps", "full", "hardware", "pmu")}


def read(run: Run) -> dict[str, dict[str, Any]]:
    """The figures by name: {"what", "n", "min", "p50", "max"} or {"what", "absent"}."""
    figures = Node(run.document, run.path / "run.json")["calibration"]
    for name in figures.object():
        node = figures[name]
        node["what"].text()
        if "absent" in node:
            node["absent"].text()
        else:
            for key in ("n", "min", "p50", "max"):
                if not isinstance(node[key].value, int):
                    raise node[key].bad("a whole number is needed")
    return dict(figures.object())


def without_probes(run: Run, found: list[Result]) -> list[Result]:
    """The results less what their probe level cost by each exit (the calibration's p50)."""
    figures = read(run)
    return [_less(run, figures, result) for result in found]


def _less(run: Run, figures: dict[str, dict[str, Any]], result: Result) -> Result:
    level = result.probe_level
    if level == "off" or run.benchmarks[result.benchmark].get("stub") == "floor":
        return result
    figure = figures.get(LEVEL_FIGURES.get(level, ""), {"absent": "the run does not say"})
    if "absent" in figure:
        raise NotPossible(f"the cost of probes {level} cannot be taken off: {figure['absent']}")
    cost = round(figure["p50"] * result.exits_per_op)
    repetitions = tuple(values - np.int64(cost) for values in result.repetitions)
    rounds = result.rounds and {key: value if key == "n" else value - cost
                                for key, value in result.rounds.items()}
    doubling = (result.doubling if isinstance(result.doubling, Absent)
                else result.doubling - cost)
    return replace(result, repetitions=repetitions,
                   net=distribution(np.concatenate(repetitions)), rounds=rounds,
                   doubling=doubling,
                   repetition_p50=tuple(value - cost for value in result.repetition_p50))

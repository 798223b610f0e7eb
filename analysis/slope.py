# SPDX-License-Identifier: MIT
"""The net round trip measured a second way: by what a second operation in the sample adds.

An op sample is an empty sample, the preparation and the operation; a sample of the phase "twice"
holds preparation and operation two times. The difference of the two is both of them without any
stamp around, and the control tells how much of that is the preparation. Where the two ways
disagree, something in the sample is neither: a first operation that is not like the next.
"""

from . import calibration
from .results import Result
from .run import Run
from .statistics import Absent

# Beyond which the two disagree: never in ticks, which are exact; else the larger of these.
CYCLES_APART = 10
SHARE_APART = 0.05


def slope(run: Run, result: Result) -> int | Absent:
    """In the run's unit, to be held against the net p50."""
    if isinstance(result.doubling, Absent):
        return result.doubling
    empty = calibration.read(run).get("sample", {"absent": "the run does not say"})
    if "absent" in empty:
        return Absent(f"no figure for an empty sample: {empty['absent']}")
    return result.doubling + empty["p50"]


def disagrees(unit: str, net: int, by_slope: int) -> bool:
    """Whether the net p50 and the slope are further apart than noise explains."""
    allowed = 0 if unit == "ticks" else max(CYCLES_APART, SHARE_APART * abs(net))
    return abs(net - by_slope) > allowed


def warnings(run: Run, found: list[Result]) -> list[str]:
    """The results that the slope does not bear out, a line each."""
    lines = []
    for result in found:
        second, net = slope(run, result), result.net["p50"]
        if not isinstance(second, Absent) and disagrees(run.unit, net, second):
            lines.append(f"doubtful: {result.name}: {net} {run.unit} less the control, but a second "
                         f"operation in the sample adds {second}")
    return lines

# SPDX-License-Identifier: MIT
"""The arithmetic: distributions, the split into parts, counters per exit. No files, no text.

All times are differences of TSC stamps in the run's unit (ticks on Bochs), signed 64-bit.
"""

from dataclasses import dataclass

import numpy as np

from .stream import RECORD_HAS_COUNTS, RECORD_LEFT
from .totals import COUNTERS

# Percentiles by name, in thousandths: whole numbers, so that a rank is computed exactly.
PERCENTILES = {"p50": 500, "p90": 900, "p99": 990, "p99.9": 999}

# What a machine with other work does to a sample only ever adds to it, so that a low quantile tells
# more of the operation than the median does; in thousandths, too.
LOW = 50

# The parts of a round trip, in order, and the record's stamps that divide them.
PARTS = ("exit_transition", "save_and_dispatch", "handler", "restore", "entry_transition")
STAMPS = ("entered", "dispatched", "handled", "entering")

# The sixth, of a sample with several exits: from each one's last stamp to the next one's first.
BETWEEN = "between"
PART_NAMES = {part: part.replace("_", " ") for part in (*PARTS, BETWEEN)}


@dataclass(frozen=True)
class Absent:
    """What could not be measured, and why. Never a zero."""

    reason: str


def rank(count: int, thousandths: int) -> int:
    """Position, from 0, of a nearest-rank percentile among count sorted values.

    The definition of numpy's inverted_cdf in whole numbers: 0.999 is no binary fraction, and
    numpy's own rank can come out one too high.
    """
    return max(1, -(-count * thousandths // 1000)) - 1


def median(values: np.ndarray) -> int:
    """Nearest-rank median of one or more values: always a value that occurred."""
    place = rank(len(values), 500)
    return int(np.partition(values, place)[place])


def low(values: np.ndarray) -> int:
    """The nearest-rank LOW quantile of one or more values."""
    place = rank(len(values), LOW)
    return int(np.partition(values, place)[place])


def distribution(values: np.ndarray) -> dict[str, int]:
    """n, min, max and the nearest-rank percentiles of one or more values."""
    ordered = np.sort(values)
    points = {name: int(ordered[rank(len(ordered), place)])
              for name, place in PERCENTILES.items()}
    return {"n": len(ordered), "min": int(ordered[0]), **points, "max": int(ordered[-1])}


def durations(samples: np.ndarray) -> np.ndarray:
    """end - start of u64[n, 2] samples, signed: a clock that ran backwards shows as below 0."""
    return (samples[:, 1] - samples[:, 0]).view(np.int64)


def homes(samples: np.ndarray, moments: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The index of the last sample that began at each moment or before, -1 if there is none; and
    whether it still ran then."""
    if not len(samples):
        return np.full(len(moments), -1), np.zeros(len(moments), dtype=bool)
    each = _each(samples, moments)
    if each:
        return np.repeat(np.arange(len(samples)), each), _inside_in_turn(samples, moments, each)
    home = np.searchsorted(samples[:, 0], moments, side="right") - 1
    return home, (home >= 0) & (moments <= samples[home, 1])


def inside(samples: np.ndarray, moments: np.ndarray) -> np.ndarray:
    """homes()' second half alone."""
    each = _each(samples, moments)
    return (_inside_in_turn(samples, moments, each) if each
            else homes(samples, moments)[1])


def _inside_in_turn(samples: np.ndarray, moments: np.ndarray, each: int) -> np.ndarray:
    return (moments.reshape(-1, each) <= samples[:, 1:]).reshape(-1)


def _each(samples: np.ndarray, moments: np.ndarray) -> int:
    """How many moments each sample has, where they are in turn; else 0."""
    each, rest = divmod(len(moments), max(1, len(samples)))
    return each if each and not rest and len(samples) and _in_turn(
        samples, moments.reshape(-1, each)) else 0


def _in_turn(samples: np.ndarray, moments: np.ndarray) -> bool:
    """Whether each sample has its row of moments: none before it began, none as late as the next.
    So it nearly always is, and asking is cheaper than searching."""
    start = samples[:, 0]
    return bool(np.all(moments >= start[:, None]) and np.all(moments[:-1] < start[1:, None]))


def chosen(records: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """records[mask]; where they are one piece, the piece itself and no copy of it."""
    count = np.count_nonzero(mask)
    first = int(np.argmax(mask)) if count else 0
    if mask[first:first + count].all():
        return records[first:first + count]
    return records[mask]


def exits(samples: np.ndarray, records: np.ndarray) -> np.ndarray:
    """The records that are VM exits of the operation: not the one that ends the phase, nor those
    of what a benchmark does before its first sample and after its last."""
    taken = chosen(records, (records["flags"] & RECORD_LEFT) == 0)
    return chosen(taken, inside(samples, taken["entered"]))


def split(samples: np.ndarray, records: np.ndarray | None, discarded: int) -> np.ndarray | Absent:
    """The parts of each round trip: int64[5, n] in the order of PARTS, or with BETWEEN behind
    them int64[6, n], where samples hold several exits.

    Given when every sample holds as many records as every other, one or more, that is of such
    whose stamps lie between the sample's two. The transitions are those of its first exit and of
    its last; the core's own parts are sums over its exits. The parts of a sample add up to its
    end - start, exactly.
    """
    found = _held(samples, records, discarded)
    if isinstance(found, Absent):
        return found
    taken, held = found
    fewest, most = int(held.min()), int(held.max())
    if fewest == 0:
        return _not_one_each(held)
    if fewest < most:
        return Absent(f"samples hold different numbers of exits, from {fewest} to {most}")
    taken = taken.reshape(len(samples), most)
    entered, dispatched, handled, entering = (taken[name].astype(np.uint64) for name in STAMPS)
    steps = [entered[:, :1] - samples[:, :1], dispatched - entered, handled - dispatched,
             entering - handled, samples[:, 1:] - entering[:, -1:]]
    if most > 1:
        steps.append(entered[:, 1:] - entering[:, :-1])
    spans = [step.view(np.int64) for step in steps]
    if any(np.any(span < 0) for span in spans):
        return Absent("time stamps of a record run backwards")
    parts = np.stack([span.sum(axis=1) for span in spans])
    if not np.array_equal(parts.sum(axis=0), durations(samples)):
        raise AssertionError("the parts do not add up to the sample")
    return parts


def one_exit_each(samples: np.ndarray, records: np.ndarray | None,
                  discarded: int) -> np.ndarray | Absent:
    """The one record that each sample holds, in the order of the samples."""
    found = _held(samples, records, discarded)
    if isinstance(found, Absent):
        return found
    taken, held = found
    return taken if np.all(held == 1) else _not_one_each(held)


def _not_one_each(held: np.ndarray) -> Absent:
    return Absent(f"of {len(held)} samples {np.count_nonzero(held == 0)} hold no exit and "
                  f"{np.count_nonzero(held > 1)} more than one")


def _held(samples: np.ndarray, records: np.ndarray | None,
          discarded: int) -> tuple[np.ndarray, np.ndarray] | Absent:
    """The records that lie within samples, sample by sample, and how many of them each holds."""
    if records is None:
        return Absent("the measured phase kept no records")
    taken = exits(samples, records)
    if discarded:
        return Absent(f"{discarded} records of the measured phase were discarded")
    if len(taken) == 0:
        return Absent("takes no exit")
    start, end = samples[:, 0], samples[:, 1]
    if np.any(end < start) or np.any(start[1:] < end[:-1]):
        return Absent("the samples do not follow one another in time")
    home, _ = homes(samples, taken["entered"])
    inside = (home >= 0) & (taken["entering"] <= end[home])
    home, taken = chosen(home, inside), chosen(taken, inside)
    held = np.bincount(home, minlength=len(samples))
    if np.any(home[1:] < home[:-1]):
        taken = taken[np.argsort(home, kind="stable")]
    return taken, held


def counters(samples: np.ndarray, records: np.ndarray) -> tuple[dict[str, int], int]:
    """Sums of COUNTERS over the exits whose record has counts, and the number of those exits."""
    taken = exits(samples, records)
    taken = chosen(taken, (taken["flags"] & RECORD_HAS_COUNTS) != 0)
    return {name: int(taken[name].sum(dtype=np.uint64)) for name in COUNTERS}, len(taken)


def exit_reasons(samples: np.ndarray, records: np.ndarray) -> dict[int, int]:
    """Exits by basic exit reason."""
    numbers, counts = np.unique(exits(samples, records)["reason"], return_counts=True)
    return {int(number): int(count) for number, count in zip(numbers, counts)}

# SPDX-License-Identifier: MIT
"""What run.json itself holds of a phase: sums of the level "counts", and folded rounds."""

from dataclasses import dataclass

from .document import Node

# What an exit cost the core, as records and sums count it.
COUNTERS = ("vmreads", "vmwrites", "msr_accesses", "xsetbvs", "invalidations")

# The histograms of folded rounds: a sample's round trip, and the core's own parts of it.
HISTOGRAMS = ("round_trip", "save_and_dispatch", "handler", "restore")


@dataclass(frozen=True)
class Totals:
    """Exits by basic exit reason, those that ended a round included; and what all of them cost."""

    exits: dict[int, int]
    costs: dict[str, int]


@dataclass(frozen=True)
class Histogram:
    """Log-linear (probes/histogram.h): the lowest value of each bucket that holds any, and how
    many. total is the exact sum of all n values, min and max are exact too."""

    n: int
    total: int
    min: int
    max: int
    buckets: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Folded:
    """All rounds of a phase that ran several. totals: None where it kept no records."""

    rounds: int
    samples: int
    records: int
    discarded: int
    totals: Totals | None
    histograms: dict[str, Histogram | None]


def read_totals(node: Node) -> Totals | None:
    """The sums at node, or None for null."""
    if node.value is None:
        return None
    exits = {reason: count.count() for reason, count in node["exits"].by_number("exit reason")}
    return Totals(exits, {name: node[name].count() for name in COUNTERS})


def _read_histogram(node: Node) -> Histogram | None:
    if node.value is None:
        return None
    buckets = []
    for entry in node["buckets"]:
        pair = [item.count() for item in entry]
        if len(pair) != 2 or pair[1] == 0 or (buckets and pair[0] <= buckets[-1][0]):
            raise entry.bad("not the next bucket: lowest value and how many")
        buckets.append((pair[0], pair[1]))
    n, least, most = (node[key].count() for key in ("n", "min", "max"))
    if n == 0 or sum(count for _, count in buckets) != n:
        raise node["n"].bad(f"{n}, which is not what the buckets hold")
    if not buckets[0][0] <= least <= most or most < buckets[-1][0]:
        raise node["min"].bad(f"from {least} to {most} is not where the buckets lie")
    return Histogram(n, node["sum"].count(), least, most, tuple(buckets))


def read_folded(node: Node, samples: int) -> Folded | None:
    """The folded rounds at node, of so many samples each; or None for null."""
    if node.value is None:
        return None
    rounds = node["rounds"].count()
    if rounds == 0 or node["samples"].count() != rounds * samples:
        raise node["samples"].bad(f"{node['samples'].value}, not {rounds} rounds of {samples}")
    histograms = {name: _read_histogram(node["histograms"][name]) for name in HISTOGRAMS}
    trips = histograms["round_trip"]
    if (trips.n if trips else 0) != rounds * samples:
        raise node["histograms"]["round_trip"].bad(f"it is not of the {rounds * samples} samples")
    return Folded(rounds, node["samples"].value, node["records"].count(),
                  node["discarded"].count(), read_totals(node["totals"]), histograms)

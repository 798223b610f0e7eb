# SPDX-License-Identifier: MIT
"""How many records a second the trace's reader takes in, on one core: a made-up trace of as many
records as a long run leaves.

Two figures, of several passes each: decoded, which is every packet header walked and every record's
time stamps checked against one another, as opening a run does; and summed, which is the same and
then every field that the statistics use, by exit reason.

usage: ci/trace_speed.py LAYOUT [--records N] [--passes N] [--at-least N] [--json]"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysis.layout import Layout, load_layout  # noqa: E402
from analysis.stream import PACKET_MAGIC, RECORD_HAS_COUNTS, RECORD_LEFT, Stream  # noqa: E402

PACKET_RECORDS = 100_000
REASONS = (10, 18, 30, 31, 32, 48)
COUNTS = ("vmreads", "vmwrites", "msr_accesses", "xsetbvs", "invalidations")
PHASE = 3


def make_trace(file: Path, layout: Layout, records: int) -> None:
    """Packets of exits a few hundred ticks apart, as `run --probes full` keeps them."""
    random = np.random.default_rng(1)
    now = 1000
    with file.open("wb") as stream:
        for job, first in enumerate(range(0, records, PACKET_RECORDS)):
            count = min(PACKET_RECORDS, records - first)
            packet = np.zeros(1, layout.packet)
            packet["timestamp_begin"] = now
            body = np.zeros(count, layout.record)
            body["entered"] = now + 200 * np.arange(1, count + 1, dtype="u8")
            body["dispatched"] = body["entered"] + np.uint64(20)
            body["handled"] = body["dispatched"] + random.integers(30, 90, count).astype("u8")
            body["entering"] = body["handled"] + np.uint64(17)
            body["reason"] = random.choice(REASONS, count)
            body["flags"] = RECORD_HAS_COUNTS
            body["vmreads"], body["vmwrites"] = 4, 1
            body["flags"][-1] |= RECORD_LEFT
            body["entering"][-1] = 0
            now = int(body["handled"][-1]) + 10
            packet["magic"], packet["timestamp_end"] = PACKET_MAGIC, now
            packet["content_size"] = packet["packet_size"] = 8 * (
                layout.packet.itemsize + body.nbytes)
            packet["job"], packet["phase"] = job, PHASE
            stream.write(packet.tobytes())
            stream.write(body.tobytes())


def decode(file: Path, layout: Layout, total: int, sums: bool) -> int:
    """One pass over the whole file; returns how many records it was."""
    stream = Stream(file, 0, 0, layout.packet, layout.record)
    taken = 0
    for offset, packet in stream.packets.items():
        count = min(PACKET_RECORDS, total - taken)
        records, whole = stream.records(offset, count, int(packet.header["job"]), PHASE)
        if not whole:
            sys.exit(f"trace_speed: {stream.damages}")
        taken += len(records)
        if sums:
            add_up(records)
    return taken


def add_up(records: np.ndarray) -> dict[int, list[int]]:
    """Exits, ticks of each part and counts, by exit reason."""
    kept = records[(records["flags"] & RECORD_LEFT) == 0]
    reasons = kept["reason"]
    parts = [kept["dispatched"] - kept["entered"], kept["handled"] - kept["dispatched"],
             kept["entering"] - kept["handled"], *(kept[name] for name in COUNTS)]
    columns = [np.bincount(reasons), *(np.bincount(reasons, weights=part) for part in parts)]
    return {int(reason): [int(column[reason]) for column in columns]
            for reason in np.flatnonzero(columns[0])}


def measure(file: Path, layout: Layout, total: int, passes: int, sums: bool) -> list[float]:
    """Million records a second, of each pass: by the CPU time of this one thread, which is the wall
    clock's on a core that nothing else wants."""
    rates = []
    for _ in range(passes):
        begin = time.thread_time()
        if decode(file, layout, total, sums) != total:
            sys.exit("trace_speed: records are missing")
        rates.append(total / (time.thread_time() - begin) / 1e6)
    return sorted(rates)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("layout", type=Path, help="layout.json of any run")
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--passes", type=int, default=5)
    parser.add_argument("--at-least", type=float, default=0, metavar="N",
                        help="fail unless the median pass decodes so many million records a second")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core
    layout = load_layout(options.layout)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "cpu0"
        make_trace(file, layout, options.records)
        figures = {name: measure(file, layout, options.records, options.passes, sums)
                   for name, sums in (("decoded", False), ("summed", True))}
    if options.json:
        print(json.dumps({"records": options.records, "passes": options.passes,
                          "unit": "million records/s of CPU time", **figures}))
    else:
        for name, rates in figures.items():
            print(f"trace {name}: {rates[len(rates) // 2]:.1f} million records/s on one core "
                  f"(median of {len(rates)} passes over {options.records:,} records; "
                  f"{rates[0]:.1f} to {rates[-1]:.1f})")
    return int(figures["decoded"][options.passes // 2] < options.at_least)


if __name__ == "__main__":
    sys.exit(main())

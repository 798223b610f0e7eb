# SPDX-License-Identifier: MIT
"""The Chrome trace event format in JSON, which ui.perfetto.dev and chrome://tracing read: a slice a
phase of a job, in it a slice an exit, in that the core's three parts, on a track a CPU.

A tick or TSC cycle is written as 1 ns: the format has times in microseconds."""

import json
from collections.abc import Iterator
from typing import TextIO

import numpy as np

from .export_records import COUNTERS, blocks, ends, packets, reason_name
from .run import Run
from .stream import RECORD_HAS_COUNTS, RECORD_LEFT

def write(run: Run, stream: TextIO) -> None:
    head = {"target": run.target, "unit": run.unit, "cpu_model": run.fact("machine", "cpu_model"),
            "time": f"1 ns stands for one of the {run.unit}"}
    stream.write(f'{{"displayTimeUnit": "ns", "otherData": {json.dumps(head)}, "traceEvents": [')
    comma = "\n"
    for event in events(run):
        stream.write(comma + event)
        comma = ",\n"
    stream.write("\n]}\n")


def events(run: Run) -> Iterator[str]:
    """Each event as JSON, put together by hand: there may be tens of millions."""
    yield _name("process_name", f"exitmeter {run.target}", "")
    for cpu in sorted({each.cpu for each in run.trace.streams.values()} if run.trace else ()):
        yield _name("thread_name", f"CPU {cpu}", f'"tid":{cpu},')
    origin = min((packet.begin for packet in packets(run)), default=0)
    for packet in packets(run):
        yield _slice(json.dumps(f"{packet.name} {packet.phase}"), packet.cpu, packet.begin - origin,
                     packet.end - packet.begin, f',"args":{{"records":{len(packet.records)}}}')
        for block in blocks(packet.records):
            yield from _exits(run, packet.cpu, block, origin)


def _name(what: str, name: str, place: str) -> str:
    return f'{{"ph":"M","name":"{what}","pid":1,{place}"args":{{"name":{json.dumps(name)}}}}}'


def _slice(name: str, cpu: int, start: int, length: int, arguments: str = "") -> str:
    """name: a JSON string."""
    return (f'{{"ph":"X","pid":1,"tid":{cpu},"name":{name},"ts":{start / 1000:.3f},'
            f'"dur":{length / 1000:.3f}{arguments}}}')


def _exits(run: Run, cpu: int, block: np.ndarray, origin: int) -> Iterator[str]:
    names = {reason: json.dumps(reason_name(run, reason))
             for reason in np.unique(block["reason"]).tolist()}
    counts = ",".join(f'"{name}":{{}}' for name in COUNTERS)
    stamps = zip(*(block[name].tolist() for name in ("entered", "dispatched", "handled")),
                 ends(block).tolist())
    costs = zip(*(block[name].tolist() for name in COUNTERS))
    rest = zip(block["reason"].tolist(), block["detail"].tolist(), block["flags"].tolist())
    for (entered, dispatched, handled, last), cost, (reason, detail, flags) in zip(stamps, costs,
                                                                                  rest):
        counted = f",{counts.format(*cost)}" if flags & RECORD_HAS_COUNTS else ""
        yield _slice(names[reason], cpu, entered - origin, last - entered,
                     f',"args":{{"detail":"{detail:#x}"{counted}}}')
        yield _slice('"save and dispatch"', cpu, entered - origin, dispatched - entered)
        yield _slice('"handler"', cpu, dispatched - origin, handled - dispatched)
        if not flags & RECORD_LEFT:
            yield _slice('"restore"', cpu, handled - origin, last - handled)

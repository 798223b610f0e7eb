# SPDX-License-Identifier: MIT
"""All records of a run as they lie in its trace, for exports: a packet at a time, a block at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from .run import PHASES, Job, Run
from .stream import RECORD_LEFT, disorder

BLOCK = 1 << 14

COUNTERS = ("vmreads", "vmwrites", "msr_accesses", "xsetbvs", "invalidations")


@dataclass(frozen=True)
class Packet:
    """What one phase of a job recorded on one CPU: records are views of the file, those before the
    first that is damaged. job: None where run.json has none of that number."""

    cpu: int
    job: Job | None
    number: int
    phase: str
    begin: int
    end: int
    records: np.ndarray

    @property
    def name(self) -> str:
        return self.job.name if self.job else f"job {self.number}"


def packets(run: Run) -> Iterator[Packet]:
    """In the order of each stream; CPU by CPU."""
    for stream in run.trace.streams.values() if run.trace else ():
        size, length = stream.record.itemsize, stream.header.itemsize
        for packet in stream.packets.values():
            header = packet.header
            count = max(0, packet.bytes - length) // size
            start = packet.offset + length
            records = stream.bytes[start:start + count * size].view(stream.record)
            bad, _ = disorder(records, header)
            number, phase = int(header["job"]), int(header["phase"])
            yield Packet(stream.cpu, run.jobs[number] if number < len(run.jobs) else None, number,
                         PHASES[phase] if phase < len(PHASES) else f"phase {phase}",
                         int(header["timestamp_begin"]), int(header["timestamp_end"]),
                         records if bad is None else records[:bad])


def blocks(records: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(records), BLOCK):
        yield records[start:start + BLOCK]


def ends(records: np.ndarray) -> np.ndarray:
    """The last stamp of each: of one that left the vCPU there is no VM entry."""
    return np.where(records["flags"] & RECORD_LEFT, records["handled"], records["entering"])


def reason_name(run: Run, reason: int) -> str:
    return run.reason_names.get(reason, f"exit reason {reason}")

# SPDX-License-Identifier: MIT
"""CSV: a line a sample, or a line a record."""

import csv
from typing import TextIO

import numpy as np

from .export_records import blocks, packets, reason_name
from .run import Run

SAMPLE_HEADS = ("target", "benchmark", "policy", "repetition", "phase", "sample", "start", "end",
                "round_trip")
RECORD_HEADS = ("cpu", "job", "phase", "reason_name")


def write_samples(run: Run, stream: TextIO) -> None:
    """round_trip is end - start, control included, in the run's unit."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(SAMPLE_HEADS)
    for job in run.measured_jobs:
        for name, phase in job.phases.items():
            head = [run.target, job.benchmark, job.policy, job.repetition, name]
            first = 0
            for block in blocks(phase.samples):
                taken = (block[:, 1] - block[:, 0]).view(np.int64)
                rows = zip(block[:, 0].tolist(), block[:, 1].tolist(), taken.tolist())
                writer.writerows([*head, number, *row] for number, row in enumerate(rows, first))
                first += len(block)


def write_records(run: Run, stream: TextIO) -> None:
    """Every field of the layout; wide records have more of them, so that their columns are empty in
    the others' lines."""
    layouts = ([each.record.names for each in run.trace.streams.values()] if run.trace else [])
    columns = max(layouts, key=len, default=())
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([*RECORD_HEADS, *columns])
    for packet in packets(run):
        names = packet.records.dtype.names
        rest = [""] * (len(columns) - len(names))
        head = [packet.cpu, packet.name, packet.phase]
        for block in blocks(packet.records):
            rows = zip(*(block[name].tolist() for name in names))
            writer.writerows([*head, reason_name(run, reason), *row, *rest]
                             for reason, row in zip(block["reason"].tolist(), rows))

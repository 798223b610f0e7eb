# SPDX-License-Identifier: MIT
"""VM entries that failed, as a failed job's trace and sums show them."""

import numpy as np

from .totals import Totals

# probes/record.h, probes/probe_cpu.h, and bit 31 of the VMCS's exit reason.
RECORD_VMFAIL = 16
REASON_VMFAIL = 94
ENTRY_FAILURE = 1 << 15


def in_records(records: np.ndarray, names: dict[int, str]) -> list[str]:
    """Each failed entry by its name: a VMfail, or a VM exit that the entry ended in."""
    lines = []
    failed = (records["flags"] & RECORD_VMFAIL) | (records["reason_flags"] & ENTRY_FAILURE)
    for record in records[failed != 0]:
        number, error = int(record["reason"]), int(record["detail"])
        line = names.get(number, f"exit reason {number}")
        if record["flags"] & RECORD_VMFAIL:
            line += f": VM-instruction error {error}" if error else ": VMfailInvalid"
        lines.append(line)
    return lines


def in_totals(totals: Totals) -> list[str]:
    """The level "counts" keeps how many."""
    count = totals.exits.get(REASON_VMFAIL, 0)
    return [f"{count} that VMfailed"] if count else []

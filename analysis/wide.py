# SPDX-License-Identifier: MIT
"""The arithmetic of wide records: the CPU's own stamp, and performance counters. No files, no text."""

import numpy as np

from .layout import POINTS
from .statistics import Absent, exits, one_exit_each
from .stream import RECORD_HAS_COUNTERS, RECORD_HAS_EXITED

# What the CPU's stamp of the VM exit divides the exit transition into.
TRANSITION_PARTS = ("to_hardware_stamp", "from_hardware_stamp")

# What the host's counters divide the core's own time into.
HOST_PARTS = ("save_and_dispatch", "handler", "restore")

LOW = 0xFFFFFFFF  # counters and the CPU's stamp are kept in 32 bits


def exit_transition(samples: np.ndarray, records: np.ndarray | None,
                    discarded: int) -> np.ndarray | Absent:
    """TRANSITION_PARTS of each sample, int64[2, n]: they add up to the split's exit transition."""
    taken = one_exit_each(samples, records, discarded)
    if isinstance(taken, Absent):
        return taken
    if not np.all(taken["flags"] & RECORD_HAS_EXITED):
        return Absent("its records have no stamp of the CPU's own")
    behind = ((taken["entered"] - taken["exited"]) & np.uint64(LOW)).astype(np.int64)
    whole = (taken["entered"] - samples[:, 0]).view(np.int64)
    if np.any(behind > whole):
        return Absent("the CPU's own stamps do not lie between the guest's and the host's")
    return np.stack([whole - behind, behind])


def _differences(later: np.ndarray, earlier: np.ndarray, mask: int) -> np.ndarray:
    return ((later - earlier) & np.uint32(mask & LOW)).astype(np.int64)


def _counted(samples: np.ndarray, records: np.ndarray | None) -> np.ndarray | Absent:
    if records is None:
        return Absent("the measured phase kept no records")
    taken = exits(samples, records)
    if len(taken) == 0:
        return Absent("takes no exit")
    if not np.all(taken["flags"] & RECORD_HAS_COUNTERS):
        return Absent("its records have no counters")
    return taken


def host_events(samples: np.ndarray, records: np.ndarray | None, place: int,
                mask: int) -> np.ndarray | Absent:
    """What the event at a place counted in HOST_PARTS of each exit, int64[3, n]."""
    taken = _counted(samples, records)
    if isinstance(taken, Absent):
        return taken
    return np.stack([_differences(taken[f"{later}_{place}"], taken[f"{earlier}_{place}"], mask)
                     for earlier, later in zip(POINTS, POINTS[1:])])


def guest_events(samples: np.ndarray, records: np.ndarray | None, place: int,
                 mask: int) -> np.ndarray | Absent:
    """What it counted in the guest before each exit but the first, since the exit before."""
    taken = _counted(samples, records)
    if isinstance(taken, Absent):
        return taken
    if len(taken) < 2:
        return Absent("takes one exit only, and none before it")
    counter = taken[f"guest_{place}"]
    return _differences(counter[1:], counter[:-1], mask)

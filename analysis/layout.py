# SPDX-License-Identifier: MIT
"""The layout of the trace as numpy dtypes, built from a run's layout.json.

No offset, width or field list is written down in Python: the file is generated from
probes/record_fields.h and probes/packet_fields.h, the lists that the C structs come from.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .document import Node, load

SCHEMA = "exitmeter.layout/1"
SIZE_LIMIT = 4096

# What the analysis reads. A layout may have more; one that lacks any of these is refused.
RECORD_NEEDS = ("entered", "reason", "reason_flags", "flags", "dispatched", "handled", "entering",
                "detail", "vmreads", "vmwrites", "msr_accesses", "xsetbvs", "invalidations")
PACKET_NEEDS = ("magic", "stream_id", "timestamp_begin", "timestamp_end", "content_size",
                "packet_size", "events_discarded", "cpu_id", "job", "phase")


@dataclass(frozen=True)
class Layout:
    """The two fixed-size structures of a stream file."""

    packet: np.dtype
    record: np.dtype


def load_layout(file: Path) -> Layout:
    """Read layout.json."""
    node = load(file)
    node.schema(SCHEMA)
    return Layout(packet=_dtype(node, "packet", PACKET_NEEDS),
                  record=_dtype(node, "record", RECORD_NEEDS))


def _dtype(top: Node, structure: str, needs: tuple[str, ...]) -> np.dtype:
    """One structure: fields of "name", "offset" in bytes and "bits", little-endian. Both
    structures take "record_size" bytes, so that records stay aligned behind a packet header."""
    size = top["record_size"].count()
    if size > SIZE_LIMIT:
        raise top["record_size"].bad(f"{size} bytes are too many for a record")
    node = top[structure]
    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    end = 0
    for field in node:
        name, offset, bits = field["name"].text(), field["offset"].count(), field["bits"].count()
        if bits not in (8, 16, 32, 64):
            raise field["bits"].bad(f"{bits} is not 8, 16, 32 or 64")
        if name in names:
            raise field["name"].bad(f'"{name}" stands twice')
        if offset < end:
            raise field["offset"].bad(f'"{name}" overlaps the field before it')
        end = offset + bits // 8
        if end > size:
            raise field["offset"].bad(f'"{name}" ends beyond the {size} bytes of the structure')
        names.append(name)
        formats.append(f"<u{bits // 8}")
        offsets.append(offset)
    for name in needs:
        if name not in names:
            raise node.bad(f'field "{name}" is missing')
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})

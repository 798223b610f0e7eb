# SPDX-License-Identifier: MIT
"""The layout of the trace as numpy dtypes, built from a run's layout.json.

No offset, width or field list is written down in Python: the file is generated from
probes/record_fields.h, wide_fields.h and packet_fields.h, the lists that the C structs come from.
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
POINTS = ("entered", "dispatched", "handled", "entering")
PLACES = range(3)
WIDE_NEEDS = ("exited", *(f"{point}_{place}" for point in ("guest", *POINTS) for place in PLACES))
PACKET_NEEDS = ("magic", "stream_id", "timestamp_begin", "timestamp_end", "content_size",
                "packet_size", "events_discarded", "cpu_id", "job", "phase")


@dataclass(frozen=True)
class Layout:
    """The fixed-size structures of stream files. wide, a record and what follows it, is that of the
    second stream class; None where the run was made before there were any."""

    packet: np.dtype
    record: np.dtype
    wide: np.dtype | None = None


def load_layout(file: Path) -> Layout:
    """Read layout.json."""
    node = load(file)
    node.schema(SCHEMA)
    return Layout(packet=_dtype(node, ("packet",), "record_size", PACKET_NEEDS),
                  record=_dtype(node, ("record",), "record_size", RECORD_NEEDS),
                  wide=_dtype(node, ("record", "wide"), "wide_record_size",
                              RECORD_NEEDS + WIDE_NEEDS) if "wide" in node else None)


def _dtype(top: Node, structures: tuple[str, ...], size_key: str,
           needs: tuple[str, ...]) -> np.dtype:
    """One structure: fields of "name", "offset" in bytes and "bits", little-endian, of one list or
    of several. Packet headers take as many bytes as records, so that these stay aligned."""
    size = top[size_key].count()
    if size > SIZE_LIMIT:
        raise top[size_key].bad(f"{size} bytes are too many for a record")
    names: list[str] = []
    formats: list[str] = []
    offsets: list[int] = []
    end = 0
    for field in (field for structure in structures for field in top[structure]):
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
            raise top[structures[-1]].bad(f'field "{name}" is missing')
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": size})

# SPDX-License-Identifier: MIT
"""The streams in trace/ as they lie on disk: packets, each a header and an array of records."""

import re
from pathlib import Path

import numpy as np

from .errors import BadInput
from .layout import load_layout

# probes/record.h
PACKET_MAGIC = 0xC1FC1FC1
RECORD_HAS_COUNTS = 1
RECORD_HAS_EXITED = 2
RECORD_LEFT = 4
RECORD_HAS_COUNTERS = 8


class Trace:
    """The trace of a run: records in stream_0, wide ones in stream_1, if there are any."""

    def __init__(self, run: Path) -> None:
        self.metadata = run / "trace" / "metadata"
        layout = load_layout(run / "layout.json")
        self.streams = [Stream(run, 0, layout.packet, layout.record)]
        if layout.wide and (run / "trace" / "stream_1").exists():
            self.streams.append(Stream(run, 1, layout.packet, layout.wide))

    def event_names(self) -> dict[int, str]:
        """Names of exit reasons: the events that trace/metadata declares. Empty if it has none."""
        try:
            text = self.metadata.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {}
        names: dict[int, str] = {}
        for block in re.split(r"\bevent\s*\{", text)[1:]:
            name = re.search(r'\bname\s*=\s*"([^"]*)"', block)
            number = re.search(r"\bid\s*=\s*(0x[0-9a-fA-F]+|\d+)", block)
            if name and number:
                names[int(number[1], 0)] = name[1]
        return names


class Stream:
    """One stream. Opening it walks the packet headers, so a stream that was cut off anywhere but
    between two packets is found out at once."""

    def __init__(self, run: Path, number: int, packet: np.dtype, record: np.dtype) -> None:
        self.file = run / "trace" / f"stream_{number}"
        self.number = number
        self.packet = packet
        self.record = record
        try:
            size = self.file.stat().st_size
            self.bytes = (np.memmap(self.file, dtype="u1", mode="r") if size
                          else np.zeros(0, dtype="u1"))
        except OSError as error:
            raise BadInput(f"{self.file}: cannot be read: {error.strerror}") from error
        self.packets = self._walk()

    def _walk(self) -> dict[int, np.void]:
        """Header of each packet by its offset in bytes."""
        packets: dict[int, np.void] = {}
        header_bytes = self.packet.itemsize
        offset = 0
        while offset < len(self.bytes):
            if offset + header_bytes > len(self.bytes):
                raise self._bad(offset, "the packet header is cut off")
            header = self.bytes[offset:offset + header_bytes].view(self.packet)[0]
            if header["magic"] != PACKET_MAGIC:
                raise self._bad(offset, f"no packet: magic is {int(header['magic']):#x}, "
                                        f"not {PACKET_MAGIC:#x}")
            if header["stream_id"] != self.number:
                raise self._bad(offset, f"stream id is {header['stream_id']}, not {self.number}")
            packet_bits, content_bits = int(header["packet_size"]), int(header["content_size"])
            if packet_bits % 8 or not header_bytes * 8 <= content_bits <= packet_bits:
                raise self._bad(offset, f"a packet of {packet_bits} bits cannot hold "
                                        f"{content_bits} bits")
            packets[offset] = header
            offset += packet_bits // 8
            if offset > len(self.bytes):
                raise self._bad(offset - packet_bits // 8,
                                f"the packet takes {packet_bits // 8} bytes, the file ends "
                                f"{offset - len(self.bytes)} bytes short: cut off")
        return packets

    def records(self, offset: int, count: int, job: int, phase: int) -> np.ndarray:
        """The records of the packet at offset, which must be that phase's with count records."""
        if offset not in self.packets:
            raise self._bad(offset, f"run.json puts a packet of job {job} here, there is none")
        header = self.packets[offset]
        if (header["job"], header["phase"]) != (job, phase):
            raise self._bad(offset, f"packet of job {header['job']} phase {header['phase']}, "
                                    f"but run.json says job {job} phase {phase}")
        size = count * self.record.itemsize
        start = offset + self.packet.itemsize
        if int(header["content_size"]) != (start - offset + size) * 8:
            raise self._bad(offset, f"the packet has {header['content_size']} bits in use, but "
                                    f"run.json says {count} records")
        return self.bytes[start:start + size].view(self.record)

    def _bad(self, offset: int, what: str) -> BadInput:
        return BadInput(f"{self.file}: at byte {offset}: {what}")

# SPDX-License-Identifier: MIT
"""One stream file of a trace as it lies on disk: the packets of a CPU, each a header and an array
of records. What is damaged is named, by packet and byte offset; what is whole is kept."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .errors import BadInput

# probes/record.h
PACKET_MAGIC = 0xC1FC1FC1
RECORD_HAS_COUNTS = 1
RECORD_HAS_EXITED = 2
RECORD_LEFT = 4
RECORD_HAS_COUNTERS = 8

# Records looked at in one go: a MiB, which stays in the cache.
BLOCK = 1 << 14

MAGIC = re.compile(re.escape(PACKET_MAGIC.to_bytes(4, "little")))


@dataclass(frozen=True)
class Packet:
    """number: among the packets of its file, damaged ones included, from 0. bytes: of it that are
    there; of a packet that was cut off fewer than its header says."""

    number: int
    offset: int
    header: np.void
    bytes: int


class Stream:
    """The packets of one file, which are of one CPU and one stream class. Opening it walks the
    headers. A damaged one ends in damages, and the walk goes on at the next place that looks like a
    packet, if there is one."""

    def __init__(self, file: Path, cpu: int, number: int, header: np.dtype,
                 record: np.dtype) -> None:
        self.file = file
        self.cpu = cpu
        self.number = number
        self.header = header
        self.record = record
        self.damages: list[str] = []
        self.bytes = _map(file)
        self.packets: dict[int, Packet] = {}
        self._numbers: dict[int, int] = {}  # of every packet met, by its offset
        self._walk()

    def _walk(self) -> None:
        offset = discarded = number = 0
        while offset < len(self.bytes):
            self._numbers[offset] = number
            wrong, header, size = self._check(offset)
            if wrong:
                self._damaged(offset, wrong)
                end = self._next(offset + 1)
                if header is not None and size:  # cut off: its first records may be there
                    self.packets[offset] = Packet(number, offset, header, end - offset)
            else:
                self.packets[offset] = Packet(number, offset, header, size)
                if header["events_discarded"] < discarded:  # its records are none the worse for it
                    self._damaged(offset, f"events_discarded fell from {discarded} to "
                                          f"{header['events_discarded']}")
                discarded = int(header["events_discarded"])
                end = offset + size
            number += 1
            offset = end

    def _check(self, offset: int) -> tuple[str, np.void | None, int]:
        """What is wrong with the packet at offset, or nothing; its header if there is one; and its
        size in bytes, 0 if that cannot be believed."""
        length = self.header.itemsize
        if offset + length > len(self.bytes):
            return "the packet header is cut off", None, 0
        header = self.bytes[offset:offset + length].view(self.header)[0]
        if header["magic"] != PACKET_MAGIC:
            return f"no packet: magic is {int(header['magic']):#x}, not {PACKET_MAGIC:#x}", None, 0
        if header["stream_id"] != self.number:
            return f"stream id is {header['stream_id']}, not {self.number}", header, 0
        packet, content = int(header["packet_size"]), int(header["content_size"])
        size, rest = divmod(packet, 8)
        if packet != content or rest or size < length or (
                size - length) % self.record.itemsize:
            return f"a packet of {packet} bits cannot hold {content} bits", header, 0
        if header["cpu_id"] != self.cpu:
            return f"of CPU {header['cpu_id']}, in the file of CPU {self.cpu}", header, 0
        if header["timestamp_end"] < header["timestamp_begin"]:
            return "it ends before it begins", header, 0
        if offset + size > len(self.bytes):
            return (f"the packet takes {size} bytes, the file ends "
                    f"{offset + size - len(self.bytes)} bytes short: cut off"), header, size
        return "", header, size

    def _next(self, start: int) -> int:
        """Where the next packet seems to be: by its magic and a sound header. Else the end."""
        for found in MAGIC.finditer(self.bytes, start):
            if not self._check(found.start())[0]:
                return found.start()
        return len(self.bytes)

    def records(self, offset: int, count: int, job: int, phase: int) -> tuple[np.ndarray, bool]:
        """Records of the packet at offset, which must be that phase's with count records: those
        before the first that is damaged; and whether they are all of them."""
        before = len(self.damages)
        packet = self.packets.get(offset)
        none = np.zeros(0, self.record)
        if packet is None:
            if offset >= len(self.bytes):
                self._damaged(offset, f"the file ends before the packet of job {job} phase {phase}")
            elif not self.damages:
                raise self._bad(offset, f"run.json puts a packet of job {job} here, there is none")
            return none, False
        header = packet.header
        if (header["job"], header["phase"]) != (job, phase):
            self._damaged(offset, f"packet of job {header['job']} phase {header['phase']}, "
                                  f"but run.json says job {job} phase {phase}")
            return none, False
        size, length = self.record.itemsize, self.header.itemsize
        if int(header["content_size"]) != (length + count * size) * 8:
            self._damaged(offset, f"the packet has {header['content_size']} bits in use, but "
                                  f"run.json says {count} records")
        there = min(count, (int(header["content_size"]) // 8 - length) // size,
                    max(0, packet.bytes - length) // size)
        start = offset + length
        records = self.bytes[start:start + there * size].view(self.record)
        bad, what = disorder(records, header)
        if bad is not None:
            self._damaged(start + bad * size, f"record {bad}: {what}", packet.number)
            records = records[:bad]
        return records, len(records) == count and len(self.damages) == before

    def _damaged(self, offset: int, what: str, number: int | None = None) -> None:
        if number is None:
            number = self._numbers.get(offset, len(self._numbers))
        self.damages.append(f"{self.file}: packet {number}, at byte {offset}: {what}")

    def _bad(self, offset: int, what: str) -> BadInput:
        return BadInput(f"{self.file}: at byte {offset}: {what}")


def disorder(records: np.ndarray, header: np.void) -> tuple[int | None, str]:
    """The first record whose time stamps do not follow one another, those before it, and the
    packet's; and how."""
    before, end = header["timestamp_begin"], header["timestamp_end"]
    for start in range(0, len(records), BLOCK):
        block = records[start:start + BLOCK]
        stamps = _Stamps(block)
        if not stamps.in_order(before, end):
            first, what = stamps.disorder(before, end)
            return start + first, what
        before = stamps.last[-1]
    return None, ""


class _Stamps:
    """The time stamps of a block of records, each put together: every field of a record is read
    once, while it is in the cache."""

    def __init__(self, block: np.ndarray) -> None:
        self.entered = block["entered"].copy()
        self.dispatched = block["dispatched"].copy()
        self.handled = block["handled"].copy()
        self.last = block["entering"].copy()  # or handled, of those that did not enter again
        self.left = np.flatnonzero(block["flags"] & RECORD_LEFT)
        self.last[self.left] = self.handled[self.left]

    def in_order(self, before: np.uint64, end: np.uint64) -> bool:
        """Whether all is well, which it mostly is."""
        return bool(self.entered[0] >= before and (self.entered[1:] >= self.last[:-1]).all()
                    and (self.dispatched >= self.entered).all()
                    and (self.handled >= self.dispatched).all()
                    and (self.last >= self.handled).all() and self.last[-1] <= end)

    def disorder(self, before: np.uint64, end: np.uint64) -> tuple[int, str]:
        """The first that is wrong, and what is."""
        previous = np.concatenate([[before], self.last[:-1]])
        checks = (
            (self.entered < previous, "it was entered before what precedes it had ended"),
            (self.dispatched < self.entered, "dispatched before it was entered"),
            (self.handled < self.dispatched, "handled before it was dispatched"),
            (self.last < self.handled, "entering before it was handled"),
            (self.last > end, "it is later than the end of its packet"))
        first = min(int(np.argmax(wrong)) for wrong, _ in checks if wrong.any())
        return first, next(what for wrong, what in checks if wrong[first])


def _map(file: Path) -> np.ndarray:
    try:
        size = file.stat().st_size
        # As a plain array: each view of a memmap object costs it microseconds of its own.
        return (np.memmap(file, dtype="u1", mode="r").view(np.ndarray) if size
                else np.zeros(0, dtype="u1"))
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error

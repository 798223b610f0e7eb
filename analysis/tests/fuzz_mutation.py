# SPDX-License-Identifier: MIT
"""What libFuzzer's inputs are changed to: JSON by its values and not its bytes, a trace by its fields.
Mutation of bytes alone seldom gets beyond the parser."""

import json
import random
from typing import Any

import numpy as np

from .builder import PACKET, RECORD, WIDE

# Written into the text as they stand: json.dumps() would not make all of them.
RAW = ("1e999", "-1e999", "NaN", "1" + 400 * "0", "1" + 5000 * "0", "-0", "1e-320", "[" * 2000)
SCALARS = (None, True, False, 0, 1, -1, 2, 3, 5, 95, 255, 256, 65536, 2**31, 2**32, 2**53 + 1, 2**63 - 1,
           2**63, 2**64 - 1, 2**64, 2**65, 10**30, 0.0, 0.5, -1.5, 1.0, 1e300, "", "0", "0x0", "0x12ab", "any",
           "done", "failed", "skipped", "not_run", "complete", "off", "counts", "full", "pmu", "check", "root",
           "floor", "cpu0", "cpu0_wide", "cpu1", "cpu00", "cpu9999", "ticks", "TSC cycles", "\u00b2",
           "\u0663", "01", "\x1b[2J", "a\nb", "{}", [], {}, [None], [[]], [0], [""], {"": None}, {"absent": "x"})
EDGES = (0, 1, 2, 7, 8, 63, 64, 65, 127, 128, 512, 2**16 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 8,
         2**63, 2**64 - 64, 2**64 - 1)


def places(value: Any, found: list[tuple[Any, Any]] | None = None) -> list[tuple[Any, Any]]:
    """Each value of a document as the list or object that it is in, and its index or key."""
    found = [] if found is None else found
    if isinstance(value, dict):
        pairs = list(value.items())
    else:
        pairs = list(enumerate(value)) if isinstance(value, list) else []
    for key, inner in pairs:
        found.append((value, key))
        places(inner, found)
    return found


def mutate_value(document: Any, chance: random.Random) -> None:
    """One change in place."""
    there = places(document)
    if not there:
        return
    holder, key = chance.choice(there)
    what = chance.randrange(10)
    if what < 3:
        holder[key] = chance.choice(SCALARS)
    elif what == 3:
        other, name = chance.choice(there)
        holder[key] = json.loads(json.dumps(other[name]))
    elif what == 4:
        del holder[key]
    elif what == 5 and isinstance(holder, list):
        holder.insert(chance.randrange(len(holder) + 1), json.loads(json.dumps(holder[key])))
    elif what == 5:
        _, name = chance.choice(there)
        holder[str(name) if chance.randrange(2) else str(chance.choice(SCALARS))] = holder[key]
    elif what == 6:
        holder[key] = f"\ue000{chance.randrange(len(RAW))}\ue001"
    elif isinstance(holder[key], int) and not isinstance(holder[key], bool):
        holder[key] = chance.choice((holder[key] + 1, holder[key] - 1, holder[key] * 2, -holder[key],
                                     holder[key] + 2**32, holder[key] + 2**64))
    elif isinstance(holder[key], str):
        text = holder[key]
        at = chance.randrange(len(text) + 1)
        holder[key] = text[:at] + str(chance.choice(SCALARS)) + text[at + chance.randrange(2):]
    else:
        other, name = chance.choice(there)
        holder[key], other[name] = other[name], holder[key]


def mutate_json(data: bytes, chance: random.Random, sound: Any) -> bytes:
    """A document that differs in a few values; from a sound one where data is none."""
    try:
        document = json.loads(data)
        if not isinstance(document, dict) or chance.randrange(64) == 0:
            raise ValueError
    except (ValueError, RecursionError):
        document = json.loads(json.dumps(sound))
    try:
        for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
            mutate_value(document, chance)
        text = json.dumps(document, separators=(",", ":"))
    except (ValueError, RecursionError):  # a list that was put into itself
        return data
    for number, raw in enumerate(RAW):
        text = text.replace(f'"\\ue000{number}\\ue001"', raw)
    return text.encode()


def mutate_trace(data: bytes, chance: random.Random, dtype: np.dtype) -> bytes:
    """A stream file that differs in a few fields, or from which packets are gone, doubled or moved."""
    for _ in range(chance.choice((1, 1, 2, 3))):
        data = _mutate_packets(bytearray(data), chance, dtype)
    return data


def headers(data: bytes) -> list[int]:
    """Where packets seem to begin."""
    magic, found, at = (0xC1FC1FC1).to_bytes(4, "little"), [], -1
    while (at := data.find(magic, at + 1)) >= 0:
        found.append(at)
    return found


def _mutate_packets(data: bytearray, chance: random.Random, dtype: np.dtype) -> bytes:
    starts = headers(data)
    if not starts:
        return bytes(data)
    number = chance.randrange(len(starts))
    start = starts[number]
    end = starts[number + 1] if number + 1 < len(starts) else len(data)
    what = chance.randrange(12)
    packet = data[start:end]
    if what == 0:
        del data[start:end]
    elif what == 1:
        place = chance.choice([*starts, len(data)])
        data[place:place] = packet
    elif what == 2:
        del data[chance.randrange(len(data)):]
    elif what == 3:
        at = chance.randrange(len(data) + 1)
        data[at:at] = bytes(chance.choice((1, 8, 16, 64, 128)))
    elif what < 8 or end - start < PACKET.itemsize + dtype.itemsize:
        _mutate_field(data, start, PACKET, chance)
    else:
        count = (end - start - PACKET.itemsize) // dtype.itemsize
        _mutate_field(data, start + PACKET.itemsize + chance.randrange(count) * dtype.itemsize, dtype,
                      chance)
    return bytes(data)


def _mutate_field(data: bytearray, start: int, dtype: np.dtype, chance: random.Random) -> None:
    if start + dtype.itemsize > len(data):
        return
    fields = np.frombuffer(data, dtype, 1, start)
    name = chance.choice(dtype.names)
    limit = 1 << 8 * dtype.fields[name][0].itemsize
    was = int(fields[name][0])
    fields[name] = chance.choice((was + 1, was - 1, was * 2, was + 512, was - 512, was + 1024,
                                  chance.choice(EDGES), int(fields[chance.choice(dtype.names)][0]),
                                  chance.randrange(limit))) % limit


DTYPES = {b"0": RECORD, b"1": WIDE}

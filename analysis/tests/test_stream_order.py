# SPDX-License-Identifier: MIT
"""The order of time stamps is checked a block of records at a time: the same is found as record by
record, wherever it is wrong."""

import random

import numpy as np
import pytest

from analysis import stream

RECORD = np.dtype([("entered", "<u8"), ("dispatched", "<u8"), ("handled", "<u8"),
                   ("entering", "<u8"), ("flags", "<u4")])
HEADER = np.zeros(1, [("timestamp_begin", "<u8"), ("timestamp_end", "<u8")])[0]


def one_by_one(records, header):
    before = int(header["timestamp_begin"])
    for index, record in enumerate(records):
        entered, dispatched, handled, entering = (int(record[name]) for name in (
            "entered", "dispatched", "handled", "entering"))
        last = handled if record["flags"] & stream.RECORD_LEFT else entering
        for wrong, what in ((entered < before, "it was entered before what"),
                            (dispatched < entered, "dispatched before"),
                            (handled < dispatched, "handled before"),
                            (last < handled, "entering before"),
                            (last > int(header["timestamp_end"]), "later than the end")):
            if wrong:
                return index, what
        before = last
    return None, ""


def sound(count):
    records = np.zeros(count, RECORD)
    at = 100 + 50 * np.arange(count, dtype="u8")
    for add, name in ((0, "entered"), (10, "dispatched"), (20, "handled"), (30, "entering")):
        records[name] = at + np.uint64(add)
    for index in range(3, count, 7):
        records["flags"][index] = stream.RECORD_LEFT
        records["entering"][index] = 0
    header = HEADER.copy()
    header["timestamp_begin"], header["timestamp_end"] = 100, 100 + 50 * count
    return records, header


@pytest.mark.parametrize("block", [1, 2, 5, 1000])
def test_the_same_as_one_by_one(monkeypatch, block):
    monkeypatch.setattr(stream, "BLOCK", block)
    random.seed(7)
    found = set()
    for count in (0, 1, 2, 9, 40):
        assert stream.disorder(*sound(count)) == (None, "")
    for _ in range(300):
        records, header = sound(random.randint(1, 40))
        for _ in range(random.randint(1, 2)):
            name = random.choice(("entered", "dispatched", "handled", "entering"))
            records[name][random.randrange(len(records))] += random.choice((-45, -15, 15, 3000))
        if random.random() < 0.2:
            header["timestamp_end"] -= 60
        index, what = stream.disorder(records, header)
        expected, words = one_by_one(records, header)
        assert index == expected and words in what
        found.add(words)
    assert len(found) == 6  # every kind, and none

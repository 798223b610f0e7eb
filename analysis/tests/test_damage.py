# SPDX-License-Identifier: MIT
"""A trace that is cut off or corrupt: what is broken is named, by file, packet and byte; what is
whole is shown; and no gate passes on it."""

import json
import random
import re

import numpy as np
import pytest

from analysis.run import open_run

from .builder import PACKET, RECORD, Row, edit

NAMED = re.compile(r"exitmeter: damaged: \S*/trace/cpu0: packet (\d+), at byte (\d+): \S")


def packets(file):
    """Offset and size of each packet of a good trace."""
    data, found, offset = file.read_bytes(), [], 0
    while offset < len(data):
        size = int(np.frombuffer(data, PACKET, 1, offset)["packet_size"][0]) // 8
        found.append((offset, size))
        offset += size
    return found


@pytest.fixture
def small(make):
    """Two jobs of two samples: packets 0 to 3, and 4 to 7."""
    return make("small", [Row(), Row("in")], twice=False, samples=2, count_samples=1)


@pytest.fixture
def tiny(make):
    """Packets 0 to 3."""
    return make("tiny", [Row()], twice=False, samples=2, count_samples=1)


def named(outcome):
    """Packet and byte of each damage; each is named on stdout too."""
    found = [(int(packet), int(offset)) for packet, offset in NAMED.findall(outcome.err)]
    assert len(found) == outcome.err.count("\n") - 1 == outcome.out.count("warning: damaged: ")
    return found


def test_cut_at_every_byte(tiny, tmp_path, call):
    """The packet that is cut is named, and so is each that is gone; those before it are whole."""
    file, held = tiny / "trace" / "cpu0", tmp_path / "held.json"
    assert call("gate", tiny, "--baseline", held, "--update").code == 0
    whole, places = file.read_bytes(), packets(file)
    assert len(places) == 4
    for cut in range(len(whole)):
        file.write_bytes(whole[:cut])
        outcome = call("compare", tiny)
        assert outcome.code == 1
        first = next(number for number, (offset, size) in enumerate(places) if cut < offset + size)
        found = dict.fromkeys(named(outcome))
        offsets = [offset for _, offset in found]
        assert list(found)[0] == (first, places[first][0])
        assert set(offsets) >= {offset for offset, _ in places[first:]}
        assert min(offsets) == places[first][0]
        kept = open_run(tiny)
        for job in kept.jobs:
            for number, phase in enumerate(list(job.phases.values())[:4], 4 * job.index):
                assert phase.damaged == (number >= first)
                offset, size = places[number]
                there = min(size, max(0, cut - offset))
                assert len(phase.records) == max(0, there // 64 - 1)
        if cut % 97 == 0:
            refused = call("gate", tiny, "--baseline", held)
            assert refused.code == 2 and refused.out == "" and f"at byte {offsets[0]}" in refused.err
            assert call("gate", tiny, "--baseline", tmp_path / "new.json", "--update").code == 2
            assert not (tmp_path / "new.json").exists()


# Bytes of a packet header whose every change shows: what CTF, run.json or the file says twice.
CHECKED = ("magic", "stream_id", "content_size", "packet_size", "cpu_id", "job", "phase")


def test_every_byte_flipped(tiny, call):
    """Never a traceback; what can be known to be wrong is named with the packet it is in."""
    file = tiny / "trace" / "cpu0"
    whole, places = file.read_bytes(), packets(file)
    checked = {offset + PACKET.fields[name][1] + byte for offset, _ in places for name in CHECKED
               for byte in range(PACKET.fields[name][0].itemsize)}
    generator = random.Random(3)
    for place in range(len(whole)):
        bad = bytearray(whole)
        bad[place] ^= 1 << generator.randrange(8)
        file.write_bytes(bad)
        outcome = call("compare", tiny)
        number, (offset, size) = next((number, at) for number, at in enumerate(places)
                                      if place < at[0] + at[1])
        if outcome.code == 1:
            assert all(offset <= at < offset + size or packet in (number, number + 1)
                       for packet, at in named(outcome))
        else:
            assert (outcome.code, outcome.err) == (0, "") or (
                outcome.code == 2 and "exits_per_op" in outcome.err)
        if place in checked:
            assert outcome.code == 1 and named(outcome)[0] == (number, offset), place
            others = [phase for job in open_run(tiny).jobs
                      for at, phase in enumerate(job.phases.values(), 4 * job.index)
                      if at != number]
            assert not any(phase.damaged for phase in others)


def change(path, packet, field, value, record=None):
    """Sets a field of a packet's header, or of one of its records; returns the place."""
    file = path / "trace" / "cpu0"
    offset = packets(file)[packet][0]
    raw = bytearray(file.read_bytes())
    if record is None:
        np.frombuffer(raw, PACKET, 1, offset)[field] = value
        file.write_bytes(raw)
        return offset
    offset += 64 * (1 + record)
    np.frombuffer(raw, RECORD, 1, offset)[field] = value
    file.write_bytes(raw)
    return offset


@pytest.mark.parametrize("field, value, what", [
    ("magic", 1, "no packet: magic is 0x1, not 0xc1fc1fc1"), ("stream_id", 2, "stream id is 2"),
    ("content_size", 8, "cannot hold"), ("content_size", 2**40, "cannot hold"),
    ("packet_size", 0, "cannot hold"), ("packet_size", 2**63 - 8, "cannot hold"),
    ("cpu_id", 1, "of CPU 1, in the file of CPU 0"), ("timestamp_end", 1, "ends before it begins"),
    ("job", 9, "packet of job 9 phase 1, but run.json says job 0 phase 1"),
    ("phase", 3, "packet of job 0 phase 3")])
def test_a_broken_packet_header(small, call, field, value, what):
    offset = change(small, 1, field, value)
    outcome = call("compare", small)
    assert outcome.code == 1 and named(outcome) == [(1, offset)]
    assert f"packet 1, at byte {offset}: " in outcome.err and what in outcome.err
    kept = open_run(small).jobs[0].phases
    assert [phase.damaged for phase in list(kept.values())[:4]] == [False, True, False, False]
    assert [len(phase.records) for phase in list(kept.values())[:4]] == [1, 0, 1, 3]


def test_a_packet_that_claims_more_than_the_file(small, call):
    """The next one is found by its magic; what the claim covers is kept as far as that."""
    offset = packets(small / "trace" / "cpu0")[5][0]
    change(small, 5, "content_size", 64 * 8 * 999)
    change(small, 5, "packet_size", 64 * 8 * 999)
    outcome = call("compare", small)
    assert named(outcome)[0] == (5, offset) and "cut off" in outcome.err
    phases = open_run(small).jobs[1].phases
    assert [phase.damaged for phase in list(phases.values())[:4]] == [False, True, False, False]
    assert len(phases["count_op"].records) == 2


@pytest.mark.parametrize("field, value, what", [
    ("entered", 1, "it was entered before what precedes it had ended"),
    ("dispatched", 1, "dispatched before it was entered"),
    ("handled", 1, "handled before it was dispatched"),
    ("entering", 1, "entering before it was handled"),
    ("entering", 2**60, "it is later than the end of its packet")])
def test_time_stamps_out_of_order(small, call, field, value, what):
    """The records before it are whole."""
    offset = change(small, 3, field, value, record=1)
    outcome = call("compare", small)
    assert outcome.code == 1 and named(outcome) == [(3, offset)]
    assert f"record 1: {what}" in outcome.err
    assert len(open_run(small).jobs[0].phases["op"].records) == 1


def test_discarded_events_never_become_fewer(small, call):
    change(small, 2, "events_discarded", 7)
    outcome = call("compare", small)
    assert outcome.code == 1 and "events_discarded fell from 7 to 0" in outcome.err
    assert len(named(outcome)) == 1
    assert not any(phase.damaged for job in open_run(small).jobs for phase in job.phases.values())


def test_rubbish_between_packets_costs_nothing(small, call):
    """The packets behind it are found, but run.json puts them elsewhere."""
    file = small / "trace" / "cpu0"
    whole, (offset, _) = file.read_bytes(), packets(file)[7]
    file.write_bytes(whole + b"rubbish" + whole[:3])
    outcome = call("compare", small)
    assert named(outcome) == [(8, len(whole))]
    assert not any(phase.damaged for job in open_run(small).jobs for phase in job.phases.values())
    file.write_bytes(whole[:offset] + b"rubbish" + whole[offset:])
    outcome = call("compare", small)
    assert outcome.code == 1 and named(outcome)[0] == (7, offset)
    assert [phase.damaged for phase in list(open_run(small).jobs[1].phases.values())[:4]] == [
        False, False, False, True]


def test_what_is_whole_is_shown(make, call, tmp_path):
    """Round trips come from samples.bin; the split of the damaged job is absent, with its reason."""
    path = make("r", twice=False)
    change(path, 11, "magic", 0)  # the op phase of cpuid/intercept-all
    outcome = call("compare", path)
    assert outcome.code == 1
    table = [line.split() for line in outcome.out.splitlines()]
    assert ["cpuid", "45", "1.00", "45", "1.00", "-", "-"] in table
    assert "no split: the trace of it is damaged: cpuid/intercept-all" in outcome.out
    data = json.loads(call("compare", path, "--json").out)
    assert any("packet 11" in line for line in data["warnings"])
    splits = [entry.get("split_absent") for row in data["benchmarks"] for entry in row["policies"]]
    assert splits.count("the trace of it is damaged") == 1
    page = tmp_path / "page.html"
    report = call("report", path, "-o", page)
    assert report.code == 1 and "packet 11" in report.err
    assert "packet 11, at byte" in page.read_text(encoding="utf-8")


def test_either_of_two_runs(make, small, call):
    good = make("good", [Row(), Row("in")], twice=False, samples=2, count_samples=1)
    change(small, 6, "magic", 0)
    for pair in ((good, small), (small, good)):
        outcome = call("compare", *pair)
        assert outcome.code == 1 and NAMED.search(outcome.err)
    assert call("compare", good, good).code == 0


def test_a_damaged_file_that_no_job_names(small, call):
    (small / "trace" / "cpu1").write_bytes(b"x" * 100)
    outcome = call("compare", small)
    assert outcome.code == 1 and "trace/cpu1: packet 0, at byte 0: no packet" in outcome.err


def test_two_cpus(small, call):
    """Packets of the second job in a file of their own."""
    file = small / "trace" / "cpu0"
    whole, places = file.read_bytes(), packets(file)
    at = places[4][0]
    other = bytearray(whole[at:])
    for offset, _ in places[4:]:
        np.frombuffer(other, PACKET, 1, offset - at)["cpu_id"] = 1
    file.write_bytes(whole[:at])
    (small / "trace" / "cpu1").write_bytes(other)

    def move(document):
        for phase in list(document["jobs"][1]["phases"].values())[:4]:
            phase.update(stream="cpu1", packet_offset=phase["packet_offset"] - at)
    before = call("compare", small)
    assert before.code == 1
    edit(small, move)
    outcome = call("compare", small)
    assert outcome.code == 0 and outcome.err == ""
    assert [len(phase.records) for phase in list(open_run(small).jobs[1].phases.values())[:4]] == [1, 2, 1, 3]
    (small / "trace" / "cpu1").write_bytes(other[:-1])
    outcome = call("compare", small)
    assert outcome.code == 1 and "trace/cpu1: packet 3, at byte" in outcome.err

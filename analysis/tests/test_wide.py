# SPDX-License-Identifier: MIT
"""Wide records: the CPU's own stamp and performance events, against values worked out by hand."""

import json

import numpy as np
import pytest

from analysis.results import results
from analysis.run import open_run
from analysis.statistics import Absent
from analysis.wide import exit_transition, guest_events, host_events

from .builder import COUNTS, EXITED, HAS_COUNTERS, LEFT, WIDE, Row, edit

FULL_MASK = "0x0000ffffffffffff"


def event(name, side, place, **more):
    return {"name": name, "side": side, "place": place, **({"mask": FULL_MASK} | more)}


def both(name, place):
    return event(name, "host", place), event(name, "guest", place)


EVENTS = both("instructions", 0) + both("cycles", 1)
# It wraps round on the way, as counters of 32 bits do.
PMU = Row(level="pmu", events=EVENTS, group=1, first_count=2**32 - 25)


def entry_of(outcome):
    return json.loads(outcome.out)["benchmarks"][0]["policies"][0]


def test_the_stamp_divides_the_exit_transition(make):
    result, = results(open_run(make("r", [Row(parts=(5, 10, 20, 8, 4), before=2)],
                                    level="hardware")))
    assert result.split.parts["exit_transition"] == 5
    assert result.transition == {"to_hardware_stamp": 2, "from_hardware_stamp": 3}
    assert result.costs.phase == "op" and result.probe_level == "hardware"
    assert result.events == ()


def sample(start, end, entered, exited, flags=EXITED | COUNTS):
    record = np.zeros(1, WIDE)
    record["entered"], record["exited"], record["flags"] = entered, exited & 0xFFFFFFFF, flags
    for name in ("dispatched", "handled", "entering"):
        record[name] = entered
    return np.array([[start, end]], dtype="<u8"), record


def test_the_stamps_upper_half_is_that_of_the_record():
    high = 7 << 32
    assert exit_transition(*sample(high - 4, high + 9, high + 3, high - 1), 0).tolist() == [[3], [4]]
    assert exit_transition(*sample(high + 1, high + 9, high + 5, high + 1), 0).tolist() == [[0], [4]]


@pytest.mark.parametrize("exited, flags, word", [
    (9, EXITED, "do not lie between"), (16, EXITED, "do not lie between"),
    (12, COUNTS, "no stamp of the CPU's own")])
def test_a_stamp_that_cannot_be_is_none(exited, flags, word):
    found = exit_transition(*sample(10, 20, 15, exited, flags), 0)
    assert isinstance(found, Absent) and word in found.reason


def test_events_by_part_and_side(make):
    result, = results(open_run(make("r", [PMU])))
    first, second = result.events
    assert first.name == "instructions"
    assert first.host == {"save_and_dispatch": 10, "handler": 20, "restore": 30, "whole": 60}
    assert first.guest == 5
    assert second.host["whole"] == 6 and second.guest == 6
    assert result.transition == {"to_hardware_stamp": 3, "from_hardware_stamp": 2}


ALL = np.array([[0, 1]], "<u8")  # one sample, and every record in it


def test_a_counter_is_as_wide_as_it_is():
    records = np.zeros(2, WIDE)
    records["flags"] = HAS_COUNTERS
    records["entered_1"], records["dispatched_1"] = (1 << 24) - 3, 4
    records["guest_1"] = ((1 << 24) - 2, 6)
    assert host_events(ALL, records, 1, (1 << 24) - 1)[0].tolist() == [7, 7]
    assert guest_events(ALL, records, 1, (1 << 24) - 1).tolist() == [8]


def test_the_exit_that_ends_the_phase_counts_nothing():
    records = np.zeros(3, WIDE)
    records["flags"] = HAS_COUNTERS
    records["flags"][2] |= LEFT
    records["guest_0"] = (1, 2, 99)
    assert host_events(ALL, records, 0, 0xFF).shape == (3, 2)
    assert guest_events(ALL, records, 0, 0xFF).tolist() == [1]


@pytest.mark.parametrize("change, word", [
    (lambda d: d["jobs"][0]["events"][0].update(absent="it does not stick"), "it does not stick"),
    (lambda d: d["jobs"][0]["events"].pop(0), "no job that ran counts it"),
])
def test_what_was_not_counted_has_its_reason_and_no_number(make, call, change, word):
    run = make("r", [PMU])
    edit(run, change)
    outcome = call("compare", run)
    entry = entry_of(call("compare", run, "--json"))
    assert entry["events"][0]["host"] is None and entry["events"][0]["host_absent"] == word
    assert entry["events"][0]["guest"] == 5
    assert f"not counted, {word}: instructions in the host" in outcome.out
    row = next(line for line in outcome.out.splitlines() if "instructions  " in line)
    assert row.split()[-5:] == ["-", "-", "-", "-", "5"]


def test_groups_are_joined_and_the_first_has_the_times(make):
    """The second group's jobs take longer by 100: none of that is in the figures."""
    second = Row(level="pmu", group=2, parts=(105, 10, 20, 8, 4), events=both("branches", 0),
                 host=((2, 2, 2), (0, 0, 0), (0, 0, 0)))
    result, = results(open_run(make("r", [PMU, second], repetitions=2)))
    assert [found.name for found in result.events] == ["instructions", "cycles", "branches"]
    assert result.events[2].host["whole"] == 6
    assert result.net["n"] == 40 and result.net["max"] == 45
    assert result.split.parts["exit_transition"] == 5


def test_compare_shows_both(make, call):
    run = make("r", [PMU, Row(benchmark="rdmsr", exits=False, level="pmu", events=EVENTS)],
               level="pmu")
    text = call("compare", run).out
    assert "the exit transition, divided by the CPU's own stamp" in text
    lines = [line.split() for line in text.splitlines()]
    assert ["cpuid/intercept-all", "3", "2"] in lines
    assert ["cpuid/intercept-all", "instructions", "10", "20", "30", "60", "5"] in lines
    assert "not counted, takes no exit: rdmsr/intercept-all" in text
    entry = entry_of(call("compare", run, "--json"))
    assert entry["transition"] == {"to_hardware_stamp": 3, "from_hardware_stamp": 2}
    assert entry["events"][1] == {"name": "cycles", "guest": 6, "host": {
        "save_and_dispatch": 1, "handler": 2, "restore": 3, "whole": 6}}


def test_narrow_records_have_neither(run, call):
    text = call("compare", run).out
    assert "CPU's own stamp" not in text and "performance events" not in text
    entry = entry_of(call("compare", run, "--json"))
    assert entry["transition"] is None and entry["events"] == []


def test_the_probes_cost_is_that_of_the_level_in_force(make, call):
    run = make("r", [Row(level="hardware")], level="pmu")  # asked for, and not to be had
    edit(run, lambda d: d["calibration"].update(
        probes_hardware={"what": "h", "n": 1, "min": 9, "p50": 9, "max": 9},
        probes_pmu={"what": "p", "absent": "no event of its group is counted"}))
    entry = entry_of(call("compare", run, "--without-probes", "--json"))
    assert entry["net"]["p50"] == 45 - 9


@pytest.mark.parametrize("asked", [None, {"model": "hsw"}])
def test_the_cost_of_events_that_nobody_asked_for_is_not_missed(run, call, asked):
    edit(run, lambda d: (d.update(pmu=asked), d["calibration"].update(
        probes_pmu={"what": "p", "absent": "a reason of its own"})))
    assert ("a reason of its own" in call("compare", run).out) == bool(asked)
    shown = json.loads(call("compare", run, "--json").out)["calibration"]
    assert shown["probes_pmu"]["absent"] == "a reason of its own"


@pytest.mark.parametrize("change, word", [
    (lambda d: d["jobs"][0]["events"][0].update(side="both"), 'neither "host" nor "guest"'),
    (lambda d: d["jobs"][0]["events"][0].update(place=3), "3 places"),
    (lambda d: d["jobs"][0]["events"][0].update(mask="ffff"), 'of the form "0x12ab"'),
    (lambda d: d["jobs"][0]["phases"]["op"].update(stream="cpu2_thin"), "no name of a stream"),
    (lambda d: d["jobs"][0]["phases"]["op"].update(stream="cpu2_wide"), "cannot be read"),
])
def test_damaged_runs(make, call, change, word):
    run = make("r", [PMU])
    edit(run, change)
    outcome = call("compare", run)
    assert outcome.code == 2 and any(part in outcome.err for part in word.split("|")), outcome.err


def test_a_stream_of_another_class_is_refused(make, call):
    run = make("r", [PMU])
    stream = run / "trace" / "cpu0_wide"
    data = bytearray(stream.read_bytes())
    data[4] = 0
    stream.write_bytes(data)
    outcome = call("compare", run)
    assert outcome.code == 1
    assert "cpu0_wide: packet 0, at byte 0: stream id is 0, not 1" in outcome.err


def test_a_run_from_before_wide_records(run, call):
    def without(document):
        document.pop("wide")
        document.pop("wide_record_size")
    edit(run / "layout.json", without)
    assert call("compare", run).code == 0

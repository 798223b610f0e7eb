# SPDX-License-Identifier: MIT
"""What fuzzing found in the readers (fuzz_targets.py): files that were taken and then tripped what
shows or judges them, or let through what they should have held."""

import json
import sqlite3

import pytest

from analysis.errors import BadInput
from analysis.run import open_run

from .builder import Row, edit
from .test_profile import document as profile_document

HUGE = "1" + 400 * "0"


def raw(path, key, text):
    """Writes text where a JSON file holds the string "RAW"."""
    file = path / "run.json" if path.is_dir() else path
    document = json.loads(file.read_text(encoding="utf-8"))
    holder = document
    for step in key[:-1]:
        holder = holder[step]
    holder[key[-1]] = "RAW"
    file.write_text(json.dumps(document).replace('"RAW"', text), encoding="utf-8")


@pytest.mark.parametrize("key", [
    ("jobs", 3, "exits_per_op"), ("calibration", "probes_full", "p50"), ("repetitions",),
    ("jobs", 3, "phases", "op", "discarded"), ("jobs", 3, "phases", "op", "sample_offset")])
@pytest.mark.parametrize("text, said", [(HUGE, "more than 64 bits"), ("1e999", "64 bits"),
                                        ("-1e999", "64 bits"), ("18446744073709551616", "64 bits")])
def test_numbers_that_nothing_holds(run, call, key, text, said):
    """numpy, floats and statistics overflow, here and there only."""
    raw(run, key, text)
    for command in (("compare", run), ("compare", run, "--without-probes"), ("report", run)):
        outcome = call(*command)
        assert outcome.code == 2 and said in outcome.err and "run.json" in outcome.err


def test_the_widest_number_is_one(run):
    raw(run, ("machine", "memory_bytes"), str(2**64 - 1))
    open_run(run)


def test_a_baseline_of_such_numbers(run, baseline, call):
    for text in (HUGE, "1e999"):
        raw(baseline, ("benchmarks", "cpuid", "intercept-all", "p50"), text)
        outcome = call("gate", run, "--baseline", baseline)
        assert outcome.code == 2 and "bochs.json" in outcome.err
    raw(baseline, ("benchmarks", "cpuid", "intercept-all", "p50"), "1e300")
    outcome = call("gate", run, "--baseline", baseline)
    assert outcome.code == 2 and "p50: 1e+300 is too large" in outcome.err


@pytest.mark.parametrize("key", ["slack", "max_ratio", "see", "limit", "level"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", HUGE])
def test_rules_that_would_let_everything_pass(run, baseline, call, key, value):
    """No number is above NaN: a gate by such a rule is none."""
    rules = baseline.with_name("r.toml")
    rules.write_text('schema = "exitmeter.rules/1"\n[[rule]]\nmetric = "p50"\nhold = "exact"\n'
                     f"{key} = {value}\n")
    outcome = call("gate", run, "--baseline", baseline, "--rules", rules)
    assert outcome.code == 2 and f"r.toml: rule 1: {key}: {value[:3]}" in outcome.err


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 20000])
def test_toml_that_trips_its_parser(run, baseline, call, text):
    rules = baseline.with_name("r.toml")
    rules.write_text(text)
    outcome = call("gate", run, "--baseline", baseline, "--rules", rules)
    assert outcome.code == 2 and "r.toml: not valid TOML: " in outcome.err


def test_numbers_of_events_in_the_metadata(run):
    """What is no decimal or hexadecimal number names nothing, and hinders nothing."""
    file = run / "trace" / "metadata"
    for number in ("010", "0x", "9" * 5000, "\u0663", "0b1"):
        file.write_text(f'event {{ name = "X"; id = {number}; }};\nevent {{ name = "Y"; id = 0x12; }};',
                        encoding="utf-8")
        assert open_run(run).reason_names == {18: "Y"}


def test_records_that_no_packet_has(make, call):
    """What is counted must be somewhere, and of exits some phase must say which they were."""
    path = make("counts", [Row(level="counts")])
    edit(path, lambda d: d["jobs"][0]["phases"]["count_op"].update({"packet_offset": None}))
    outcome = call("compare", path)
    assert outcome.code == 2 and "count_op.records" in outcome.err
    assert "packet_offset names no packet" in outcome.err
    edit(path, lambda d: d["jobs"][0]["phases"]["count_op"].update({"records": 0}))
    outcome = call("compare", path)
    assert outcome.code == 2 and "jobs[0]: neither op nor count_op has records" in outcome.err


@pytest.mark.parametrize("key", ["\u00b2", "010", "\u0663", "", "-1", "1_0", "9" * 20])
def test_keys_that_are_no_exit_reason(make, tmp_path, call, key):
    """Two ways to write a number would be two sums, one of which was lost."""
    path = make("counts", [Row(level="counts")])
    edit(path, lambda d: d["jobs"][0]["phases"]["op"]["totals"]["exits"].update({key: 5}))
    with pytest.raises(BadInput, match="is no exit reason"):
        open_run(path)
    document = profile_document()
    document["profiles"][0]["profile"]["over_time"]["reasons"][key] = {"count": [0, 0], "ticks": [0, 0]}
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "run.json").write_text(json.dumps(document))
    outcome = call("profile", tmp_path / "p")
    assert outcome.code == 2 and "is no exit reason" in outcome.err


HISTOGRAM = {"n": 40, "sum": 999, "min": 5, "max": 31, "buckets": [[5, 20], [30, 20]]}
FOLDED = {"rounds": 2, "samples": 40, "records": 42, "discarded": 0, "totals": None,
          "histograms": dict.fromkeys(("round_trip", "save_and_dispatch", "handler", "restore"), HISTOGRAM)}


def fold(change):
    """A run of two rounds, the op phase's sums of which change(folded) has struck."""
    def rounds(document):
        document["rounds"] = 2
        phases = document["jobs"][3]["phases"]
        for name, records in (("op", 42), ("control", 2)):
            phases[name]["folded"] = json.loads(json.dumps(FOLDED)) | {"records": records}
        change(phases["op"]["folded"])
    return rounds


def test_rounds_are_read(run, call):
    edit(run, fold(lambda folded: None))
    rows = json.loads(call("compare", run, "--json").out)["benchmarks"]
    cpuid = next(row for row in rows if row["name"] == "cpuid")["policies"][1]
    control = cpuid["control"][0]
    assert cpuid["exits_per_op"] == 1
    assert cpuid["rounds"] == {"n": 40, "min": 5 - control, "p50": 5 - control, "p90": 30 - control,
                               "p99": 30 - control, "p99.9": 30 - control, "max": 31 - control}


@pytest.mark.parametrize("change, said", [
    (lambda folded: folded.update(rounds=0, samples=0), "samples: 0, not 0 rounds of 20"),
    (lambda folded: folded.update(samples=39), "samples: 39, not 2 rounds of 20"),
    (lambda folded: folded["histograms"].update(round_trip=None), "round_trip: it is not of the 40"),
    (lambda folded: folded["histograms"]["round_trip"].update(n=20, buckets=[[5, 20]], max=5),
     "round_trip: it is not of the 40 samples"),
    (lambda folded: folded["histograms"]["handler"].update(n=39), "which is not what the buckets hold"),
    (lambda folded: folded["histograms"]["handler"].update(min=4), "from 4 to 31 is not where"),
    (lambda folded: folded["histograms"]["handler"].update(max=29), "from 5 to 29 is not where"),
    (lambda folded: folded["histograms"]["handler"].update(min=32), "from 32 to 31 is not where"),
    (lambda folded: folded["histograms"]["handler"].update(buckets=[]), "not what the buckets hold"),
    (lambda folded: folded["histograms"]["handler"].update(buckets=[[30, 20], [5, 20]]), "next bucket")])
def test_rounds_that_do_not_add_up(run, call, change, said):
    edit(run, fold(change))
    outcome = call("compare", run)
    assert outcome.code == 2 and "jobs[3].phases.op.folded" in outcome.err and said in outcome.err


def test_what_a_benchmark_says_of_itself(run):
    for change, said in ((lambda row: row["exits"].append({}), 'exits[1]: key "reason" is missing'),
                         (lambda row: row.update(exits=3), "exits: a list is needed"),
                         (lambda row: row.update(instruction=[]), "instruction: a string")):
        text = (run / "run.json").read_text()
        edit(run, lambda document: change(document["benchmarks"][0]))
        with pytest.raises(BadInput) as caught:
            open_run(run)
        assert f"benchmarks[0].{said}" in str(caught.value)
        (run / "run.json").write_text(text)


@pytest.mark.parametrize("monitor, said", [
    ({"notes": 1.5}, "monitor.notes: a list is needed"), ({"notes": None}, "monitor.notes: a list"),
    ({"notes": ["x", 3]}, "monitor.notes[1]: a string"), (3, "monitor: an object is needed")])
def test_notes_of_a_monitor(run, monitor, said):
    edit(run, lambda document: document.update(monitor=monitor))
    with pytest.raises(BadInput) as caught:
        open_run(run)
    assert said in str(caught.value)


def test_a_directory_in_place_of_samples(run, call):
    (run / "samples.bin").unlink()
    (run / "samples.bin").mkdir()
    outcome = call("compare", run)
    assert outcome.code == 2 and "samples.bin: " in outcome.err


@pytest.mark.parametrize("statement", [
    "UPDATE figures SET value = 'x'", "UPDATE figures SET value = 9e999",
    "UPDATE runs SET facts = '[]'", "UPDATE runs SET facts = 'x'", "UPDATE runs SET facts = '{\"a\": 1}'",
    "UPDATE runs SET facts = x'00'", f"UPDATE runs SET facts = '{'[' * 100000}'",
    "UPDATE runs SET time = x'00'", "UPDATE series SET key = '{}'", "UPDATE series SET key = '3'",
    "UPDATE items SET benchmark = x'00' WHERE id = 1"])
def test_a_history_that_holds_something_else(run, tmp_path, call, statement):
    db = tmp_path / "h.db"
    assert call("history", "add", run, "--db", db).code == 0
    connection = sqlite3.connect(db)
    connection.execute(statement)
    connection.commit()
    connection.close()
    for command in (("list",), ("show",), ("list", "--json"), ("show", "--json")):
        outcome = call("history", *command, "--db", db)
        assert outcome.code == 2, (statement, command)
        assert "h.db: no history, or a damaged one: " in outcome.err

# SPDX-License-Identifier: MIT
"""Broken, cut-off and unlike run directories: one clear error, exit code 2, never a traceback."""

import json
import random

import pytest

from analysis.errors import BadInput
from analysis.run import open_run

from .builder import Row, edit


def refused(path, *parts):
    with pytest.raises(BadInput) as caught:
        open_run(path)
    for part in parts:
        assert part in str(caught.value)
    return str(caught.value)


def op(document, job=2):
    return document["jobs"][job]["phases"]["op"]


def test_a_good_run_opens(run):
    opened = open_run(run)
    assert [job.name for job in opened.jobs][2:4] == ["bochs/cpuid/passthrough-all",
                                                      "bochs/cpuid/intercept-all"]
    assert opened.jobs[2].phases["op"].samples.shape == (20, 2)
    assert len(opened.jobs[2].phases["op"].records) == 21
    assert opened.jobs[0].phases["op"].records is None
    assert opened.reason_names == {10: "CPUID", 18: "VMCALL"}


def test_not_a_run(tmp_path, run):
    refused(tmp_path / "nothing", "no such run")
    refused(run / "run.json", "not a run directory")
    refused(tmp_path, "run.json", "cannot be read")


@pytest.mark.parametrize("text, what", [
    ("", "not valid JSON"), ("{", "not valid JSON"), ("[]", "an object is needed"),
    ('{"schema": NaN}', "NaN"), ('{"a": 1, "a": 2}', "stands twice"), ("{}", '"schema" is missing'),
    ('{"schema": "\\ud800"}', "not valid JSON"), ("[" * 100000, "not valid JSON"),
    ('{"schema": "exitmeter.run/1"}', '"exitmeter.run/3" is needed')])
def test_broken_run_json(run, text, what):
    (run / "run.json").write_text(text, encoding="utf-8")
    refused(run, "run.json", what)


def test_run_json_of_other_bytes(run):
    (run / "run.json").write_bytes(b"\xff\xfe\x00")
    refused(run, "run.json", "UTF-8")


CHANGES = [
    (lambda d: d.pop("unit"), '"unit" is missing'),
    (lambda d: d.update(unit=3), "unit: a string"),
    (lambda d: d.update(status="fine"), "status"),
    (lambda d: d.update(samples=0), "samples: 1 or more"),
    (lambda d: d.update(samples=-1), "samples: a whole number"),
    (lambda d: d.update(samples=True), "samples: a whole number"),
    (lambda d: d.update(jobs={}), "jobs: a list"),
    (lambda d: d["jobs"][1].update(index=7), "jobs[1].index: 7 at position 1"),
    (lambda d: d["jobs"][1].update(status="odd"), 'jobs[1].status: "odd"'),
    (lambda d: d["jobs"][1].update(status="failed"), 'status: "complete", yet'),
    (lambda d: d["jobs"][1].update(benchmark="x"), "not among the benchmarks"),
    (lambda d: d["jobs"][1].update(policy="x"), "not among the policies"),
    (lambda d: d["jobs"][2]["phases"].pop("op"), 'jobs[2].phases: key "op" is missing'),
    (lambda d: op(d).update(samples=19), "jobs[2].phases.op.samples: 19, but the run takes 20"),
    (lambda d: op(d).update(sample_offset=10**6), "samples.bin: 330 samples, but jobs[2]"),
    (lambda d: op(d).update(sample_offset=0), "shares samples with"),
    (lambda d: op(d).update(packet_offset=3), "there is none"),
    (lambda d: op(d).update(packet_offset=-1), "packet_offset: a whole number"),
    (lambda d: op(d).update(stream="metadata"), '"metadata" is no name of a stream'),
    (lambda d: op(d).update(stream="../cpu0"), '"../cpu0" is no name of a stream'),
    (lambda d: op(d).update(stream="cpu1"), "trace/cpu1: cannot be read"),
    (lambda d: op(d).update(stream=None), "stream: a string is needed"),
]


@pytest.mark.parametrize("change, what", CHANGES)
def test_wrong_values_in_run_json(run, change, what):
    edit(run, change)
    refused(run, what)


def test_stated_exits_must_be_what_the_records_say(run, call):
    edit(run, lambda d: d["jobs"][2].update(exits_per_op=0.5))
    outcome = call("compare", run)
    assert outcome.code == 2
    assert "jobs[2].exits_per_op: 0.5, but the trace's records say 1" in outcome.err


def test_samples_cut_anywhere_are_refused(run):
    file = run / "samples.bin"
    whole = file.read_bytes()
    for place in random.Random(8).sample(range(len(whole)), 60) + [0, len(whole) - 16]:
        file.write_bytes(whole[:place])
        refused(run, "samples.bin", "cut off")


def test_noise_never_ends_in_a_traceback(run, call):
    """Bytes flipped at random in any file: an answer or an error, never an exception."""
    generator = random.Random(9)
    files = [run / "run.json", run / "layout.json", run / "trace" / "cpu0",
             run / "samples.bin"]
    for _ in range(200):
        file = generator.choice(files)
        good = file.read_bytes()
        bad = bytearray(good)
        for _ in range(generator.randint(1, 4)):
            bad[generator.randrange(len(bad))] = generator.randrange(256)
        file.write_bytes(bad)
        outcome = call("compare", run)
        assert outcome.code in (0, 1, 2)
        assert bool(outcome.err) == (outcome.code > 0)
        assert outcome.code != 1 or file.name == "cpu0" or "cpu0: packet" in outcome.err
        file.write_bytes(good)


@pytest.mark.parametrize("change, what", [
    (lambda d: d.update(schema="x"), "schema"),
    (lambda d: d.update(record=3), "record: a list is needed"),
    (lambda d: d.update(record_size=63), "ends beyond the 63 bytes"),
    (lambda d: d.update(record_size=10**9), "too many"),
    (lambda d: d.update(record_size=10**30), "more than 64 bits"),
    (lambda d: d["record"].pop(0), 'field "entered" is missing'),
    (lambda d: d["record"][1].update(bits=12), "12 is not 8, 16, 32 or 64"),
    (lambda d: d["record"][1].update(offset=4), "overlaps"),
    (lambda d: d["record"][1].update(name="entered"), "stands twice"),
    (lambda d: d["packet"].pop(0), 'field "magic" is missing')])
def test_broken_layout(run, change, what):
    edit(run / "layout.json", change)
    refused(run, "layout.json", what)


@pytest.mark.parametrize("name", ["run.json", "layout.json", "trace/cpu0"])
def test_missing_files(run, name):
    (run / name).unlink()
    refused(run, name, "cannot be read")


def test_a_layout_with_fields_moved_is_followed(run):
    """The reader takes offsets from the file: swap two fields and their values swap."""
    def swap(layout):
        fields = {entry["name"]: entry for entry in layout["record"]}
        fields["vmreads"]["name"], fields["vmwrites"]["name"] = "vmwrites", "vmreads"
    before = open_run(run).jobs[2].phases["op"].records[0]
    edit(run / "layout.json", swap)
    after = open_run(run).jobs[2].phases["op"].records[0]
    assert (before["vmreads"], before["vmwrites"]) == (4, 2)
    assert (after["vmreads"], after["vmwrites"]) == (2, 4)


def test_failed_and_skipped_jobs_need_no_data(make):
    path = make("r", [Row(), Row("rdmsr", status="failed", reason="triple fault"),
                      Row("icr", status="skipped", reason="no x2APIC")], reason="a job failed")
    opened = open_run(path)
    assert opened.failed and [job.status for job in opened.missing_jobs] == ["failed", "skipped"]
    assert json.loads((path / "run.json").read_text())["status"] == "failed"

# SPDX-License-Identifier: MIT
"""export: each format by a reader that is not ours, where there is one."""

import csv
import io
import json
import subprocess

import pytest

from .builder import Row, edit
from .conftest import standard
from .test_profile import NAMES, document


@pytest.fixture
def export(call):
    def run(path, form, *arguments, code=0):
        outcome = call("export", path, "--format", form, *arguments)
        assert outcome.code == code, outcome.err
        return outcome.out
    return run


def test_csv_of_samples(run, export):
    rows = list(csv.DictReader(io.StringIO(export(run, "csv"))))
    assert len(rows) == 6 * (20 + 20 + 5 + 5 + 5)
    mine = [row for row in rows if (row["benchmark"], row["policy"], row["phase"]) ==
            ("cpuid", "intercept-all", "op")]
    assert [int(row["sample"]) for row in mine] == list(range(20))
    assert {row["round_trip"] for row in mine} == {"47"}
    assert all(int(row["end"]) - int(row["start"]) == 47 for row in mine)


def test_csv_of_records(run, export):
    rows = list(csv.DictReader(io.StringIO(export(run, "csv", "--of", "records"))))
    mine = [row for row in rows if row["job"] == "bochs/cpuid/intercept-all" and row["phase"] == "op"]
    assert [row["reason_name"] for row in mine] == ["CPUID"] * 20 + ["VMCALL"]
    assert {row["vmreads"] for row in mine[:20]} == {"4"}


def test_csv_of_wide_records_beside_others(make, export):
    path = make("wide", [Row(level="pmu"), Row("in")])
    rows = list(csv.DictReader(io.StringIO(export(path, "csv", "--of", "records"))))
    wide = [row for row in rows if row["job"].startswith("bochs/cpuid") and row["phase"] == "op"]
    assert wide[3]["exited"].isdigit() and wide[3]["entering_2"].isdigit()
    plain = [row for row in rows if row["job"].startswith("bochs/in") and row["phase"] == "op"]
    assert plain[3]["exited"] == "" and plain[3]["vmreads"] == "4"


def nested(events):
    """The slices of a track by depth, as a viewer stacks them; fails where two overlap by half."""
    depths, open_ends = [], []
    for event in sorted(events, key=lambda event: (event["ts"], -event["dur"])):
        begin, end = round(event["ts"] * 1000), round((event["ts"] + event["dur"]) * 1000)
        while open_ends and open_ends[-1] <= begin:
            open_ends.pop()
        assert not open_ends or end <= open_ends[-1], event
        depths.append((len(open_ends), event["name"]))
        open_ends.append(end)
    return depths


def test_perfetto(run, export):
    trace = json.loads(export(run, "perfetto"))
    slices = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    exits = [event for event in slices if event["name"] == "CPUID"]
    assert len(exits) == 2 * (20 + 5 + 5) + 2 * 5  # cpuid, and the floor's counting phase
    assert exits[-1]["args"] == {"detail": "0x0", "vmreads": 4, "vmwrites": 2, "msr_accesses": 0,
                                 "xsetbvs": 0, "invalidations": 0}
    depths = nested([event for event in slices if event["dur"]])
    assert {depth for depth, name in depths if name == "CPUID"} == {1}
    assert {depth for depth, name in depths if name in ("handler", "restore")} == {2}
    assert {depth for depth, name in depths if name == "bochs/cpuid/intercept-all op"} == {0}
    names = [event["name"] for event in slices]
    left = names.count("VMCALL")  # ends a phase, and enters no guest
    assert left and names.count("restore") == names.count("handler") - left
    handlers = [event["dur"] for event in slices if event["name"] == "handler"]
    assert 0.02 in handlers and 0.03 in handlers  # 20 and 30 ticks, a tick being a ns
    assert {event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "M"} == {
        "exitmeter bochs", "CPU 0"}


def test_folded(run, export):
    stacks = dict(line.rsplit(" ", 1) for line in export(run, "folded").splitlines())
    assert stacks["intercept-all;cpuid;CPUID;handler"] == str(20 * 20)
    assert stacks["intercept-all;cpuid;exit transition"] == str(20 * 5)
    assert stacks["intercept-all;rdmsr;exit reason 31;handler"] == str(20 * 30)
    assert not any("passthrough-all;rdmsr" in stack for stack in stacks)


def test_folded_of_a_profile(tmp_path, export, call):
    directory = tmp_path / "profile"
    directory.mkdir()
    (directory / "run.json").write_text(json.dumps(document()))
    (directory / "names.json").write_text(json.dumps(NAMES))
    stacks = dict(line.rsplit(" ", 1) for line in export(directory, "folded").splitlines())
    assert stacks["all;guest"] == "2000"
    assert stacks["all;core;RDMSR;MSR 0xc0000080 IA32_EFER;restore"] == "220"
    assert sum(map(int, stacks.values())) == 2500
    outcome = call("export", directory, "--format", "csv")
    assert outcome.code == 3 and "--format folded" in outcome.err


def test_openmetrics_by_prometheus_own_parser(make, export):
    parser = pytest.importorskip("prometheus_client.openmetrics.parser")
    path = make("r", [*standard(), Row("out", status="skipped", reason="none")])
    edit(path, lambda d: d["machine"].update(cpu_model='a "b"\\\n'))
    families = {family.name: family
                for family in parser.text_string_to_metric_families(export(path, "openmetrics"))}
    info, = families["exitmeter_run"].samples
    assert info.labels["cpu_model"] == 'a "b"\\\n'
    trips = families["exitmeter_round_trip_ticks"]
    assert (trips.type, trips.unit) == ("gauge", "ticks")
    value, = [sample.value for sample in trips.samples if sample.labels == {
        "target": "bochs", "benchmark": "cpuid", "policy": "intercept-all", "stat": "p50"}]
    assert value == 45
    handler, = [sample.value for sample in families["exitmeter_part_ticks"].samples
                if sample.labels["benchmark"] == "rdmsr" and sample.labels["part"] == "handler"]
    assert handler == 30
    per_exit = {(sample.labels["benchmark"], sample.labels["policy"])
                for sample in families["exitmeter_per_exit"].samples}
    assert ("rdmsr", "passthrough-all") not in per_exit and ("cpuid", "passthrough-all") in per_exit
    assert not any(sample.labels.get("benchmark") == "out" for family in families.values()
                   for sample in family.samples)


def test_ctf_is_a_copy_and_needs_a_place(run, export, call, tmp_path):
    assert export(run, "ctf", "-o", tmp_path / "trace") == ""
    assert (tmp_path / "trace" / "cpu0").read_bytes() == (run / "trace" / "cpu0").read_bytes()
    assert (tmp_path / "trace" / "metadata").exists()
    again = call("export", run, "--format", "ctf", "-o", tmp_path / "trace")
    assert again.code == 2 and "there already" in again.err
    assert "-o DIRECTORY is needed" in call("export", run, "--format", "ctf").err


def test_ctf_of_a_run_without_records(make, call, tmp_path):
    path = make("off", [Row(status="skipped", reason="no")])
    (path / "trace" / "cpu0").write_bytes(b"")
    outcome = call("export", path, "--format", "ctf", "-o", tmp_path / "trace")
    assert outcome.code == 3 and not (tmp_path / "trace").exists()


def test_into_a_file(run, call, tmp_path):
    file = tmp_path / "samples.csv"
    assert call("export", run, "--format", "csv", "-o", file).code == 0
    assert file.read_text().startswith("target,benchmark,")
    outcome = call("export", run, "--format", "csv", "-o", tmp_path / "none" / "x")
    assert outcome.code == 2 and "cannot be written" in outcome.err
    assert call("export", run, "--format", "folded", "--of", "records").code == 2


def test_a_reader_that_leaves(run):
    """Closed before anything is written."""
    from .test_compare import ROOT
    process = subprocess.Popen(["/usr/bin/python3", "-m", "analysis", "export", str(run),
                                "--format", "csv"], cwd=ROOT, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b"" and process.wait() == 0


def test_what_is_whole_of_a_damaged_trace(run, call):
    stream = run / "trace" / "cpu0"
    stream.write_bytes(stream.read_bytes()[:-70])
    outcome = call("export", run, "--format", "perfetto")
    assert outcome.code == 1 and "cut off" in outcome.err
    assert len(json.loads(outcome.out)["traceEvents"]) > 100

# SPDX-License-Identifier: MIT
"""Jobs that something disturbed, from the results to run.json and benchmark.json."""

import json

import pytest

import synthetic


def run(home, validity):
    home.good_bochs(jobs={1: {"validity": validity}} if validity else {})
    result = home.run("run", "-o", "R", "--samples", "40")
    assert result.returncode == 0, result.stderr
    jobs = json.loads((home.work / "R" / "run.json").read_text())["jobs"]
    entries = json.loads((home.work / "R" / "benchmark.json").read_text())["benchmarks"]
    return jobs[0]["validity"], jobs[1]["validity"], entries[0], entries[1]


def test_what_the_cpu_cannot_tell_is_absent(home):
    first, _, entry, _ = run(home, None)
    assert first["disturbed"] == []
    assert first["smis"] is None and first["smis_absent"] == "no count"
    assert first["nmis"] is None
    assert first["clocks"] is None and first["clocks_absent"] == "no clocks"
    assert [reading["aperf"] for reading in first["readings"]] == [None] * 3
    assert [reading["smi_count"] for reading in first["readings"]] == [None] * 3
    assert not {"smis", "core_per_mille", "disturbed"} & set(entry)


def test_a_calm_job_says_so(home):
    _, calm, _, entry = run(home, {"smis": 0, "nmis": 0, "core": (1300, 1300)})
    assert calm["disturbed"] == [] and calm["smis"] == 0 and calm["nmis"] == 0
    assert calm["clocks"] == {"control": {"core_per_mille": 1300, "awake_per_mille": 1000},
                              "op": {"core_per_mille": 1300, "awake_per_mille": 1000}}
    assert "smis_absent" not in calm and "clocks_absent" not in calm
    assert (entry["smis"], entry["core_per_mille"]) == (0, 1300) and "disturbed" not in entry


@pytest.mark.parametrize("verdict, more, words", [
    (synthetic.SMI, {"smis": 1}, ["1 SMI during the job"]),
    (synthetic.SMI, {"smis": 2}, ["2 SMIs during the job"]),
    (synthetic.NMI, {"nmis": 1}, ["1 NMI between VM exits and VM entries, or outside of guests"]),
    (synthetic.NMI, {"nmis": 4}, ["4 NMIs between VM exits and VM entries, or outside of guests"]),
    (synthetic.FREQUENCY, {"core": (900, 1300)},
     ["the core clock changed from 900 to 1300 cycles of 1000 TSC ticks between the control and "
      "the operation"]),
    (synthetic.TSC | synthetic.SMI, {"smis": 3},
     ["3 SMIs during the job",
      "the TSC went backwards, or slower than IA32_MPERF at its rate"])])
def test_disturbed_jobs_stay_and_are_marked(home, verdict, more, words):
    calm, disturbed, plain, entry = run(home, {"verdict": synthetic.JUDGED | verdict, **more})
    assert disturbed["disturbed"] == words and calm["disturbed"] == []
    assert entry["disturbed"] == 1 and "disturbed" not in plain and entry["p50"] > 0

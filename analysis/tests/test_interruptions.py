# SPDX-License-Identifier: MIT
"""Samples that the host's interrupts struck are recognised by their records, left out, counted."""

import numpy as np
import pytest

from analysis import summary
from analysis.interruptions import struck, undisturbed
from analysis.results import results
from analysis.run import Phase, open_run

from .builder import RECORD, Build, Row, edit, write_run


def phase(moments, reason=1):
    samples = np.array([[100, 200], [300, 400], [500, 600]], "<u8")
    records = np.zeros(len(moments), RECORD)
    records["entered"], records["reason"] = moments, reason
    return Phase(samples, records, False, 0, None, None)


@pytest.mark.parametrize("moments, marks", [
    ([], [0, 0, 0]), ([50, 250, 700], [0, 0, 0]), ([100], [1, 0, 0]), ([350, 360], [0, 1, 0]),
    ([400, 600], [0, 1, 1])])
def test_which_samples_are_struck(moments, marks):
    assert struck(phase(moments)).astype(int).tolist() == marks
    assert not struck(phase(moments, reason=10)).any()


def test_a_phase_without_records_tells_nothing():
    bare = Phase(phase([150]).samples, None, False, 0, None, None)
    assert not struck(bare).any()


@pytest.fixture
def interrupted(tmp_path):
    """A run of whose op samples every seventh had an interrupt instead of its exit."""
    path = write_run(tmp_path / "r", Build([Row("cpuid")], samples=20, twice=False))
    data = bytearray((path / "trace" / "cpu0").read_bytes())
    header = len(data) - (20 + 2) * 64  # of the op phase: 20 records, and the one that ends it
    for number in (0, 7, 14):
        at = header + 64 * (1 + number) + RECORD.fields["reason"][1]
        assert data[at] == 10
        data[at] = 1
    (path / "trace" / "cpu0").write_bytes(data)
    edit(path, lambda d: d["jobs"][0]["interruptions"].update(op=3))
    edit(path, lambda d: d["jobs"][0].update(exits_per_op=17 / 20))
    return path


def test_they_are_left_out_and_counted(interrupted):
    run = open_run(interrupted)
    found = results(run)
    assert found[0].interrupted == 3 and found[0].net["n"] == 17 == len(found[0].values)
    assert found[0].reasons == {10: 17}
    assert found[0].split.whole > 0
    data = summary.summarize(run, found)
    assert any("struck 3 samples" in line for line in data["warnings"])
    assert data["benchmarks"][0]["policies"][0]["interrupted"] == 3


def test_a_benchmark_of_interrupts_keeps_them(interrupted):
    edit(interrupted, lambda d: d["benchmarks"][0]["exits"].append(
        dict(d["benchmarks"][0]["exits"][0], reason=1)))
    assert results(open_run(interrupted))[0].net["n"] == 20


def test_what_is_mostly_struck_stays_as_it_is(interrupted):
    run = open_run(interrupted)
    job = run.jobs[0]
    records = job.phases["op"].records.copy()
    records["reason"][:11] = 1
    job.phases["op"] = Phase(job.phases["op"].samples, records, False, 0, None, None)
    assert undisturbed(run, job) == (job, 0)

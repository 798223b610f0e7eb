# SPDX-License-Identifier: MIT
"""A branch's history: runs kept once, unlike ones apart, changes found and explained."""

import json
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from analysis.change_points import best_cut, change_points, steps
from analysis.history_store import Store

from .builder import ROOT, Row, edit

FASTER, SLOWER = (5, 10, 20, 8, 4), (5, 10, 23, 8, 4)


@pytest.fixture
def db(tmp_path):
    return tmp_path / "h.db"


@pytest.fixture
def keep(make, call, db):
    """keep(number, rows, ...): adds a run of that day, and commit."""
    def add(number, rows=None, branch="main", change=None, code=0, **knobs):
        path = make(f"run{number}", rows or [Row(parts=FASTER)], **knobs)
        edit(path, lambda document: (document.update(created=f"2026-11-{number:02}T00:00:00Z"),
                                     change and change(document)))
        outcome = call("history", "add", path, "--db", db, "--commit", f"c{number}",
                       "--branch", branch)
        assert outcome.code == code, outcome.err
        return path, outcome
    return add


def test_exact_steps_are_found_and_explained(keep, call, db):
    keep(1)
    keep(2)
    keep(3, [Row(parts=SLOWER, counters={"vmreads": 5, "vmwrites": 2, "msr_accesses": 0,
                                         "xsetbvs": 0, "invalidations": 0})],
         build={"core_sha256": "aa", "guests_sha256": "bb", "compiler": "gcc 13 -O2",
                "emulator": "Bochs x86 Emulator 2.7"})
    out = call("history", "show", "--db", db).out
    assert "2026-11-03T00:00:00Z  c3: 3 changed" in out and "c2:" not in out
    assert "cpuid/intercept-all: p50 45 -> 48 ticks (+3, handler +3)" in out
    assert "cpuid/intercept-all: vmreads per exit 4 -> 5 (+1)" in out
    assert "also: compiler gcc 12 -O2 -> gcc 13 -O2" in out
    document = json.loads(call("history", "show", "--db", db, "--json").out)
    change = document["series"][0]["changes"][0]
    assert change | {"metric": "p50", "commit": "c3", "before": 45, "after": 48, "p": None,
                     "parts": {"handler": 3}} == change


def test_order_is_that_of_time_not_of_adding(keep, call, db):
    keep(3, [Row(parts=SLOWER)])
    keep(1)
    keep(2)
    changes = json.loads(call("history", "show", "--db", db, "--json").out)["series"][0]["changes"]
    assert [(change["commit"], change["after"]) for change in changes
            if change["metric"] == "p50"] == [("c3", 48)]


def test_a_run_is_kept_once(keep, call, db):
    path, _ = keep(1)
    again = call("history", "add", path, "--db", db, "--commit", "c1")
    assert again.code == 0 and "unchanged" in again.out
    other = call("history", "add", path, "--db", db, "--commit", "c9")
    assert other.code == 2 and "there already, as c1 of main" in other.err
    assert len(json.loads(call("history", "list", "--db", db, "--json").out)["series"][0]["runs"]) == 1


@pytest.mark.parametrize("knobs, change", [
    ({"target": "kvm", "unit": "TSC cycles"}, None), ({"cpus": 2}, None),
    ({}, lambda document: document["machine"].update(cpu_model="corei7_skylake_x"))])
def test_unlike_runs_are_series_of_their_own(keep, call, db, knobs, change):
    keep(1)
    keep(2, [Row(parts=SLOWER)], change=change, **knobs)
    series = json.loads(call("history", "show", "--db", db, "--json").out)["series"]
    assert [len(one["runs"]) for one in series] == [1, 1]
    assert all(one["changes"] == [] for one in series)


def test_another_probe_level_is_another_line(keep, call, db):
    keep(1)
    keep(2, [Row(parts=SLOWER)], level="stamps")
    series = json.loads(call("history", "show", "--db", db, "--json").out)["series"]
    assert [len(one["runs"]) for one in series] == [2] and series[0]["changes"] == []


def test_branches_are_apart(keep, call, db):
    keep(1)
    keep(2, [Row(parts=SLOWER)], branch="topic/x")
    assert json.loads(call("history", "show", "--db", db, "--json").out)["series"][0]["changes"] == []
    missing = call("history", "show", "--db", db, "--branch", "other")
    assert missing.code == 2 and "there is main, topic/x" in missing.err


def test_a_row_that_was_away_is_held_against_the_last_that_was_there(keep, call, db):
    keep(1, [Row(parts=FASTER), Row("vmcall")])
    keep(2, [Row("vmcall")])
    keep(3, [Row(parts=SLOWER), Row("vmcall")])
    changes = json.loads(call("history", "show", "--db", db, "--json").out)["series"][0]["changes"]
    assert {(change["benchmark"], change["commit"]) for change in changes} == {("cpuid", "c3")}


def test_cycles_change_only_beyond_noise(keep, call, db):
    noise = np.random.default_rng(3).integers(0, 4, 16)
    for day in range(1, 17):
        handler = 200 + int(noise[day - 1]) + (12 if day >= 9 else 0)
        keep(day, [Row(parts=(50, 20, handler, 30, 40))], unit="TSC cycles", target="kvm")
    changes = json.loads(call("history", "show", "--db", db, "--json").out)["series"][0]["changes"]
    found = [change for change in changes if change["metric"] == "p50"]
    assert [change["commit"] for change in found] == ["c9"]
    assert 10 < found[0]["after"] - found[0]["before"] < 14 and found[0]["p"] < 1e-4
    assert " %, handler +" in call("history", "show", "--db", db).out


def test_disturbed_times_are_left_out_where_they_are_not_exact(keep, db):
    keep(1, [Row(disturbed=("2 SMIs",))], unit="TSC cycles", target="kvm")
    keep(2, [Row(disturbed=("2 SMIs",))])
    with Store(db) as store:
        cycles, ticks = ({item.metric for item in series.figures} for series in store.series("main"))
    assert "p50" not in cycles and "vmreads" in cycles and "p50" in ticks


def test_failed_damaged_and_empty_runs_are_refused(keep, make, call, db):
    assert keep(1, [Row(), Row("x", status="failed", reason="died")], code=3)[1].code == 3
    path = make("cut")
    stream = path / "trace" / "cpu0"
    stream.write_bytes(stream.read_bytes()[:-70])
    assert call("history", "add", path, "--db", db).code == 2
    assert call("history", "add", make("none", [Row(status="skipped", reason="no")]), "--db",
                db).code == 3


@pytest.mark.parametrize("option, value, said", [
    ("--time", "yesterday", "is no time"), ("--time", "9" * 30, "is no time"),
    ("--commit", "a b", "--commit"), ("--branch", "-x\n", "--branch")])
def test_wrong_words(run, call, db, option, value, said):
    outcome = call("history", "add", run, "--db", db, f"{option}={value}")
    assert outcome.code == 2 and said in outcome.err


def test_times_are_utc(run, call, db):
    call("history", "add", run, "--db", db, "--time", "2026-11-28T01:30:00+03:00")
    assert "2026-11-27T22:30:00Z" in call("history", "list", "--db", db).out


def broken(db, kind):
    if kind == "text":
        db.write_text("no database at all, but a text of some length")
    elif kind == "other":
        sqlite3.connect(db).execute("CREATE TABLE t (x)").connection.close()
    elif kind == "newer":
        connection = sqlite3.connect(db)
        connection.execute("PRAGMA user_version = 9")
        connection.close()
    elif kind == "cut":
        db.write_bytes(db.read_bytes()[:len(db.read_bytes()) // 2])
    elif kind == "scribbled":
        content = bytearray(db.read_bytes())
        for at in range(4096, len(content), 512):
            content[at:at + 64] = b"\xff" * 64
        db.write_bytes(content)
    elif kind == "one page":  # of the digests' index: what shows runs never reads it
        connection = sqlite3.connect(db)
        root, = connection.execute("SELECT rootpage FROM sqlite_master "
                                   "WHERE name = 'sqlite_autoindex_runs_1'").fetchone()
        size, = connection.execute("PRAGMA page_size").fetchone()
        connection.close()
        content = bytearray(db.read_bytes())
        content[(root - 1) * size:(root - 1) * size + 100] = b"\xff" * 100
        db.write_bytes(content)
    elif kind == "directory":
        db.unlink()
        db.mkdir()


@pytest.mark.parametrize("kind", ["text", "other", "newer", "cut", "scribbled", "one page", "directory"])
def test_a_damaged_database_is_named_and_left_alone(keep, run, call, db, kind):
    if kind not in ("text", "other"):
        for day in range(1, 6):
            keep(day)
    broken(db, kind)
    before = db.read_bytes() if db.is_file() else None
    for command in (("add", run), ("list",), ("show",)):
        outcome = call("history", *command, "--db", db)
        assert outcome.code == 2 and str(db) in outcome.err, outcome.err
    assert before is None or db.read_bytes() == before


def test_no_database_yet(run, call, db, tmp_path):
    assert call("history", "show", "--db", db).code == 2 and not db.exists()
    assert call("history", "add", run, "--db", tmp_path / "no" / "h.db").code == 2


def test_many_may_add_at_once(make, db):
    paths = [make(f"run{number}", [Row(parts=(5, 10, 20 + number, 8, 4))]) for number in range(6)]
    for number, path in enumerate(paths):
        edit(path, lambda document, number=number: document.update(
            created=f"2026-11-{number + 1:02}T00:00:00Z"))
    running = [subprocess.Popen([sys.executable, "-m", "analysis", "history", "add", path, "--db",
                                 db], cwd=ROOT, stdout=subprocess.DEVNULL)
               for path in [*paths, *paths]]
    assert [process.wait(120) for process in running] == [0] * 12
    with Store(db) as store:
        assert len(store.series("main")[0].runs) == 6


def test_page(keep, call, db, tmp_path):
    keep(1)
    keep(2, [Row(parts=SLOWER)])
    page = tmp_path / "page.html"
    assert call("history", "show", "--db", db, "-o", page).code == 0
    text = page.read_text()
    for wanted in ("p50 45 -&gt; 48 ticks", 'id="line-0-0-p50-title"', "E-divisive", "run1"):
        assert wanted in text, wanted


def test_steps():
    assert [(change.at, change.before, change.after) for change in steps([1, 1, 2, 2, 1])] == [
        (2, 1, 2), (4, 2, 1)]
    assert steps([7]) == []


@pytest.mark.parametrize("seed", range(5))
def test_the_best_cut_is_that_of_the_definition(seed):
    series = np.random.default_rng(seed).normal(0, 1, 14) + np.repeat([0, 1], 7)

    def energy(m):
        left, right = series[:m], series[m:]
        pairs = [np.abs(a[:, None] - b[None, :]) for a, b in
                 ((left, right), (left, left), (right, right))]
        within = [pair[np.triu_indices(len(pair), 1)].mean() for pair in pairs[1:]]
        return m * (14 - m) / 14 * (2 * pairs[0].mean() - sum(within))

    assert best_cut(series) == max(range(3, 12), key=energy)


def test_change_points_are_where_they_were_put():
    noise = np.random.default_rng(1).normal(0, 1, 60)
    found = change_points(list(100 + noise + np.repeat([0, 5, 2], 20)))
    assert [change.at for change in found] == pytest.approx([20, 40], abs=1)
    assert found[0].after - found[0].before == pytest.approx(5, abs=1)


def test_false_alarms_are_as_rare_as_stated():
    """Of 300 series of noise alone, normal and skewed, at most 1 in 50 is cut."""
    noise = np.random.default_rng(2)
    series = [*noise.normal(500, 9, (150, 40)), *noise.gamma(9, 3, (150, 40))]
    assert sum(bool(change_points(list(line))) for line in series) <= 6


def test_a_constant_series_that_jumps():
    assert [change.at for change in change_points([5.0] * 4 + [6.0] * 4)] == [4]
    assert change_points([5.0] * 9) == [] and change_points([5.0, 6.0]) == []


def test_a_single_outlier_is_no_change():
    noise = list(np.random.default_rng(4).normal(100, 1, 30))
    noise[13] = 180.0
    assert change_points(noise) == []


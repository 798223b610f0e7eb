# SPDX-License-Identifier: MIT
"""Ended at any moment, or on a full disk: what a command writes is there whole, as it was before, or not
at all, and nothing else is left."""

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from analysis.__main__ import main
from analysis.errors import Interrupted

from .builder import ROOT, Row, write_run, Build

WATCHED = tuple(f"/analysis/{name}.py" for name in ("output", "export", "history_store", "gate"))


class Moments:
    """Raises Interrupted at the n-th line of what writes files: where a signal may come. What tidies up
    is not interrupted again (__main__.interrupt)."""

    def __init__(self, number):
        self.left = number
        self.done = False

    def __call__(self, frame, what, _):
        if not frame.f_code.co_filename.endswith(WATCHED):
            return None
        if what == "line":
            self.left -= 1
            waits = signal.SIGTERM in signal.pthread_sigmask(signal.SIG_BLOCK, [])
            if self.left <= 0 and not waits and not self.done:
                self.done = True
                raise Interrupted(signal.SIGTERM)
        return self


def interrupted_at(number, arguments):
    """The exit code; and whether it got that far."""
    moments = Moments(number)
    sys.settrace(moments)
    try:
        code = main([str(argument) for argument in arguments])
    except Interrupted as end:
        code = 128 + end.number
    finally:
        sys.settrace(None)
    return code, moments.done


def everything(path):
    return sorted(str(file.relative_to(path)) for file in path.rglob("*"))


def sweep(arguments, prepare, check, capsys, stride=1):
    """At each moment until the command is done before it."""
    number = 0
    while True:
        number += stride
        prepare()
        code, reached = interrupted_at(number, arguments)
        capsys.readouterr()
        check()
        if not reached:
            return number
        assert code == 128 + signal.SIGTERM, (number, code)


@pytest.fixture
def other(make):
    return make("other", [Row(parts=(5, 10, 22, 8, 4))])


def test_a_baseline_is_the_old_or_the_new(other, baseline, call, tmp_path, capsys):
    old = baseline.read_bytes()
    assert call("gate", other, "--baseline", tmp_path / "new", "--update").code == 0
    new = (tmp_path / "new").read_bytes()
    before, seen = everything(tmp_path), set()

    def check():
        seen.add(baseline.read_bytes())
        assert everything(tmp_path) == before

    moments = sweep(["gate", other, "--baseline", baseline, "--update"],
                    lambda: baseline.write_bytes(old), check, capsys)
    assert seen == {old, new} and moments > 30


def test_an_export_is_there_or_not(run, tmp_path, capsys):
    before = everything(tmp_path)
    for form in ("folded", "ctf"):
        output = tmp_path / f"out.{form}"
        sizes = set()

        def prepare():
            if output.is_dir():
                for file in output.iterdir():
                    file.unlink()
                output.rmdir()
            output.unlink(missing_ok=True)

        def check():
            files = sorted(output.iterdir()) if output.is_dir() else [output] if output.exists() else []
            sizes.add(tuple(file.stat().st_size for file in files))
            assert [name for name in everything(tmp_path) if not name.startswith(output.name)] == before

        sweep(["export", run, "--format", form, "-o", output], prepare, check, capsys)
        assert len(sizes) == 2 and () in sizes  # all of it, or nothing
        prepare()


def test_a_history_has_the_run_or_not(run, other, tmp_path, call, capsys):
    db = tmp_path / "h.db"
    assert call("history", "add", run, "--db", db).code == 0
    old, seen = db.read_bytes(), set()
    before = everything(tmp_path)

    def prepare():
        db.write_bytes(old)

    def check():
        assert everything(tmp_path) == before
        listed = json.loads(call("history", "list", "--db", db, "--json").out)["series"]
        connection = sqlite3.connect(db)
        figures = connection.execute("SELECT run, count(*) FROM figures GROUP BY run").fetchall()
        connection.close()
        assert len(figures) == sum(len(series["runs"]) for series in listed)
        seen.add(tuple(figures))

    sweep(["history", "add", other, "--db", db], prepare, check, capsys, stride=13)
    assert len(seen) == 2


def test_a_history_that_was_just_made(run, tmp_path, call, capsys):
    """None yet, or one with the run: but for its file, which may be there and empty."""
    db = tmp_path / "h.db"

    def check():
        if db.exists() and not db.stat().st_size:
            assert "no such history" in call("history", "list", "--db", db).err
        elif db.exists():
            assert call("history", "list", "--db", db).code == 0
        assert not list(tmp_path.glob("h.db-*"))

    sweep(["history", "add", run, "--db", db], lambda: db.unlink(missing_ok=True), check, capsys,
          stride=41)


@contextmanager
def file_limit(size):
    """No file grows beyond that: as on a full disk, but for which error it is. Python has the signal
    ignored."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size", [0, 1, 500, 4096])
def test_a_full_disk(run, other, baseline, tmp_path, call, size):
    db = tmp_path / "h.db"
    assert call("history", "add", run, "--db", db).code == 0
    kept = {file: file.read_bytes() for file in (baseline, db)}
    before = everything(tmp_path)
    for command, named in ((("gate", other, "--baseline", baseline, "--update"), "bochs.json"),
                           (("gate", run, "--baseline", baseline, "--junit", tmp_path / "j.xml"), "j.xml"),
                           (("report", run, "-o", tmp_path / "r.html"), ""),
                           (("export", run, "--format", "csv", "-o", tmp_path / "o.csv"), "o.csv"),
                           (("export", run, "--format", "ctf", "-o", tmp_path / "o"), "o"),
                           (("history", "add", other, "--db", db), "h.db"),
                           (("history", "add", other, "--db", tmp_path / "n.db"), "n.db")):
        with file_limit(size):
            outcome = call(*command)
        if outcome.code == 0 or (outcome.code == 1 and "regressed" in outcome.out):  # it was small enough
            assert size >= 500
            for name in set(everything(tmp_path)) - set(before):
                assert name.endswith("j.xml")
                (tmp_path / name).unlink()
            baseline.write_bytes(kept[baseline])
            continue
        assert outcome.code in (2, 3) and outcome.err.count("\n") <= 2, (command, outcome)
        assert f"{named}: cannot be" in outcome.err or "gnuplot" in outcome.err or (
            "cannot draw in" in outcome.err), outcome
        (tmp_path / "n.db").unlink(missing_ok=True)
        assert everything(tmp_path) == before
        assert {file: file.read_bytes() for file in kept} == kept


def test_what_is_no_file_is_not_replaced(run, tmp_path, call):
    """As /dev/null, which root could rename away."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE)
    assert call("export", run, "--format", "folded", "-o", pipe).code == 0
    assert b"cpuid" in reader.communicate(timeout=10)[0]
    assert pipe.is_fifo()
    assert call("export", run, "--format", "folded", "-o", "/dev/full").code == 2
    assert call("export", run, "--format", "folded", "-o", tmp_path).code == 2
    assert not os.path.isfile("/dev/full")


def analysis(*arguments, **more):
    return subprocess.Popen([sys.executable, "-m", "analysis", *map(str, arguments)], text=True,
                            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, **more)


@pytest.mark.parametrize("command", [("compare",), ("export", "--format", "csv"), ("compare", "--json")])
def test_standard_output_is_full(run, command):
    with open("/dev/full", "w", encoding="utf-8") as full:
        process = analysis(command[0], run, *command[1:], stdout=full, cwd=ROOT)
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 2
    assert said == "exitmeter: standard output: cannot be written: No space left on device\n"


def listen():
    """Whoever runs the tests in the background may have these ignored, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_real_signal_while_gnuplot_draws(tmp_path, number):
    run = write_run(tmp_path / "run", Build([Row()]))
    gnuplot = tmp_path / "bin" / "gnuplot"
    gnuplot.parent.mkdir()
    gnuplot.write_text("#!/bin/sh\necho $$ >\"$PWD/../drawing\"\nexec sleep 60\n")
    gnuplot.chmod(0o755)
    (tmp_path / "tmp").mkdir()
    process = analysis("report", run, stdout=subprocess.DEVNULL, cwd=ROOT,
                       env={"PATH": f"{gnuplot.parent}:/bin", "TMPDIR": str(tmp_path / "tmp")},
                       preexec_fn=listen)
    mark = tmp_path / "tmp" / "drawing"
    end = time.monotonic() + 60
    while not (mark.exists() and mark.read_text()):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(number)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 128 + number
    assert said == f"exitmeter: interrupted by {number.name}\n"
    assert os.listdir(tmp_path / "tmp") == ["drawing"]
    assert not (tmp_path / "run.html").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(int(mark.read_text()), 0)


def test_a_signal_before_it_has_begun(run, tmp_path):
    """It waits until Python is ready: the harness blocks it meanwhile."""
    def blocked():
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        os.kill(os.getpid(), signal.SIGINT)

    process = analysis("compare", run, stdout=subprocess.PIPE, cwd=ROOT, preexec_fn=blocked)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out, said) == (130, "", "exitmeter: interrupted by SIGINT\n")

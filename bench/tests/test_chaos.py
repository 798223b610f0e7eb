# SPDX-License-Identifier: MIT
"""Ended at any moment: signals, a Bochs that is killed, a disk that is full. Afterwards a run is there
and whole, or it is not there; nothing else is left. EXITMETER_CHAOS=N looks at N times as many moments."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time

import pytest

from conftest import REPOSITORY, listen
from test_run_trouble import is_ours, wait_for

sys.path.insert(0, str(REPOSITORY))

from analysis.compare_text import policies_text  # noqa: E402
from analysis.results import results  # noqa: E402
from analysis.run import open_run  # noqa: E402
from analysis.summary import summarize  # noqa: E402

TIMES = int(os.environ.get("EXITMETER_CHAOS", "1"))
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Takes its time at each step, as the real one does.
SLOWLY = """
time.sleep(0.02)
log()
time.sleep(0.02)
console("exitmeter core\\njob 1/2 cpuid: done\\n")
results()
time.sleep(0.02)
"""


def whole(home, name):
    """A run, or several in a directory, that read well and are as they were made."""
    path = home.work / name
    runs = [path] if (path / "run.json").exists() else sorted(path.iterdir())
    for run in runs:
        open_run(run)
        subprocess.run(["/usr/bin/sha256sum", "--quiet", "-c", "sha256sums"], cwd=run, check=True)
    return [json.loads((run / "run.json").read_text())["status"] for run in runs]


def nobody_is_left(home):
    wait_for(lambda: not any(is_ours(home, pid) for pid in os.listdir("/proc")))


@pytest.mark.parametrize("more", [(), ("--cpu-model", "corei7_haswell_4770", "--cpu-model",
                                       "corei7_skylake_x")])
def test_a_signal_at_any_moment(home, more):
    home.bochs(SLOWLY)
    begin = time.monotonic()
    assert home.run("run", "-o", "R", *more).returncode == 0
    length = time.monotonic() - begin
    chance = random.Random(5)
    for batch in range(TIMES):  # side by side, so that it is over soon
        started = []
        for each in range(9):
            number = SIGNALS[each % 3]
            started.append((time.monotonic() + chance.random() * 2 * length, number, f"S{batch}-{each}",
                            home.start("run", "-o", f"S{batch}-{each}", *more)))
        for moment, number, _, process in sorted(started, key=lambda entry: entry[0]):
            time.sleep(max(0, moment - time.monotonic()))
            process.send_signal(number)
        for _, number, name, process in started:
            _, said = process.communicate(timeout=30)
            there = (home.work / name).exists()
            assert there == (process.returncode == 0), (process.returncode, said)
            if there:
                assert set(whole(home, name)) == {"complete"}
            else:  # -number: it had not yet begun
                assert process.returncode in (128 + number, -number), said
                assert process.returncode < 0 or "interrupted" in said
    nobody_is_left(home)
    assert all(name[0] in "RS" for name in home.left_behind())


@pytest.mark.parametrize("step", range(6))
def test_bochs_is_killed_at_each_step(home, step):
    lines = ["", "log()", "console('exitmeter core\\n')", "pathlib.Path('results.bin').write_bytes(bytes(9))",
             "results()", "time.sleep(0.05)"]
    lines.insert(step, "os.kill(os.getpid(), signal.SIGKILL)")
    home.bochs("import signal\n" + "\n".join(lines))
    result = home.run("run", "-o", "R")
    kept = step > 4  # its results are whole
    assert result.returncode == (0 if kept else 1), result.stderr
    assert kept or "bochs was killed by signal 9 (Killed)" in result.stderr
    assert whole(home, "R") == ["complete" if kept else "failed"]
    assert home.left_behind() == ["R"]


def test_what_a_broken_machine_leaves_is_a_run_that_can_be_read(home):
    """Whatever was written over in its results: the jobs that lost something failed, and analysis takes
    the rest. It refuses no run that the harness has made."""
    home.bochs("""\
        import random, struct
        log()
        results()
        chance = random.Random(int(os.environ["SEED"]))
        plan = synthetic.Plan(pathlib.Path("tree/plan.bin").read_bytes())
        data = bytearray(pathlib.Path("results.bin").read_bytes())
        for _ in range(chance.randrange(1, 9)):
            job = chance.choice(plan.jobs)
            at = chance.choice((chance.randrange(synthetic.JOB_RESULT) + job["offset"],
                                chance.randrange(424), chance.randrange(len(data) - 8)))
            value = chance.choice((0, 1, 255, 0xffffffff, 1 << 63, (1 << 64) - 1, chance.getrandbits(64)))
            width = chance.choice("BIQ")
            struct.pack_into("<" + width, data, at, value % (1 << 8 * struct.calcsize(width)))
        pathlib.Path("results.bin").write_bytes(data)
        """)
    read = 0
    for seed in range(10 * TIMES):
        result = home.run("run", "-o", f"S{seed}", env=home.environment() | {"SEED": str(seed)})
        assert result.returncode in (0, 1), result.stderr
        [status] = whole(home, f"S{seed}")
        assert (status == "complete") == (result.returncode == 0)
        run = open_run(home.work / f"S{seed}")
        read += len(results(run))
        policies_text(summarize(run, results(run)))
    assert read > 10 * TIMES


def limited(size):
    """No file grows beyond that: as on a full disk, but for which error it is."""
    def limit():
        listen()
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    return limit


def sizes(path):
    """Of every file that a good run writes, and one less."""
    found = {file.stat().st_size for file in path.rglob("*") if file.is_file()}
    return sorted({0, 1, 64} | found | {size - 1 for size in found if size})


@pytest.mark.parametrize("more", [(), ("--cpu-model", "corei7_haswell_4770", "--cpu-model",
                                       "corei7_skylake_x")])
def test_a_disk_that_is_full(home, more):
    home.good_bochs()
    assert home.run("run", "-o", "R", *more).returncode == 0
    there = sizes(home.work / "R")
    codes = set()
    for size in there[::6 if more else 4] if TIMES == 1 else there:
        result = subprocess.run([home.binary, "run", "-o", f"S{size}", *more], cwd=home.work, text=True,
                                stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
                                env=home.environment(), preexec_fn=limited(size))
        codes.add(result.returncode)
        assert result.returncode in (0, 1), result.stderr
        if (home.work / f"S{size}").exists():
            statuses = set(whole(home, f"S{size}"))
            assert (statuses == {"complete"}) == (result.returncode == 0), result.stderr
        else:
            assert result.returncode == 1
            assert "File too large" in result.stderr or "could not be written" in result.stderr or (
                more and "left no run" in result.stderr), result.stderr
    assert 1 in codes
    assert all(name[0] in "RS" for name in home.left_behind())
    nobody_is_left(home)


@pytest.mark.parametrize("command", [("list", "--json"), ("--help",), ("policy", "show", "passthrough-all"),
                                     ("run", "-o", "R")])
def test_output_that_is_lost_is_no_success(home, command):
    home.good_bochs()
    with open("/dev/full", "w", encoding="utf-8") as full:
        result = subprocess.run([home.binary, *command], cwd=home.work, stdout=full, text=True,
                                stderr=subprocess.PIPE, env=home.environment(), timeout=30)
    assert result.returncode == 1
    assert "standard output: not all of it could be written" in result.stderr


def test_a_compiled_policy_is_there_whole_or_not_at_all(home):
    def compile_it(size):
        return subprocess.run([home.binary, "policy", "compile", "passthrough-all", "-o", "p.bin"],
                              cwd=home.work, env=home.environment(), capture_output=True, text=True,
                              timeout=30, preexec_fn=limited(size))

    file = home.work / "p.bin"
    file.write_text("as it was")
    for size in (0, 1, 4096, 10000):
        result = compile_it(size)
        assert result.returncode == 2 and "p.bin: File too large" in result.stderr
        assert file.read_text() == "as it was" and home.left_behind() == ["p.bin"]
    assert compile_it(1 << 20).returncode == 0
    assert file.stat().st_size > 10000 and home.left_behind() == ["p.bin"]
    mask = os.umask(0)
    os.umask(mask)
    assert file.stat().st_mode & 0o777 == 0o666 & ~mask

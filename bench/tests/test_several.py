# SPDX-License-Identifier: MIT
"""Several CPU models or images in one command: a run of each, side by side, whole or not at all."""

import json
import os
import pathlib
import signal
import time

import pytest

from conftest import alive

HASWELL, SKYLAKE, IVY = "corei7_haswell_4770", "corei7_skylake_x", "corei7_ivy_bridge_3770k"
MODELS = ("--cpu-model", HASWELL, "--cpu-model", SKYLAKE, "--cpu-model", IVY)

# Each Bochs notes when it ran, and on which CPU model.
NOTED = """\
begin = time.monotonic()
log()
model = pathlib.Path("bochsrc").read_text().split("model=")[1].split(",")[0]
def note(name):
    directory = pathlib.Path({directory!r})
    directory.mkdir(exist_ok=True)
    (directory / f"{{model}}-{{os.getpid()}}").write_text(f"{{begin}} {{time.monotonic()}}")
"""


def noted(home, code):
    home.bochs(NOTED.format(directory=str(home.path / "notes")) + code)


def notes(home):
    """(begin, end) of each Bochs."""
    return sorted(tuple(map(float, file.read_text().split()))
                  for file in (home.path / "notes").iterdir())


def run_json(run):
    return json.loads((run / "run.json").read_text())


def same(one, other):
    """Everything but the date and the command line."""
    documents = []
    for run in (one, other):
        document = run_json(run)
        del document["created"], document["command"]
        documents.append(document)
    assert documents[0] == documents[1]
    for name in ("samples.bin", "trace/cpu0", "trace/metadata", "plan.bin", "layout.json",
                 "console.txt"):
        assert (one / name).read_bytes() == (other / name).read_bytes(), name


def test_each_is_the_run_it_would_be_alone(home):
    home.good_bochs()
    result = home.run("run", "-o", "R", *MODELS)
    assert result.returncode == 0, result.stderr
    assert home.left_behind() == ["R"]
    assert sorted(os.listdir(home.work / "R")) == sorted([HASWELL, SKYLAKE, IVY])
    assert result.stderr.endswith("run: R (3 runs)\n")
    for model in (HASWELL, SKYLAKE, IVY):
        assert home.run("run", "-o", model, "--cpu-model", model).returncode == 0
        assert run_json(home.work / model)["machine"]["cpu_model"] == model
        same(home.work / model, home.work / "R" / model)


def test_output_comes_in_the_order_of_the_command_line(home):
    """Whichever ends first."""
    noted(home, f"""\
time.sleep(0.5 if model == {HASWELL!r} else 0)
results()""")
    result = home.run("run", "-o", "R", "-j", "3", *MODELS)
    lines = [line for line in result.stderr.splitlines() if line.startswith("run: R/")]
    assert [line.split()[1] for line in lines] == [f"R/{m}" for m in (HASWELL, SKYLAKE, IVY)]
    assert result.stdout.count("\nBenchmark ") == 3


def test_json_on_stdout_stays_json(home):
    home.good_bochs()
    result = home.run("run", "-o", "R", "--benchmark_format=json", *MODELS)
    decoder, at, models = json.JSONDecoder(), 0, []
    while result.stdout[at:].strip():
        document, length = decoder.raw_decode(result.stdout[at:].lstrip())
        at += len(result.stdout[at:]) - len(result.stdout[at:].lstrip()) + length
        models.append(document["context"]["cpu_model"])
    assert models == [HASWELL, SKYLAKE, IVY]


@pytest.mark.parametrize("parallel, most", [("1", 1), ("2", 2), ("3", 3)])
def test_as_many_at_a_time_as_asked_for(home, parallel, most):
    noted(home, "time.sleep(0.6)\nresults()\nnote('x')")
    assert home.run("run", "-o", "R", "-j", parallel, *MODELS).returncode == 0
    times = notes(home)
    assert len(times) == 3
    beside = max(sum(begin <= at < end for begin, end in times) for at, _ in times)
    assert beside == most


def test_images_get_a_run_each(home):
    home.good_bochs()
    for name in ("a.elf", "b.elf"):
        (home.work / name).write_bytes(name.encode())
    result = home.run("run", "-o", "R", "--core", "a.elf", "--core", "b.elf", "--cpu-model", IVY,
                      "--cpu-model", SKYLAKE)
    assert result.returncode == 0, result.stderr
    assert sorted(os.listdir(home.work / "R")) == [
        f"core{n}-{model}" for n in (1, 2) for model in (IVY, SKYLAKE)]
    sums = {name[:5]: run_json(home.work / "R" / name)["build"]["core_sha256"]
            for name in os.listdir(home.work / "R")}
    assert len(set(sums.values())) == 2


@pytest.mark.parametrize("arguments, word", [
    (["--cpu-model", IVY, "--cpu-model", IVY], "named twice"),
    (["--cpu-model", IVY, "--cpu-model", "i486"], "i486"),
    ([*MODELS, "--benchmark_out=x.json"], "--benchmark_out"),
    ([*MODELS, "--image", "x"], "--image"),
    ([*MODELS, "--parallel", "0"], "--parallel"),
    (["--core", "none.elf", "--core", "other.elf"], "none.elf"),
])
def test_bad_usage(home, arguments, word):
    home.good_bochs()
    result = home.run("run", *arguments)
    assert result.returncode == 2 and word in result.stderr
    assert home.left_behind() == []


def test_a_failed_one_is_kept_and_told(home):
    noted(home, f"""\
if model == {SKYLAKE!r}:
    sys.exit(1)
results()""")
    result = home.run("run", "-o", "R", *MODELS)
    assert result.returncode == 1
    assert run_json(home.work / "R" / SKYLAKE)["status"] == "failed"
    assert run_json(home.work / "R" / IVY)["status"] == "complete"


def wait_for(condition):
    deadline = time.monotonic() + 10
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert condition()


HANGING = "note('x')\ntime.sleep(60)"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_it_keeps_nothing_and_ends_all(home, number):
    """The one that had ended before included."""
    noted(home, f"note('x')\nif model == {HASWELL!r}:\n    results()\nelse:\n    time.sleep(60)")
    process = home.start("run", "-o", "R", "-j", "2", *MODELS)
    directory = home.path / "notes"
    wait_for(lambda: directory.exists() and len(list(directory.iterdir())) == 3)
    pids = [int(file.name.rpartition("-")[2]) for file in directory.iterdir()]
    process.send_signal(number)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 128 + number, stderr
    assert "nothing kept" in stderr
    assert home.left_behind() == []
    assert not any(map(alive, pids))


def test_killed_it_leaves_no_process(home):
    noted(home, HANGING)
    process = home.start("run", "-o", "R", "-j", "3", *MODELS)
    directory = home.path / "notes"
    wait_for(lambda: directory.exists() and len(list(directory.iterdir())) == 3)
    pids = [int(file.name.rpartition("-")[2]) for file in directory.iterdir()]
    workers = [int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
               for pid in pids]
    process.kill()
    process.communicate(timeout=20)
    wait_for(lambda: not any(map(alive, pids + workers)))
    assert "R" not in home.left_behind()


def test_a_worker_that_is_killed_fails_them_all(home):
    noted(home, HANGING)
    process = home.start("run", "-o", "R", "-j", "3", "--timeout", "3", *MODELS)
    directory = home.path / "notes"
    wait_for(lambda: directory.exists() and len(list(directory.iterdir())) == 3)
    pid = int(next(directory.iterdir()).name.rpartition("-")[2])
    os.kill(int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]),
            signal.SIGKILL)
    _, stderr = process.communicate(timeout=20)
    assert process.returncode == 1 and "left no run; nothing kept" in stderr
    assert home.left_behind() == []
    wait_for(lambda: not alive(pid))

# SPDX-License-Identifier: MIT
"""From an image to a run: what a machine with VT-x sends is what `run` on the same would leave;
and what lines and people do to captures."""
import json

import pytest

from . import native
from .conftest import benchmarks, exitmeter, measure, run_json

WHAT = ("--guest", "cpuid", "--guest", "rdmsr", "--guest", "ud", "--guest", "root/vmread",
        "--samples", "40")
UNITS = {"bochs": "ticks", "native": "TSC cycles"}


def make(path, *arguments):
    result = exitmeter("iso", "-o", path, *arguments)
    assert result.code == 0, result.err
    return path


def bring(directory, *captures, code=0, more=()):
    result = exitmeter("import", *captures, "-o", directory, *more)
    assert result.code == code, result.err
    assert (directory / "run.json").exists() == (code == 0)
    assert [path.name for path in directory.parent.glob(f".{directory.name}*")] == []
    return result


@pytest.fixture(scope="module")
def captured(tmp_path_factory):
    """What a boot by BIOS from CD sends, in two passes."""
    directory = tmp_path_factory.mktemp("boot")
    capture, _ = native.bochs(directory, make(directory / "exitmeter.iso", *WHAT))
    return capture.read_bytes()


@pytest.fixture
def capture(captured, tmp_path):
    path = tmp_path / "com1.bin"
    path.write_bytes(captured)
    return path


def test_the_same_as_a_run(capture, tmp_path):
    result = bring(tmp_path / "run", capture)
    assert "0 frames damaged" in result.err
    reference = measure(tmp_path / "reference", *WHAT)
    mine, theirs = benchmarks(tmp_path / "run"), benchmarks(reference)
    renamed = {name.replace("bochs/", "native/"): entry for name, entry in theirs.items()}
    assert mine.keys() == renamed.keys() and len(mine) == 6
    for name, entry in mine.items():
        for figure in ("p50", "p99", "min", "max", "control", "exits_per_op"):
            assert entry[figure] == renamed[name][figure], (name, figure)
    document, other = run_json(tmp_path / "run"), run_json(reference)
    assert document["target"] == "native" and document["unit"] == UNITS["native"]
    assert document["status"] == "complete"
    assert document["machine"]["cpu_model"] == document["machine"]["brand"] != ""
    for key in ("guests_sha256", "core_sha256", "compiler"):
        assert document["build"][key] == other["build"][key]
    assert document["machine"]["capabilities"] == other["machine"]["capabilities"]
    assert [job["phases"]["op"]["records"] for job in document["jobs"]] == \
        [job["phases"]["op"]["records"] for job in other["jobs"]]
    told = document["import"]
    assert told["passes"] == 2
    assert told["bytes"] == capture.stat().st_size and told["frames_damaged"] == 0
    for command in (("compare",), ("report",)):
        assert exitmeter(*command, tmp_path / "run", cwd=tmp_path).code == 0
    console = (tmp_path / "run" / "console.txt").read_text()
    assert console.endswith("exitmeter: done\nexitmeter: sending the results over COM1\n")


def test_against_another_run(capture, tmp_path):
    bring(tmp_path / "a", capture)
    bring(tmp_path / "b", capture)
    result = exitmeter("compare", tmp_path / "a", tmp_path / "b", "--json")
    assert result.code == 0, result.err
    assert json.loads(result.out)


def test_the_second_pass_completes(captured, tmp_path):
    """Each frame of the first pass hit, but for those of the end: all comes from the second."""
    data = bytearray(captured)
    marks = native.frames(captured)
    half = len(marks) // 2
    for mark in marks[:half]:
        data[mark + 30] ^= 0x20
    (tmp_path / "noisy").write_bytes(data)
    result = bring(tmp_path / "run", tmp_path / "noisy")
    assert f"{half} frames damaged" in result.err
    assert run_json(tmp_path / "run")["import"]["frames_damaged"] == half


def test_what_is_missing_is_told(captured, tmp_path):
    """The same frame lost in both passes; and nothing is imported."""
    data = bytearray(captured)
    marks = native.frames(captured)
    for mark in marks[len(marks) // 2 - 3], marks[-3]:
        data[mark + 20] ^= 0x01
    (tmp_path / "noisy").write_bytes(data)
    result = bring(tmp_path / "run", tmp_path / "noisy", code=1)
    assert "is not whole: missing: " in result.err and "bytes of the results (" in result.err
    assert "2 frames damaged" in result.err and "nothing is imported" in result.err


def test_two_captures(captured, tmp_path):
    """Two halves of one pass, neither of which is enough."""
    middle = native.frames(captured)[len(native.frames(captured)) // 4]
    end = native.frames(captured)[len(native.frames(captured)) // 2]
    (tmp_path / "first").write_bytes(captured[:middle + 100])
    (tmp_path / "second").write_bytes(captured[middle - 20:end])
    bring(tmp_path / "run", tmp_path / "first", code=1)
    bring(tmp_path / "run", tmp_path / "second", code=1)
    bring(tmp_path / "run", tmp_path / "second", tmp_path / "first")


def test_two_runs(captured, tmp_path):
    """A capture that went on over a second boot."""
    data = bytearray(captured)
    other = bytes(8)
    for mark in native.frames(captured):  # another run's frames, by number; their checks break
        data[mark + 16:mark + 24] = other
    (tmp_path / "both").write_bytes(captured + data)
    bring(tmp_path / "run", tmp_path / "both")  # those that do not hold are no run
    boot = make(tmp_path / "other.iso", "--guest", "cpuid", "--samples", "5", "--passes", "1")
    second, _ = native.bochs(tmp_path / "other", boot)
    (tmp_path / "both").write_bytes(captured + second.read_bytes())
    result = bring(tmp_path / "two", tmp_path / "both", code=2)
    ids = [line.split()[-1] for line in result.err.splitlines() if line.startswith("exitmeter:   ")]
    assert len(ids) == 2, result.err
    for number, jobs in zip(ids, (7, 2)):
        directory = tmp_path / number
        bring(directory, tmp_path / "both", more=("--run", number))
        assert len(run_json(directory)["jobs"]) == jobs
    result = bring(tmp_path / "two", tmp_path / "both", code=2, more=("--run", "123"))
    assert "there is no run 123" in result.err


def test_another_blob(capture, tmp_path):
    blob = bytearray((native.BUILD / "guests.bin").read_bytes())
    blob[-1] ^= 1
    (tmp_path / "blob").write_bytes(blob)
    result = bring(tmp_path / "run", capture, code=2, more=("--corpus", tmp_path / "blob"))
    assert "another guest blob" in result.err


@pytest.mark.parametrize("content", [b"", b"Linux version 6.1\r\n" * 1000,
                                     bytes(i * i % 251 for i in range(100000))],
                         ids=["empty", "text", "bytes"])
def test_no_capture(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    assert "no frame in it" in bring(tmp_path / "run", tmp_path / "file", code=2).err


def test_wrong_usage(capture, tmp_path):
    assert "which capture" in exitmeter("import").err
    assert exitmeter("import").code == 2
    assert "no such" in bring(tmp_path / "run", tmp_path / "nowhere", code=2).err.lower()
    bring(tmp_path / "run", capture)
    result = exitmeter("import", capture, "-o", tmp_path / "run")
    assert result.code == 2 and "exists" in result.err


def test_policies_and_events_come_along(tmp_path):
    """A policy from a file that is gone by then, a filter, repetitions, events: all by the notes."""
    policy = tmp_path / "mine.policy"
    policy.write_text("default msr passthrough\nintercept msr IA32_EFER rw\nprobes stamps\n")
    iso = make(tmp_path / "a.iso", "--guest", "cpuid", "--guest", "rdmsr", "--policy", policy,
               "--policy", "intercept-all", "--samples", "20", "--passes", "1", "--pmu-model", "hsw",
               "--pmu", "instructions,cycles", "--benchmark_filter=cpuid/mine",
               "--benchmark_repetitions=2", "--benchmark_enable_random_interleaving=true")
    policy.unlink()
    capture, _ = native.bochs(tmp_path / "boot", iso)
    bring(tmp_path / "run", capture)
    document = run_json(tmp_path / "run")
    assert {job["name"] for job in document["jobs"]} == {"native/cpuid/mine"}
    assert len(document["jobs"]) == 2 and document["repetitions"] == 2
    assert [entry["name"] for entry in document["pmu"]["events"]] == ["instructions", "cycles"]

# SPDX-License-Identifier: MIT
"""Everything here runs the real harness on the real image, on Bochs, as a user would."""
import collections
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("BUILD", "build")
EXITMETER = BUILD / "exitmeter"


class Result:
    """A finished command: code, stdout, stderr."""

    def __init__(self, process):
        self.code, self.out, self.err = process.returncode, process.stdout, process.stderr


def run(*arguments, cwd=None, timeout=240):
    command = [str(a) for a in arguments]
    return Result(subprocess.run(command, cwd=cwd, timeout=timeout, text=True, check=False,
                                 stdin=subprocess.DEVNULL, capture_output=True))


def exitmeter(*arguments, cwd=None, timeout=240):
    return run(EXITMETER, *arguments, cwd=cwd, timeout=timeout)


def measure(directory, *arguments, timeout=240, code=0):
    """A run that must succeed, or end with another code; its directory."""
    result = exitmeter("run", "-o", directory, *arguments, timeout=timeout)
    assert result.code == code, result.err
    return directory


def run_json(directory):
    return json.loads((directory / "run.json").read_text())


def benchmarks(directory):
    """benchmark.json's entries by name, those of the calibration and of VMX root operation left
    out."""
    document = json.loads((directory / "benchmark.json").read_text())
    return {entry["name"]: entry for entry in document["benchmarks"]
            if "/calibration/" not in entry["name"] and "/root/" not in entry["name"]}


def trace_lines(directory):
    """A line for each record of a run's trace, as babeltrace2 reads it."""
    return subprocess.run(["babeltrace2", directory / "trace"], check=True, text=True,
                          capture_output=True).stdout.splitlines()


def exit_reason_of(line):
    """The exit reason's name in a line of trace_lines()."""
    return re.search(r"\) (\S.*?): \{", line).group(1)


def exits(directory):
    """Records of a run by exit reason."""
    return collections.Counter(map(exit_reason_of, trace_lines(directory)))


def no_bochs_below(directory):
    """No process with a working directory at or below here, which is where Bochs would run."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            at = os.readlink(process / "cwd")
        except OSError:
            continue
        if pathlib.Path(at) == directory or directory in pathlib.Path(at).parents:
            return False
    return True


@pytest.fixture(scope="session")
def full(tmp_path_factory):
    """One run of the whole corpus under both policies, probes full: `make bench`'s."""
    return measure(tmp_path_factory.mktemp("full") / "run")


@pytest.fixture(scope="session")
def unprobed(tmp_path_factory):
    """The same with the probes off."""
    return measure(tmp_path_factory.mktemp("off") / "run", "--probes", "off")


@pytest.fixture
def source(tmp_path):
    """A copy of the sources that a test may break: source.mutate(), then source.image()."""
    return Source(tmp_path / "source")


class Source:
    def __init__(self, directory):
        self.directory = directory
        for room in ("core", "probes", "guests", "bench"):
            shutil.copytree(ROOT / room, directory / room)
        for file in ("Makefile", "analysis/fuzz.mk"):
            (directory / file).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / file, directory / file)
        # Objects with their times: make compiles again what a test mutates, and nothing else.
        shutil.copytree(BUILD / "image", directory / "build" / "image")

    def mutate(self, file, old, new):
        path = self.directory / file
        text = path.read_text()
        assert text.count(old) == 1, f"{file}: {old!r} stands there {text.count(old)} times, not once"
        path.write_text(text.replace(old, new))

    def image(self):
        """Builds the image alone; its path."""
        elf = self.directory / "build" / "exitmeter-core.elf"
        result = run("make", "-C", self.directory, "build/exitmeter-core.elf")
        assert result.code == 0, result.err
        return elf

# SPDX-License-Identifier: MIT
"""A pytest plugin, so that a project's own tests can say what an exit may cost:

    def test_cpuid(exit_cost):
        assert exit_cost("cpuid") <= 60

PYTHONPATH=EXITMETER/analysis/plugin pytest -p exitmeter_pytest measures each benchmark as it is first
asked for, or takes the figures from a run with --exitmeter-run. It runs the command exitmeter and
imports nothing of it. What cannot be measured fails the test: a limit that was not looked at is not
held."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest

COMMAND = Path(__file__).resolve().parents[2] / "build" / "exitmeter"
ARGUMENTS = "--policy intercept-all --probes off"
PARTS = ("exit_transition", "save_and_dispatch", "handler", "restore", "entry_transition")


class Cost(float):
    """A figure that says what it is of where an assertion fails."""

    about = ""

    def __repr__(self) -> str:
        return f"{float(self):g} {self.about}"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("exitmeter", "what VM exits cost")
    group.addoption("--exitmeter", metavar="FILE", default=str(COMMAND), help="the command")
    group.addoption("--exitmeter-run", metavar="RUN",
                    help="a run directory to take the figures from instead of measuring")
    parser.addini("exitmeter_arguments", f"of exitmeter run ({ARGUMENTS})", default=ARGUMENTS)


@pytest.fixture(scope="session")
def exit_cost(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    """exit_cost(benchmark, metric="p50", policy=None): metric is a percentile, "min" or "max" of the
    net round trip, "exits_per_op", one of the five parts, or a counter per exit, such as "vmreads".
    policy: needed where the run has several."""
    return Costs(request.config, tmp_path_factory)


class Costs:
    def __init__(self, config: pytest.Config, directories: pytest.TempPathFactory) -> None:
        self.command = config.getoption("--exitmeter")
        self.run = config.getoption("--exitmeter-run")
        self.arguments = shlex.split(config.getini("exitmeter_arguments"))
        self.directories = directories
        self.documents: dict[str, dict] = {}

    def __call__(self, benchmark: str, metric: str = "p50", policy: str | None = None) -> Cost:
        document = self._document(benchmark)
        rows = [row for row in document["benchmarks"] if row["name"] == benchmark]
        entries = [entry for row in rows for entry in row["policies"]
                   if policy in (None, entry["policy"])]
        if not entries:
            lacking = "; ".join(job["reason"] for job in document["not_measured"]
                                if f"/{benchmark}/" in job["job"])
            pytest.fail(f"{benchmark} was not measured{f': {lacking}' if lacking else ''}")
        if len(entries) > 1:
            pytest.fail(f"{benchmark} was measured under several policies; say which: "
                        f"{', '.join(entry['policy'] for entry in entries)}")
        return _cost(benchmark, metric, entries[0], document["run"]["unit"])

    def _document(self, benchmark: str) -> dict:
        key = self.run or benchmark
        if key not in self.documents:
            directory = self.run or self._measure(benchmark)
            self.documents[key] = json.loads(self._exitmeter("compare", directory, "--json"))
        return self.documents[key]

    def _measure(self, benchmark: str) -> str:
        directory = str(self.directories.mktemp("exitmeter") / "run")
        self._exitmeter("run", "--guest", benchmark, *self.arguments, "-o", directory)
        return directory

    def _exitmeter(self, *arguments: str) -> str:
        try:
            done = subprocess.run([self.command, *arguments], capture_output=True, text=True,
                                  stdin=subprocess.DEVNULL, check=False)
        except OSError as error:
            pytest.fail(f"{self.command}: {error.strerror}; --exitmeter says where the command is")
        if done.returncode != 0:
            pytest.fail(f"exitmeter {shlex.join(arguments)}: exit code {done.returncode}\n"
                        f"{done.stderr}")
        return done.stdout


def _cost(benchmark: str, metric: str, entry: dict, unit: str) -> Cost:
    split, counters = entry["split"] or {}, entry["counters"] or {}
    figures = {**entry["net"], "exits_per_op": entry["exits_per_op"], **split, **counters}
    name = f"{benchmark}/{entry['policy']}"
    if figures.get(metric) is None:
        why = entry.get("split_absent") if metric in PARTS else entry.get("counters_absent")
        pytest.fail(f"{name} has no {metric}{f': {why}' if why else ''}; there is "
                    f"{', '.join(key for key, value in figures.items() if value is not None)}")
    cost = Cost(figures[metric])
    times = metric in entry["net"] or metric in split
    parts = ", ".join(f"{part.replace('_', ' ')} {split[part]}" for part in PARTS if part in split)
    cost.about = (f"{f'{unit}, ' if times else ''}{metric} of {name}, n = {entry['net']['n']}"
                  f"{f' ({parts})' if times and parts else ''}")
    return cost

# SPDX-License-Identifier: MIT
"""Fixtures: run directories, and the command line in a process of its own or in this one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from analysis.__main__ import main

from .builder import Build, Row, write_run


def standard() -> list[Row]:
    """cpuid exits always; rdmsr under intercept-all only; floor always."""
    return [Row("floor", "passthrough-all", parts=(3, 0, 0, 0, 3), level="off"),
            Row("floor", "intercept-all", parts=(3, 0, 0, 0, 3), level="off"),
            Row("cpuid", "passthrough-all"), Row("cpuid", "intercept-all"),
            Row("rdmsr", "passthrough-all", exits=False, reason_number=31),
            Row("rdmsr", "intercept-all", parts=(5, 10, 30, 8, 4), reason_number=31)]


@dataclass
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", Build(standard()))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Path]:
    """make(name, rows, **knobs): a further run directory."""
    return lambda name, rows=None, **knobs: write_run(
        tmp_path / name, Build(standard() if rows is None else rows, **knobs))


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """call("compare", run, ...): exit code, stdout and stderr."""
    def run_main(*arguments: object) -> Outcome:
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = end.code
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)
    return run_main


@pytest.fixture
def baseline(run, tmp_path, call):
    """The standard run made one: its file."""
    file = tmp_path / "bochs.json"
    assert call("gate", run, "--baseline", file, "--update").code == 0
    return file

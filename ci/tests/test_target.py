# SPDX-License-Identifier: MIT
"""The self-test image on Bochs, with one CPU and with three: each of its tests is one here."""
import re

import pytest

from .conftest import BUILD, ROOT
from .image_boot import boot

ELF = BUILD / "tests" / "target.elf"
LIST = (ROOT / "core" / "tests" / "target" / "target.h").read_text()
TESTS = {name: int(cpus) for cpus, name in re.findall(r"^ +TARGET_TEST\((\d+), (\w+)\)", LIST, re.M)}
LINES = 40  # of each CPU, in lines_stay_whole


def verdict(lines, name):
    """ "ok", "skipped: why", "failed: why", or that there was none."""
    for line in lines:
        match = re.fullmatch(rf"(ok|skipped|failed) {name}(:.*)?", line)
        if match:
            return match.group(1) + (match.group(2) or "")
    return "it did not come to an end; the last line: " + (lines[-1] if lines else "none")


@pytest.fixture(scope="module", params=[1, 3], ids=["one CPU", "three CPUs"])
def booted(request, tmp_path_factory):
    return request.param, boot(tmp_path_factory.mktemp("target") / "boot", ELF, request.param,
                               seconds=240)


@pytest.mark.parametrize("name", TESTS)
def test_target(booted, name):
    cpus, lines = booted
    wanted = "ok" if TESTS[name] <= cpus else f"skipped: needs {TESTS[name]} CPUs"
    assert verdict(lines, name) == wanted


def test_the_image_found_its_cpus_and_ended(booted):
    cpus, lines = booted
    assert lines[0] == f"cpus {cpus}"
    assert lines[-1] == "exitmeter: done"
    assert len(TESTS) >= 17


def test_lines_of_two_cpus_stay_whole(booted):
    cpus, lines = booted
    text = "line {} of CPU {}: the quick brown fox 0123456789abcdef"
    wanted = [text.format(i, cpu) for cpu in range(2) for i in range(LINES)] if cpus > 1 else []
    said = [line for line in lines if "lines_stay_whole" not in line and ("line" in line or "fox" in line)]
    assert sorted(said) == sorted(wanted)


@pytest.mark.parametrize("cpus", [1, 2, 4])
def test_cpus_are_found_without_acpi_tables(tmp_path, cpus):
    """By a broadcast, as where the loader has none to pass on."""
    lines = boot(tmp_path / "boot", ELF, cpus, plan="broadcast")
    assert lines[0] == f"cpus {cpus}"
    assert verdict(lines, "cpus_are_themselves") == ("ok" if cpus > 1 else "skipped: needs 2 CPUs")
    assert lines[-1] == "exitmeter: done"

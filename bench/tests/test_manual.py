# SPDX-License-Identifier: MIT
"""The man page and the completion know every command and every option that --help knows."""

import os
import re
import subprocess
import sys

import pytest

from conftest import BINARY, REPOSITORY

COMPLETION = REPOSITORY / "bench" / "completion.bash"


def run(*command, **options):
    return subprocess.run(command, text=True, capture_output=True, check=True,
                          stdin=subprocess.DEVNULL, **options).stdout


def helped(*command):
    return run(BINARY, *command, "--help", env={**os.environ, "COLUMNS": "100"})


def names(text):
    """The commands in a list of them."""
    return re.findall(r"^  ([a-z][a-z-]*) {2,}\S", text, re.M)


def all_commands():
    found = []
    for name in names(helped()):
        found.append((name,))
        if "SUBCOMMAND" in helped(name):
            found += [(name, below) for below in names(helped(name))]
    return found


def long_options(text):
    """--one and the like, wherever they stand at the beginning of a line or behind a short one."""
    return set(re.findall(r"^ +(?:-\w,? (?:[A-Z]+, )?)?(--[a-z][\w-]*)", text, re.M))


@pytest.fixture(scope="module")
def page():
    return run(sys.executable, REPOSITORY / "bench" / "manual.py", BINARY)


@pytest.fixture(scope="module")
def every():
    """All commands and their options."""
    return {command: long_options(helped(*command)) for command in all_commands()}


def test_there_are_commands_and_options(every):
    assert {("run",), ("policy", "diff"), ("pmu", "encode"), ("gate",), ("runs",)} <= set(every)
    assert {"--guest", "--cpu-model", "--benchmark_filter", "--help"} <= every[("run",)]
    assert "--baseline" in every[("gate",)] and "--without-probes" in every[("compare",)]


def test_the_man_page_has_them(page, every):
    sections = page.replace("\\-", "-").split("\n.SS exitmeter ")[1:]
    found = {tuple(section.split("\n", 1)[0].split()): section for section in sections}
    assert set(found) == set(every)
    for command, options in every.items():
        written = set(re.findall(r"^\.B (?:-\w,? (?:[A-Z]+, )?)?(--[a-z][\w-]*)", found[command],
                                 re.M))
        assert written == options, command


def test_what_options_do_is_there_in_full(page):
    """Of lines that --help has to break, too."""
    text = page.replace("\\-", "-")
    assert "events that performance counters count, in the host and in the guest: see `exitmeter " \
        "pmu`" in text
    assert "take off what the probes cost by the run's calibration" in text
    assert "run only jobs whose name matches; '-' negates" in text


def test_groff_has_nothing_to_complain_of(page):
    result = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, text=True,
                            capture_output=True)
    assert (result.returncode, result.stderr) == (0, "")


def completed(*words):
    """What bash would offer for the last of the words."""
    script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _exitmeter; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return run("bash", "-c", script, "bash", COMPLETION, BINARY, *words).split()


def test_completion_knows_commands_and_options(every):
    assert set(completed("")) == {command[0] for command in every if len(command) == 1}
    assert set(completed("policy", "")) == {c[1] for c in every if c[0] == "policy" and len(c) > 1}
    for command, options in every.items():
        missing = options - set(completed(*command, "--"))
        assert not missing, command


@pytest.mark.parametrize("words, some", [
    (("run", "--gu"), {"--guest"}),
    (("run", "-p", "inter"), {"intercept-all"}),
    (("run", "--policy", "=", "inter"), {"intercept-all"}),
    (("run", "--policy", "="), {"intercept-all", "passthrough-all"}),
    (("run", "--guest", "cpui"), {"cpuid"}),
    (("run", "--cpu-model", "corei7_sk"), {"corei7_skylake_x"}),
    (("run", "--target", "bo"), {"bochs"}),
    (("policy", "show", "linux"), {"linux-least-privilege"}),
])
def test_completion_of_values(words, some):
    assert some <= set(completed(*words))


def test_completion_falls_back_to_files(tmp_path):
    (tmp_path / "some-run").mkdir()
    script = f'source {COMPLETION}; cd {tmp_path}; COMP_WORDS=({BINARY} compare so); COMP_CWORD=2; ' \
             '_exitmeter; echo "${COMPREPLY[@]}"'
    assert run("bash", "-c", script).split() == ["some-run"]

# SPDX-License-Identifier: MIT
"""The man page, on stdout: what each command says of itself with --help, between a head and a foot.
There is no second list of commands or options that could differ.

usage: bench/manual.py BUILD/exitmeter"""

import os
import re
import subprocess
import sys
import time
from typing import Iterator

HEAD = r"""
.SH NAME
exitmeter \- what a VM exit costs, where the time goes, and which bitmap policy avoids it
.SH SYNOPSIS
.B exitmeter
.I COMMAND
.RI [ OPTION ]...
.SH DESCRIPTION
A bare-metal Intel VMX vCPU whose every exit path carries time-stamp probes, a corpus of guests that
each take one exit, and a harness that runs them, compares policies and fails a build on a
regression. It runs in full on a machine without VT-x, where Bochs emulates it.
.PP
Progress and messages go to stderr; results, with
.B \-\-json
as one JSON document, to stdout.
.SH COMMANDS
""".strip()

FOOT = r"""
.SH EXIT STATUS
.TP
.B 0
done; of gate: held
.TP
.B 1
failed or regressed
.TP
.B 2
wrong usage or bad input: nothing was started
.TP
.B 3
cannot be measured here, or not comparable
.TP
.B 128 + N
ended by signal N; nothing is kept
.SH ENVIRONMENT
.TP
.B PATH
where bochs, xorriso and gnuplot are looked for
.TP
.B EXITMETER_ROOT
a directory in place of / when /proc, /sys and /dev are read to describe this machine: for tests
.SH FILES
.TP
.I RUN
a run directory, described in bench/RUN_FORMAT.md of the sources; made whole or not at all, and
never changed afterwards
.TP
.I *.policy
policies as text, described in bench/POLICY_FORMAT.md
.SH EXAMPLES
.nf
exitmeter run \-\-guest 'rdmsr*' \-o runs/mine
exitmeter run \-\-cpu\-model corei7_haswell_4770 \-\-cpu\-model corei7_skylake_x \-o runs/both
exitmeter compare runs/mine
exitmeter gate runs/mine \-\-baseline ci/baselines/bochs.json
.fi
.SH SEE ALSO
.BR bochs (1),
.BR babeltrace2 (1)
""".strip()

ITEM = re.compile(r"^  ([a-z][a-z-]*) {2,}(\S.*)$")
OPTION = re.compile(r"^ {2,}(-\S.*?)(?: {2,}(\S.*))?$")


def escape(text: str) -> str:
    """As roff wants it: no line is a request, and a hyphen is what one can type."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def help_of(binary: str, *command: str) -> list[str]:
    """Lines of --help, not broken to any terminal's width but 80."""
    result = subprocess.run([binary, *command, "--help"], text=True, check=True,
                            capture_output=True, env={**os.environ, "COLUMNS": "80"})
    return result.stdout.splitlines()


def commands(binary: str, *above: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """The commands and what each is for; and the subcommands of those that have some."""
    lines = help_of(binary, *above)
    if above and not any("SUBCOMMAND" in line for line in lines):
        return
    for line in lines:
        if match := ITEM.match(line):
            yield (*above, match[1]), match[2]
            if not above:
                yield from commands(binary, match[1])


def options(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Each option as it is written, and what it does."""
    found: list[list[str]] = []
    for line in lines:
        if match := OPTION.match(line):
            found.append([match[1], match[2] or ""])
        elif found and line.startswith("    ") and line.strip():
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        elif line.strip() and not line.startswith(" "):
            if found:  # a heading ends the last one's text
                found.append(["", ""])
    return ((option, what) for option, what in found if option)


def synopsis(lines: list[str]) -> str:
    """What follows "Usage:", broken lines put together."""
    start = next(i for i, line in enumerate(lines) if line.lower().startswith("usage: "))
    text = [lines[start].split(": ", 1)[1]]
    for line in lines[start + 1:]:
        if not line.startswith(" " * 7) or OPTION.match(line) and "--help" in line:
            break
        text.append(line.strip())
    return " ".join(text)


def section(binary: str, command: tuple[str, ...], summary: str) -> list[str]:
    """One command."""
    lines = help_of(binary, *command)
    text = [f".SS {escape('exitmeter ' + ' '.join(command))}", escape(summary), ".PP",
            f".B {escape(synopsis(lines))}"]
    for option, what in options(lines):
        text += [".TP", f".B {escape(option)}", escape(what) or "\\&"]
    return text


def main(binary: str) -> None:
    """The whole page. Its date is SOURCE_DATE_EPOCH's, if that is set."""
    now = time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time())))
    version = subprocess.run([binary, "--version"], text=True, check=True,
                             capture_output=True).stdout.split()[1]
    print('.\\" Written by bench/manual.py; change the commands\' --help, or that.')
    print(f'.TH EXITMETER 1 "{time.strftime("%Y-%m-%d", now)}" "exitmeter {version}" '
          '"User Commands"')
    print(HEAD)
    for command, summary in commands(binary):
        print("\n".join(section(binary, command, summary)))
    print(FOOT)


if __name__ == "__main__":
    main(sys.argv[1])

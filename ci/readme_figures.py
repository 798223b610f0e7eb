# SPDX-License-Identifier: MIT
"""Puts an excerpt of a run's table into README.md, in place of the one there.
usage: readme_figures.py EXITMETER RUN"""
import pathlib
import re
import subprocess
import sys

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"
TABLE = re.compile(r"(?<=```\n)bochs, .*?(?=\n```)", re.S)

# The rows that README speaks of.
ROWS = ("floor", "cpuid", "vmcall", "rdmsr", "wrmsr", "in", "out", "x2apic_tpr", "ud", "bp",
        "ept_first_touch", "mmio_read", "mmio_write")


def excerpt(exitmeter, run):
    chosen = [word for row in ROWS for word in ("--guest", row)]
    return subprocess.run([exitmeter, "compare", run, *chosen], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.rstrip()


def main(exitmeter, run):
    table = excerpt(exitmeter, run)
    text, found = TABLE.subn(lambda _: table, README.read_text(encoding="utf-8"))
    if found != 1:
        sys.exit(f"{README}: {found} tables of a Bochs run, not one")
    README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

# SPDX-License-Identifier: MIT
"""Puts the table of a run into README.md, in place of the one there.  usage: readme_figures.py TABLE"""
import pathlib
import re
import sys

README = pathlib.Path(__file__).resolve().parents[1] / "README.md"
TABLE = re.compile(r"(?<=```\n)bochs, .*?(?=\n```)", re.S)

table = pathlib.Path(sys.argv[1]).read_text(encoding="utf-8").rstrip()
text, found = TABLE.subn(lambda _: table, README.read_text(encoding="utf-8"))
if found != 1:
    sys.exit(f"{README}: {found} tables of a Bochs run, not one")
README.write_text(text, encoding="utf-8")

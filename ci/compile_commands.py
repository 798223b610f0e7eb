# SPDX-License-Identifier: MIT
"""How each C file is compiled, as clang's tools want to know it (compile_commands.json), from what
`make -nB V=1` prints. A file that several programs take is told once, as the first compiles it; one
that make does not compile, of those that the command line names, is told with plain flags."""
import json
import os
import re
import shlex
import sys

COMPILERS = ("gcc", "clang")
# A file that a test puts among the handlers is read as if it were there.
PLAIN = ["-std=gnu11", "-Icore/exits"]
# How to read the source; not what becomes of it.
KEPT = re.compile(r"-(std=|D|I|O|W[a-z]|f(?!sanitize|profile)|m[a-z0-9]).*")


def compiled(line):
    """Sources of a command that compiles, with its flags."""
    try:
        words = shlex.split(line)
    except ValueError:  # a part of a shell's loop
        return
    if words and words[0] in COMPILERS:
        flags = [word for word in words if KEPT.fullmatch(word) and word != "-Werror"]
        for word in words:
            if word.endswith(".c"):
                yield word, flags


def commands(lines, files):
    """The entries of the files."""
    found = {}
    for line in lines:
        for source, flags in compiled(line):
            found.setdefault(source, flags)
    return [{"directory": os.getcwd(), "file": file,
             "arguments": ["clang", *found.get(file, PLAIN), "-c", file]} for file in files]


if __name__ == "__main__":
    json.dump(commands(sys.stdin.read().replace("\\\n", " ").splitlines(), sys.argv[1:]), sys.stdout,
              indent=1)

# SPDX-License-Identifier: MIT
"""The same run many times over, each a boot of its own, several at a time: on Bochs all of them must
be the same, byte for byte, but for the date, the command line, and what they say of the host.

usage: ci/repeat.py EXITMETER [--times N] [--parallel N] [RUN OPTION]..."""

import argparse
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

# What may differ, by file.
VARYING = {"run.json": (("created",), ("command",), ("host",)),
           "benchmark.json": (("context", "date"), ("context", "load_avg"),
                              ("context", "mhz_per_cpu"))}
FOLLOWS = ("sha256sums",)  # from the others


def content(run: Path, file: Path) -> bytes:
    """A file's bytes; of a document with dates in it, what is left without them."""
    name = str(file.relative_to(run))
    if name not in VARYING:
        return file.read_bytes()
    document = json.loads(file.read_text(encoding="utf-8"))
    for *above, key in VARYING[name]:
        part = document
        for step in above:
            part = part[step]
        del part[key]
    return json.dumps(document, sort_keys=True).encode()


def digests(run: Path) -> dict[str, str]:
    """SHA-256 of each file of a run, by name."""
    return {str(file.relative_to(run)): hashlib.sha256(content(run, file)).hexdigest()
            for file in sorted(run.rglob("*"))
            if file.is_file() and file.name not in FOLLOWS}


def measure(exitmeter: Path, run: Path, options: list[str]) -> dict[str, str]:
    result = subprocess.run([exitmeter, "run", "-o", run, *options], text=True, check=False,
                            stdin=subprocess.DEVNULL, capture_output=True)
    if result.returncode:
        sys.exit(f"repeat: exit code {result.returncode}: {result.stderr}")
    return digests(run)


def differences(first: dict[str, str], other: dict[str, str]) -> list[str]:
    return [name for name in sorted(first.keys() | other.keys())
            if first.get(name) != other.get(name)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("exitmeter", type=Path)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--parallel", type=int, default=len(os.sched_getaffinity(0)))
    arguments, options = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as directory:
        with concurrent.futures.ThreadPoolExecutor(arguments.parallel) as pool:
            found = list(pool.map(lambda number: measure(
                arguments.exitmeter, Path(directory) / str(number), options),
                range(arguments.times)))
    different = 0
    for number, run in enumerate(found[1:], 2):
        wrong = differences(found[0], run)
        different += bool(wrong)
        if wrong:
            print(f"run {number} is not run 1: {', '.join(wrong)}")
    for name, digest in found[0].items():
        print(f"{digest}  {name}")
    print(f"{len(found)} runs, each a boot of its own: "
          f"{f'{different} differ from the first' if different else 'all the same'}")
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())

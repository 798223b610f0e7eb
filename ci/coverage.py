# SPDX-License-Identifier: MIT
"""What the tests have executed of each folder, as gcov counts it: a line, or a branch, of a source counts as
executed if it was so in any of the objects that it was compiled into.

usage: coverage.py BUILD [--at-least PERCENT FOLDER...] [--missing FOLDER]"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import subprocess
import sys

REPOSITORY = pathlib.Path(__file__).resolve().parent.parent
BATCH = 40  # objects to one gcov

# A source belongs to the first that it lies in. Tests are not what is asked for.
FOLDERS = ("core/exits", "core/vmx", "core/boot", "probes", "guests/loader", "guests/image", "bench")


class Source:
    """Executions by line, and by branch: (line, branches of the line in that object, number)."""

    def __init__(self):
        self.lines = collections.Counter()
        self.branches = collections.Counter()

    def add(self, lines):
        for line in lines:
            number = line["line_number"]
            self.lines[number] += line["count"]
            for place, branch in enumerate(line["branches"]):
                if not branch["throw"]:
                    self.branches[number, len(line["branches"]), place] += branch["count"]


def gcov(data):
    """The JSON documents of gcov, one an object."""
    run = subprocess.run(["gcov", "--branch-probabilities", "--json-format", "--stdout", *data], cwd=REPOSITORY,
                         capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"coverage: gcov failed:\n{run.stderr}")
    return [json.loads(line) for line in run.stdout.splitlines() if line]


def folder_of(name):
    return next((folder for folder in FOLDERS if name.startswith(folder + "/")), None)


def is_wanted(name):
    return folder_of(name) and "/tests/" not in name


def read(build):
    """By its name in the repository, each source that was compiled for coverage."""
    data = sorted(str(path) for path in pathlib.Path(build).resolve().rglob("*.gcda"))
    if not data:
        sys.exit(f"coverage: {build} has no .gcda: nothing that was built with --coverage has run")
    batches = [data[i:i + BATCH] for i in range(0, len(data), BATCH)]
    sources = collections.defaultdict(Source)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for documents in pool.map(gcov, batches):
            for file in (file for document in documents for file in document["files"]):
                name = os.path.normpath(file["file"])
                if is_wanted(name):
                    sources[name].add(file["lines"])
    return sources


def share(counter):
    """Executed, all, and the share in per cent; None where there is none at all."""
    executed = sum(1 for count in counter.values() if count)
    return executed, len(counter), 100 * executed / len(counter) if counter else None


def total(sources, folder, part):
    """Of all sources in the folder."""
    return collections.Counter({(name, key): count for name, source in sources.items()
                                if folder_of(name) == folder for key, count in getattr(source, part).items()})


def print_table(sources):
    print(f"{'folder':<16}{'lines':>8}{'executed':>10}{'%':>8}{'branches':>10}{'executed':>10}{'%':>8}")
    for folder in FOLDERS:
        row = f"{folder:<16}"
        for part, width in ("lines", 8), ("branches", 10):
            executed, count, percent = share(total(sources, folder, part))
            row += f"{count:>{width}}{executed:>10}" + ("       -" if percent is None else f"{percent:>8.1f}")
        print(row)


def in_a_row(numbers):
    """[3, 4, 5, 9] is 3-5 9."""
    rows = []
    for number in sorted(numbers):
        if rows and rows[-1][1] == number - 1:
            rows[-1][1] = number
        else:
            rows.append([number, number])
    return " ".join(str(first) if first == last else f"{first}-{last}" for first, last in rows)


def print_missing(sources, folder):
    for name in sorted(sources):
        missing = [line for line, count in sources[name].lines.items() if not count]
        if folder_of(name) == folder and missing:
            executed, count, percent = share(sources[name].lines)
            print(f"{name}: {executed} of {count}, {percent:.1f} %: not {in_a_row(missing)}")


def main():
    parser = argparse.ArgumentParser(description="What tests have executed, by folder.")
    parser.add_argument("build", help="built with --coverage; its tests have run")
    parser.add_argument("--at-least", nargs="+", metavar="", default=[], help="PERCENT FOLDER...: of the lines")
    parser.add_argument("--missing", action="append", default=[], metavar="FOLDER",
                        help="names the lines that were not executed")
    arguments = parser.parse_args()
    sources = read(arguments.build)

    print_table(sources)
    for folder in arguments.missing:
        print_missing(sources, folder)
    failed = False
    for folder in arguments.at_least[1:]:
        percent = share(total(sources, folder, "lines"))[2]
        if percent is None or percent < float(arguments.at_least[0]):
            said = "none" if percent is None else f"{percent:.1f} %"
            print(f"coverage: {folder}: {said} of the lines, and at least {arguments.at_least[0]} % are asked for",
                  file=sys.stderr)
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

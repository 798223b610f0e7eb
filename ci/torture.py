# SPDX-License-Identifier: MIT
"""Runs random guests on the core, on Bochs, a boot for each batch of them (core/tests/torture)."""
import argparse
import collections
import concurrent.futures
import functools
import os
import pathlib
import re
import sys
import tempfile
import time

from tests.conftest import BUILD
from tests.image_boot import boot

ELF = BUILD / "tests" / "torture.elf"
SECONDS_A_GUEST = 0.05  # at most, on a machine that does much else
SECONDS_A_BOOT = 120


class Batch:
    """What came of the guests first to first + guests - 1."""

    def __init__(self, seed, first, guests, lines):
        self.seed, self.first, self.guests, self.lines = seed, first, guests, lines
        self.counts = collections.Counter()
        for line in lines:
            match = re.fullmatch(r"(outcome|program) (\d+) (.*)", line)
            if match:
                self.counts[match[1], match[3]] += int(match[2])
            match = re.fullmatch(r"(state|exits|beside|nmis) (\d+) .*", line)
            if match:
                self.counts[match[1], ""] += int(match[2])

    @property
    def ended(self):
        """Whether all its guests ran."""
        return self.lines[-1:] == ["exitmeter: done"]

    @property
    def failures(self):
        """In words; what did not come to its end is one."""
        found = [line for line in self.lines if line.startswith("failed guest")]
        if not found and (not self.ended or f"guests {self.guests} failures 0" not in self.lines):
            found.append(f"guests {self.first} to {self.first + self.guests - 1} did not come to an end; "
                         f"the last line: {self.lines[-1] if self.lines else 'none'}")
        return [f"seed {self.seed}: {line}" for line in found]


def run_batch(seed, first, guests, beyond=False, elf=ELF):
    """One boot."""
    with tempfile.TemporaryDirectory() as directory:
        lines = boot(pathlib.Path(directory) / "boot", elf, cpus=3 if beyond else 1,
                     plan=f"{seed} {first} {guests}" + " 1" * beyond,
                     seconds=(SECONDS_A_BOOT + SECONDS_A_GUEST * guests) * (4 if beyond else 1))
    return Batch(seed, first, guests, lines)


def find(batch, run_batch=run_batch):
    """The batch again in parts, if it came to no end, so that only one guest is lost, and known."""
    if batch.ended or batch.guests == 1:
        return [batch]
    half = batch.guests // 2
    return [part for first, guests in ((batch.first, half), (batch.first + half, batch.guests - half))
            for part in find(run_batch(batch.seed, first, guests), run_batch)]


def run(seed, first, guests, batch, processes, done=lambda batch: None, beyond=False):
    """All batches, in the order of their guests; done is called as each ends."""
    boot_batch = functools.partial(run_batch, beyond=beyond)

    def one(at):
        return find(boot_batch(seed, at, min(batch, first + guests - at)), boot_batch)

    with concurrent.futures.ThreadPoolExecutor(processes) as pool:
        futures = [pool.submit(one, at) for at in range(first, first + guests, batch)]
        for future in concurrent.futures.as_completed(futures):
            for part in future.result():
                done(part)
    return [part for future in futures for part in future.result()]


def total(batches):
    """The counts of all batches."""
    return sum((batch.counts for batch in batches), collections.Counter())


def report(batches, seconds):
    """The figures, as text."""
    counts = total(batches)
    failures = [line for batch in batches for line in batch.failures]
    lines = [f"{sum(batch.guests for batch in batches)} random guests, seed {batches[0].seed}, "
             f"in {seconds:.0f} s; {counts['state', '']} with random guest state; "
             f"{counts['exits', '']} VM exits counted by the probes", ""]
    for title, what in (("how they ended", "outcome"), ("what they ran", "program")):
        lines += [title] + [f"  {count:10} {name}" for (of, name), count in counts.most_common()
                            if of == what]
    if counts["beside", ""]:
        lines += ["", f"{counts['beside', '']} random guests on a second CPU meanwhile; "
                      f"{counts['nmis', '']} NMIs sent to both"]
    return "\n".join([*lines, "", *failures,
                      f"{len(failures)} host failures and escapes"]), bool(failures)


def main():
    """The command line: exit code 0 without failures, 1 with."""
    parser = argparse.ArgumentParser(prog="torture", description=__doc__, allow_abbrev=False)
    parser.add_argument("--guests", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first guest")
    parser.add_argument("--batch", type=int, default=5000, help="guests a boot")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--beyond", action="store_true",
                        help="with an APIC-access page, a second CPU's guests, and NMIs from a third: "
                             "such a guest is not the same alone")
    options = parser.parse_args()
    began, finished = time.monotonic(), [0]

    def done(batch):
        finished[0] += batch.guests
        print(f"{finished[0]} of {options.guests} guests, {time.monotonic() - began:.0f} s",
              *batch.failures, sep="\n", file=sys.stderr, flush=True)

    text, failed = report(run(options.seed, options.first, options.guests, options.batch,
                              options.processes, done, options.beyond), time.monotonic() - began)
    print(text)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""A long run on Bochs, a hundred million exits of one guest in one boot: no record may be lost, no
figure drift, no memory leak. That the core's own pages are all back at the end, the image checks.

usage: ci/endurance.py EXITMETER [--exits N] [--round N] [-o RUN]"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

CPUID, VMCALL = "10", "18"
ROUNDS_OF_SHORT = 2
LEEWAY_KIB = 4096  # by which the harness may be larger after a long run than after a short one


class Measured:
    """One run, its documents, and the most memory that its harness has had."""

    def __init__(self, exitmeter: Path, run: Path, samples: int, rounds: int):
        command = [exitmeter, "run", "--guest", "cpuid", "--policy", "intercept-all", "--samples",
                   str(samples), "--rounds", str(rounds), "--timeout", "86400", "-o", run]
        began = time.monotonic()
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True) as process:
            self.peak = 0
            reader = threading.Thread(target=lambda: setattr(self, "said", process.stderr.read()))
            reader.start()
            while process.poll() is None:
                self.peak = max(self.peak, peak_kib(process.pid))
                time.sleep(0.1)
            reader.join()
        self.seconds = time.monotonic() - began
        if process.returncode:
            sys.exit(f"endurance: exit code {process.returncode}: {self.said}")
        self.run, self.rounds, self.taken = run, rounds, samples
        self.document = json.loads((run / "run.json").read_text(encoding="utf-8"))
        self.job = next(job for job in self.document["jobs"] if job["benchmark"] == "cpuid")
        self.op, self.control = self.job["phases"]["op"], self.job["phases"]["control"]

    def samples(self, phase: dict) -> np.ndarray:
        """The last round's, of which samples.bin has start and end."""
        pairs = np.fromfile(self.run / "samples.bin", "<u8").reshape(-1, 2)
        first = phase["sample_offset"]
        pairs = pairs[first:first + phase["samples"]]
        return pairs[:, 1] - pairs[:, 0]


def peak_kib(process: int) -> int:
    """VmHWM; 0 when it has ended."""
    try:
        for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


def wrong_counts(measured: Measured) -> list[str]:
    """Every exit has its record, and every record is kept or counted as discarded."""
    found = []
    for name, phase, exits in (("control", measured.control, 0),
                               ("op", measured.op, measured.taken * measured.rounds)):
        folded = phase["folded"]
        by_reason = folded["totals"]["exits"]
        for what, is_now, must in (
                ("rounds", folded["rounds"], measured.rounds),
                ("samples", folded["samples"], measured.taken * measured.rounds),
                ("exits by CPUID", by_reason.get(CPUID, 0), exits),
                ("exits that end a round", by_reason.get(VMCALL, 0), measured.rounds),
                ("records kept and discarded", folded["records"] + folded["discarded"],
                 sum(by_reason.values()) + folded["discarded"]),
                ("records discarded", folded["discarded"], 0),
                ("round trips in the histogram", folded["histograms"]["round_trip"]["n"],
                 folded["samples"])):
            if is_now != must:
                found.append(f"{name}: {what}: {is_now}, must be {must}")
    return found


def drift(short: Measured, long: Measured) -> list[str]:
    """All rounds' distributions are the first ones' and the last one's, and those the same."""
    found = []
    for name in ("control", "op"):
        phases = [measured.job["phases"][name] for measured in (short, long)]
        for part, histogram in phases[1]["folded"]["histograms"].items():
            first = phases[0]["folded"]["histograms"][part]
            for what in ("min", "max"):
                if histogram[what] != first[what]:
                    found.append(f"{name}, {part}: {what} {first[what]} -> {histogram[what]} ticks")
            scaled = [[lowest, count * long.rounds // short.rounds]
                      for lowest, count in first["buckets"]]
            if histogram["buckets"] != scaled:
                found.append(f"{name}, {part}: first rounds {first['buckets']}, "
                             f"all rounds {histogram['buckets']}")
        if not np.array_equal(short.samples(phases[0]), long.samples(phases[1])):
            found.append(f"{name}: the last round's samples are not the first rounds'")
    return found


def records_in_trace(measured: Measured) -> int:
    """As babeltrace2 reads them."""
    reader = ["babeltrace2", "--component", "sink.utils.counter", measured.run / "trace"]
    out = subprocess.run(reader, check=True, text=True, capture_output=True).stdout
    counts = [int(line.split()[0].replace(",", "")) for line in out.splitlines() if "Event message" in line]
    return counts[-1]  # those before are of the way there


def wrong_trace(measured: Measured, exitmeter: Path) -> list[str]:
    kept = sum(phase["records"] for job in measured.document["jobs"]
               for phase in job["phases"].values())
    read = records_in_trace(measured)
    found = [f"the trace has {read} records, run.json {kept}"] if read != kept else []
    verified = subprocess.run([exitmeter, "runs", "--verify", measured.run], text=True, check=False,
                              capture_output=True)
    return found + ([verified.stdout + verified.stderr] if verified.returncode else [])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("exitmeter", type=Path)
    parser.add_argument("--exits", type=int, default=100_000_000)
    parser.add_argument("--round", type=int, default=10_000,
                        help="exits a round; records are kept of the last")
    parser.add_argument("-o", dest="run", type=Path, help="keep the long run here")
    options = parser.parse_args()
    rounds = options.exits // options.round
    if rounds < ROUNDS_OF_SHORT:
        parser.error(f"--exits is less than {ROUNDS_OF_SHORT} rounds of {options.round}")
    with tempfile.TemporaryDirectory() as name:
        short = Measured(options.exitmeter, Path(name) / "short", options.round, ROUNDS_OF_SHORT)
        long = Measured(options.exitmeter, options.run or Path(name) / "long", options.round, rounds)
        wrong = wrong_counts(long) + drift(short, long) + wrong_trace(long, options.exitmeter)
    if not short.peak or not long.peak:
        wrong.append("the harness ended before its memory was looked at")
    if long.peak > short.peak + LEEWAY_KIB:
        wrong.append(f"the harness took {long.peak} KiB, after {ROUNDS_OF_SHORT} rounds "
                     f"{short.peak} KiB")
    folded = long.op["folded"]
    trip = folded["histograms"]["round_trip"]
    clock = long.document["clock"]
    print(f"{folded['totals']['exits'][CPUID]} exits in {rounds} rounds, {long.seconds:.0f} s, "
          f"{clock['end'] - clock['start']} ticks; {folded['records']} records, "
          f"{folded['discarded']} discarded\n"
          f"round trip, control included: {trip['min']}..{trip['max']} ticks, n = {trip['n']}; "
          f"harness {long.peak} KiB, after {ROUNDS_OF_SHORT} rounds {short.peak} KiB")
    print(*wrong or ["no record lost, no drift, no leak"], sep="\n")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: MIT
"""What the gate is worth on this machine: how often it alarms where nothing has changed, and how often
it sees 5 %. Live runs of the target kvm, all of one kernel, each held against each: none may regress.
Then the round trips of one side are made 5 % longer, sample by sample in samples.bin.

usage: ci/gate_live.py BUILD [--runs N] [--repetitions N] [--guest PATTERN]... [--shift X]
                       [--keep DIR] [--of DIR]
Exit code 0: both figures are held; 1: not; 3: no live runs can be had here."""

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analysis.baseline import measured  # noqa: E402
from analysis.judge import judge_rows  # noqa: E402
from analysis.rules import CYCLES, Rules  # noqa: E402
from analysis.run import open_run  # noqa: E402

FALSE_ALARMS = 0.01
CAUGHT = 0.95
SHIFT = 1.05  # what is stated; --shift tries others


def main() -> int:
    options = parse()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        runs = (sorted(path for path in options.of.iterdir() if (path / "run.json").exists())
                if options.of else take(options, options.keep or work))
        if len(runs) < 2:
            print("gate_live: fewer than two live runs", file=sys.stderr)
            return 3
        plain = [measured(open_run(run)) for run in runs]
        longer = [measured(open_run(lengthen(run, work / f"longer{number}", options.shift)))
                  for number, run in enumerate(runs)]
        return say(options, plain, longer)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--repetitions", type=int, default=100)
    parser.add_argument("--guest", action="append")
    parser.add_argument("--shift", type=float, default=SHIFT)
    parser.add_argument("--keep", type=Path, help="leave the runs here")
    parser.add_argument("--of", type=Path, help="judge these runs instead of taking any")
    return parser.parse_args()


def take(options: argparse.Namespace, directory: Path) -> list[Path]:
    """Live runs, one after another; none where there is no target for them."""
    listed = subprocess.run([options.build / "exitmeter", "list", "--json"], capture_output=True,
                            text=True, check=True).stdout
    if not any(target["name"] == "kvm" for target in json.loads(listed)["targets"]):
        print("gate_live: this build has no target kvm", file=sys.stderr)
        return []
    directory.mkdir(parents=True, exist_ok=True)
    guests = [word for guest in options.guest or ["cpuid"] for word in ("--guest", guest)]
    runs = []
    for number in range(options.runs):
        run = directory / f"live{number:03}"
        done = subprocess.run([options.build / "exitmeter", "run", "--target", "kvm", *guests,
                               f"--benchmark_repetitions={options.repetitions}", "-o", run],
                              capture_output=True, text=True, check=False)
        if done.returncode == 3:
            sys.stderr.write(done.stderr)
            return []
        if done.returncode != 0:
            sys.exit(f"gate_live: a run failed: {done.stderr}")
        runs.append(run)
    return runs


def lengthen(run: Path, copy: Path, factor: float) -> Path:
    """The run with each round trip of the operation factor as long; the control as it was."""
    shutil.copytree(run, copy)
    document = json.loads((run / "run.json").read_text(encoding="utf-8"))
    samples = np.fromfile(run / "samples.bin", dtype="<u8").reshape(-1, 2)
    for job in document["jobs"]:
        if job["status"] == "done":
            phase = job["phases"]["op"]
            mine = samples[phase["sample_offset"]:phase["sample_offset"] + phase["samples"]]
            mine[:, 1] = mine[:, 0] + np.rint((mine[:, 1] - mine[:, 0]) * factor).astype("<u8")
    samples.tofile(copy / "samples.bin")
    return copy


def say(options: argparse.Namespace, plain: list[dict], longer: list[dict]) -> int:
    """Each ordered pair of runs is a comparison; each benchmark in it one row of a family."""
    pairs = list(itertools.permutations(range(len(plain)), 2))
    rules = Rules(CYCLES)
    same = [judge_rows(plain[new], plain[old], rules, False) for old, new in pairs]
    slower = [judge_rows(longer[new], plain[old], rules, False) for old, new in pairs]
    alarms = sum(bool(verdict["regressed"]) for verdict in same)
    rows = sum(len(verdict["rows"]) for verdict in slower)
    caught = sum(len(verdict["regressed"]) for verdict in slower)
    blurred = sum(len(verdict["blurred"]) for verdict in same)
    held = sum(not verdict["regressed"] for verdict in slower)
    print(f"{len(plain)} live runs of {', '.join(sorted(plain[0]))}: {len(pairs)} comparisons, "
          f"{rows} rows, {blurred} of them blurred")
    print(f"nothing changed: {alarms} of {len(pairs)} alarm: {alarms / len(pairs):.2%}; at most "
          f"{FALSE_ALARMS:.0%} is stated")
    print(f"{options.shift - 1:.1%} longer: {caught} of {rows} rows are seen: {caught / rows:.2%}; "
          f"at least {CAUGHT:.0%} is stated of 5 %; {held} comparisons pass")
    return int(alarms > FALSE_ALARMS * len(pairs) or caught < CAUGHT * rows)


if __name__ == "__main__":
    sys.exit(main())

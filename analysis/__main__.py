# SPDX-License-Identifier: MIT
"""The analysis end of the exitmeter command: compare, gate, report, history."""

import argparse
import signal
import sys
from pathlib import Path
from typing import Any

from .errors import SIGNALS, Failure, Interrupted

# Debian's package of each module that is not Python's own.
PACKAGES = {"numpy": "python3-numpy", "scipy": "python3-scipy", "jinja2": "python3-jinja2"}


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code."""
    options = parse(arguments)
    try:
        return dispatch(options)
    except Failure as failure:
        print(f"exitmeter: {failure}", file=sys.stderr)
        return failure.exit_code
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module not in PACKAGES:
            raise
        print(f"exitmeter: {sys.executable} has no {module}: install {PACKAGES[module]}",
              file=sys.stderr)
        return 3


def parse(arguments: list[str]) -> argparse.Namespace:
    """Wrong usage ends here, with exit code 2."""
    parser = argparse.ArgumentParser(prog="exitmeter", description=__doc__, allow_abbrev=False)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    compare = commands.add_parser("compare", allow_abbrev=False,
                                  help="policies within a run, or one run against another")
    compare.add_argument("run", type=Path, metavar="RUN")
    compare.add_argument("other", type=Path, metavar="RUN2", nargs="?", help="the newer run")
    compare.add_argument("-g", "--guest", action="append", default=[], metavar="PATTERN",
                         help="benchmarks whose names match, may repeat (all)")
    compare.add_argument("-p", "--policy", action="append", default=[], metavar="PATTERN",
                         help="policies whose names match, may repeat (all)")
    compare.add_argument("--without-probes", action="store_true",
                         help="take off what the probes cost by the run's calibration")
    compare.add_argument("--json", action="store_true", help="one JSON document on stdout")

    targets = commands.add_parser("targets", allow_abbrev=False,
                                  help="the same guests on several targets, side by side")
    targets.add_argument("runs", type=Path, metavar="RUN", nargs="+",
                         help="runs, or a directory that holds some")
    targets.add_argument("-g", "--guest", action="append", default=[], metavar="PATTERN",
                         help="benchmarks whose names match, may repeat (all)")
    targets.add_argument("--json", action="store_true", help="one JSON document on stdout")

    gate = commands.add_parser("gate", allow_abbrev=False,
                               help="exit 0 held, 1 regressed, 2 bad input, 3 not comparable")
    gate.add_argument("run", type=Path, metavar="RUN")
    gate.add_argument("--baseline", type=Path, required=True, metavar="FILE")
    gate.add_argument("--update", action="store_true", help="make RUN the baseline")
    gate.add_argument("--rules", type=Path, metavar="FILE",
                      help="what each metric is held to (beside the baseline: NAME.rules.toml)")
    gate.add_argument("-g", "--guest", action="append", default=[], metavar="PATTERN",
                      help="judge benchmarks whose names match, may repeat (all)")
    gate.add_argument("-p", "--policy", action="append", default=[], metavar="PATTERN",
                      help="judge policies whose names match, may repeat (all)")
    gate.add_argument("--json", action="store_true", help="one JSON document on stdout")
    gate.add_argument("--junit", type=Path, metavar="FILE", help="write JUnit's XML")
    gate.add_argument("--annotations", choices=["github"],
                      help="print annotations for a CI system to show beside the change")
    gate.add_argument("--summary", type=Path, metavar="FILE",
                      help="append Markdown to FILE, such as $GITHUB_STEP_SUMMARY")

    report = commands.add_parser("report", allow_abbrev=False, help="one self-contained HTML page")
    report.add_argument("run", type=Path, metavar="RUN")
    report.add_argument("-o", "--output", type=Path, metavar="FILE", help="default: RUN.html")

    export = commands.add_parser("export", allow_abbrev=False, help="the formats of other tools")
    export.add_argument("run", type=Path, metavar="RUN")
    export.add_argument("--format", required=True,
                        choices=["ctf", "perfetto", "csv", "folded", "openmetrics"])
    export.add_argument("--of", choices=["samples", "records"],
                        help="what the CSV has a line for each of (samples)")
    export.add_argument("-o", "--output", type=Path, metavar="FILE",
                        help="default: stdout; of ctf a directory")

    profile = commands.add_parser("profile", allow_abbrev=False,
                                  help="where the exits of a guest of your own went")
    profile.add_argument("run", type=Path, metavar="RUN")
    profile.add_argument("--top", type=_positive, default=15, metavar="N", help="lines a list (15)")
    profile.add_argument("--json", action="store_true", help="one JSON document on stdout")
    _history(commands)
    return parser.parse_args(arguments)


def _history(commands: Any) -> None:
    history = commands.add_parser("history", allow_abbrev=False,
                                  help="runs of a branch over time, and where figures changed")
    verbs = history.add_subparsers(dest="verb", required=True, metavar="add|list|show")
    add = verbs.add_parser("add", allow_abbrev=False, help="keep a run")
    add.add_argument("run", type=Path, metavar="RUN")
    add.add_argument("--commit", default="", metavar="SHA", help="what was measured")
    add.add_argument("--time", metavar="T", help="when that was made: as git's %%cI, or seconds "
                     "since 1970 (when RUN was measured)")
    listed = verbs.add_parser("list", allow_abbrev=False, help="the runs that are kept")
    show = verbs.add_parser("show", allow_abbrev=False, help="where figures changed")
    show.add_argument("-g", "--guest", action="append", default=[], metavar="PATTERN",
                      help="benchmarks whose names match, may repeat (all)")
    show.add_argument("-p", "--policy", action="append", default=[], metavar="PATTERN",
                      help="policies whose names match, may repeat (all)")
    show.add_argument("-o", "--output", type=Path, metavar="FILE", help="write an HTML page")
    for verb in (add, listed, show):
        verb.add_argument("--db", type=Path, required=True, metavar="FILE",
                          help="the database" + ("; made if it is not there" * (verb is add)))
    for verb in (add, show):
        verb.add_argument("--branch", default="main", metavar="NAME", help="(main)")
    for verb in (listed, show):
        verb.add_argument("--json", action="store_true", help="one JSON document on stdout")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def interrupt(number: int, _: Any) -> None:
    """The first signal ends what is being done; a second is not to get in the way of tidying up."""
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    raise Interrupted(number)


def listen() -> None:
    """nohup stays nohup. Until here they were blocked (bench/command_analysis.c)."""
    for each in SIGNALS:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, interrupt)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)


def dispatch(options: argparse.Namespace) -> int:
    """Imports late, so that usage and a missing package are answered without numpy."""
    if options.command == "compare":
        from .compare import compare
        return compare(options.run, options.other, options.json, options.without_probes,
                       options.guest, options.policy)
    if options.command == "targets":
        from .targets import targets
        return targets(options.runs, options.guest, options.json)
    if options.command == "gate":
        from .gate import Outputs, gate
        outputs = Outputs(options.json, options.junit, options.annotations, options.summary)
        return gate(options.run, options.baseline, options.update, outputs, options.rules,
                    options.guest, options.policy)
    if options.command == "export":
        from .export import export
        return export(options.run, options.format, options.output, options.of)
    if options.command == "profile":
        from .profile_text import profile
        return profile(options.run, options.top, options.json)
    if options.command == "history":
        from . import history
        if options.verb == "add":
            return history.add(options.run, options.db, options.branch, options.commit,
                               options.time)
        if options.verb == "list":
            return history.show_list(options.db, options.json)
        return history.show(options.db, options.branch, options.guest, options.policy,
                            options.json, options.output)
    from .report import report
    return report(options.run, options.output)


def command(arguments: list[str]) -> int:
    """main() for a process of its own, which a signal ends in good order."""
    try:
        listen()
        return main(arguments)
    except Interrupted as end:
        print(f"exitmeter: interrupted by {signal.Signals(end.number).name}", file=sys.stderr)
        return 128 + end.number


if __name__ == "__main__":
    sys.exit(command(sys.argv[1:]))

# SPDX-License-Identifier: MIT
"""The analysis end of the exitmeter command: compare, gate, report."""

import argparse
import sys
from pathlib import Path

from .errors import Failure

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
    compare.add_argument("--without-probes", action="store_true",
                         help="take off what the probes cost by the run's calibration")
    compare.add_argument("--json", action="store_true", help="one JSON document on stdout")

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

    profile = commands.add_parser("profile", allow_abbrev=False,
                                  help="where the exits of a guest of your own went")
    profile.add_argument("run", type=Path, metavar="RUN")
    profile.add_argument("--top", type=_positive, default=15, metavar="N", help="lines a list (15)")
    profile.add_argument("--json", action="store_true", help="one JSON document on stdout")
    return parser.parse_args(arguments)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def dispatch(options: argparse.Namespace) -> int:
    """Imports late, so that usage and a missing package are answered without numpy."""
    if options.command == "compare":
        from .compare import compare
        return compare(options.run, options.other, options.json, options.without_probes,
                       options.guest)
    if options.command == "gate":
        from .gate import Outputs, gate
        outputs = Outputs(options.json, options.junit, options.annotations, options.summary)
        return gate(options.run, options.baseline, options.update, outputs, options.rules,
                    options.guest, options.policy)
    if options.command == "profile":
        from .profile_text import profile
        return profile(options.run, options.top, options.json)
    from .report import report
    return report(options.run, options.output)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

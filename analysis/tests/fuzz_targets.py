# SPDX-License-Identifier: MIT
"""What `make fuzz` feeds the readers (fuzz/fuzz_python.c): a function a fuzzer, which takes the input and
raises where there is something to mend. Refusing a file by a Failure is well; anything else that is
raised is not, nor is a file that is taken and then trips what shows or judges it."""

import atexit
import contextlib
import io
import json
import random
import shutil
import sqlite3
import tempfile
import warnings
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from analysis import baseline as baseline_module
from analysis import (compare_runs, export_csv, export_folded, export_openmetrics, export_perfetto,
                      export_records, history, history_store, report, summary, targets)
from analysis.baseline import baseline_of, load_baseline
from analysis.calibration import without_probes
from analysis.compare_runs_text import runs_text
from analysis.compare_text import policies_text
from analysis.errors import Failure
from analysis.gate import refuse_other_fingerprint, update_text
from analysis.gate_text import annotations, markdown, verdict_text
from analysis.judge import judge, judge_rows
from analysis.junit import junit
from analysis.matrix_profile import compared
from analysis.matrix_profile import text as profiles_text
from analysis.output import to_json
from analysis.page import render
from analysis.profile import is_profile, open_profile
from analysis.profile_report import contents as profile_contents
from analysis.profile_text import document as profile_document
from analysis.profile_text import lines as profile_lines
from analysis.results import Result, results, root_operations
from analysis.rules import load_rules
from analysis.run import Run, open_run

from .builder import NAMES, Build, Row, layout, write_run
from .fuzz_mutation import DTYPES, mutate_json, mutate_trace
from .test_profile import document as sound_profile

warnings.simplefilter("ignore")  # numpy's, of values that no machine has
np.seterr(all="ignore")

HOME = Path(tempfile.mkdtemp(prefix="exitmeter-fuzz-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)

EVENTS = tuple({"name": "instructions", "side": side, "place": 0, "rdpmc": "0x40000000",
                "mask": "0x0000ffffffffffff", "mean_per_exit": 180.0} for side in ("host", "guest"))

# A little of everything.
ROWS = [Row("floor", parts=(3, 0, 0, 0, 3), level="off", stub="floor"), Row("cpuid"),
        Row("cpuid", "passthrough-all", level="counts"),
        Row("rdmsr", exits=False, reason_number=31, detail=0x174), Row("in", level="pmu", events=EVENTS), Row("cr", times=2, gap=3),
        Row("vmread", "any", kind="root", exits=False, level="off"), Row("check/x", kind="check"),
        Row("out", status="skipped", reason="no such port")]
FAILED = [Row("hlt", status="failed", reason="it failed")]


def _write(name: str, rows: list[Row], **knobs: Any) -> Path:
    return write_run(HOME / name, Build(rows, samples=3, count_samples=2, **knobs))


GOOD = open_run(_write("good", ROWS))
CYCLES = open_run(_write("cycles", [Row(), Row("in")], unit="TSC cycles", target="kvm", repetitions=10))
RUNS = (GOOD, CYCLES)
HELD = [json.loads(to_json(baseline_of(run))) for run in RUNS]
FOLDED = {"rounds": 2, "samples": 6, "records": 8, "discarded": 0, "totals": None, "histograms": {
    name: {"n": 6, "sum": 99, "min": 5, "max": 31, "buckets": [[5, 3], [30, 3]]}
    for name in ("round_trip", "save_and_dispatch", "handler", "restore")}}


def replace_file(file: Path, data: bytes) -> None:
    """In an inode of its own: views of the old one live on."""
    file.unlink(missing_ok=True)
    file.write_bytes(data)


@contextlib.contextmanager
def finding() -> Iterator[None]:
    """Leaves nothing behind where the process is to be aborted."""
    try:
        yield
    except Failure:
        pass
    except BaseException:
        shutil.rmtree(HOME, ignore_errors=True)
        raise


_MADE: dict[int, tuple[Run, list[Result], list[Result]]] = {}


def _made(run: Run) -> tuple[Run, list[Result], list[Result]]:
    """Every command makes a run's results anew; here once. The run is kept for its id."""
    if id(run) not in _MADE:
        for old in [key for key in _MADE if key not in (id(GOOD), id(CYCLES))]:
            del _MADE[old]
        _MADE[id(run)] = (run, results(run), root_operations(run))
    return _MADE[id(run)]


for module in (baseline_module, export_openmetrics, history_store, report, summary, targets):
    for place, function in ((1, "results"), (2, "root_operations")):
        if hasattr(module, function):
            setattr(module, function, lambda run, place=place: _made(run)[place])


def use(run: Run, data: bytes) -> None:
    """All that is done with a run that was taken, a third of it at a time. Each for itself: one that
    refuses hinders no other."""
    _, made, _ = _made(run)
    for result in made:
        net = result.net
        assert net["min"] <= net["p50"] <= net["p99"] <= net["max"] and net["n"] == len(result.values)
        assert all(len(values) for values in result.repetitions)
    uses: list[Callable[[], Any]] = [
        lambda: policies_text(summary.summarize(run, made)), lambda: to_json(summary.summarize(run, made)),
        lambda: to_json(summary.summarize(run, without_probes(run, made), True)),
        lambda: runs_text(compare_runs.compare_runs(GOOD, run, lambda each: _made(each)[1])),
        lambda: to_json(compare_runs.compare_runs(run, GOOD, lambda each: _made(each)[1])),
        lambda: targets.text(targets.document([run, GOOD], [])),
        lambda: to_json(baseline_of(run)), lambda: list(history_store.figures(run)),
        lambda: history_store.series_key(run),
        lambda: history.parse_time(str(run.document.get("created")), "created")]
    uses += [lambda write=write: write(run, io.StringIO()) for write in (
        export_perfetto.write, export_csv.write_samples, export_csv.write_records,
        export_folded.write, export_openmetrics.write)]
    uses += [lambda held=held: verdicts(run, held) for held in HELD]
    turn = zlib.crc32(data)
    if turn % 8 == 0:
        uses.append(lambda: render("report.html", report.contents(run)))
    for each in uses[turn % 3::3]:
        with contextlib.suppress(Failure):
            each()


def verdicts(run: Run, held: dict[str, Any]) -> None:
    verdict = judge(run, held, load_rules(HOME / "none", run.unit == "ticks"))
    told(verdict, run)
    refuse_other_fingerprint(run, held["fingerprint"])


def told(verdict: dict[str, Any], run: Run) -> None:
    """In all forms."""
    for text in (to_json(verdict), verdict_text(verdict, run.path, HOME), annotations(verdict, HOME),
                 markdown(verdict, run.path, HOME), junit(verdict, HOME)):
        assert text or text == ""


def use_profile(path: Path, data: bytes) -> None:
    run = open_profile(path)
    to_json(profile_document(run, 5))
    for outcome in run.outcomes:
        profile_lines(outcome, 5, run.unit)
    made = compared(run, [outcome.policy for outcome in run.outcomes])
    to_json(made)
    profiles_text(made)
    export_folded.write_profile(run, io.StringIO())
    if zlib.crc32(data) % 8 == 0:
        render("profile.html", profile_contents(run))


def drawn(drawings: Any) -> list[str]:
    """In place of gnuplot's work, which is another program's."""
    return ["" for _ in drawings]


for module in ("report", "profile_report"):
    setattr(__import__(f"analysis.{module}", fromlist=["draw"]), "draw", drawn)


# run.json -------------------------------------------------------------------------------------------

def run_json(data: bytes) -> None:
    """The input is run.json, of a run or of a profile; the other files are sound."""
    file = HOME / "good" / "run.json"
    with finding():
        replace_file(file, data)
        if is_profile(file.parent):
            use_profile(file.parent, data)
        else:
            use(open_run(file.parent), data)


def _runs() -> list[dict[str, Any]]:
    folded = json.loads(json.dumps(GOOD.document))
    folded["jobs"][1]["phases"]["op"]["folded"] = FOLDED
    folded["jobs"][1]["phases"]["control"]["folded"] = FOLDED | {"records": 2}
    monitored = json.loads(json.dumps(GOOD.document))
    monitored |= {"monitor": {"name": "KVM", "notes": ["slow"]}, "accelerator": "kvm", "nested": True}
    failed = json.loads(json.dumps(GOOD.document))
    failed |= {"status": "failed", "reason": "a job failed"}
    failed["jobs"][1]["status"] = "failed"
    return [GOOD.document, folded, monitored, failed, sound_profile()]


def mutate_run(data: bytes, chance: random.Random) -> bytes:
    return mutate_json(data, chance, chance.choice(_runs()))


# The files that run.json points into -----------------------------------------------------------------

# By the input's first byte.
FILES = {b"0": "trace/cpu0", b"1": "trace/cpu0_wide", b"2": "samples.bin", b"3": "layout.json",
         b"4": "trace/metadata", b"5": "names.json"}
SOUND = {kind: (GOOD.path / name).read_bytes() for kind, name in FILES.items()}


def trace(data: bytes) -> None:
    """The input is one of the files of measured data, behind a byte that says which."""
    kind = data[:1]
    if kind not in FILES:
        return
    file = GOOD.path / FILES[kind]
    with finding():
        replace_file(file, data[1:])
        run = open_run(GOOD.path)
        packets = [len(packet.records) for packet in export_records.packets(run)]
        assert sum(packets) * 64 <= sum(len(stream.bytes) for stream in run.trace.streams.values())
        use(run, data)
    replace_file(file, SOUND[kind])


def mutate_files(data: bytes, chance: random.Random) -> bytes:
    kind = data[:1]
    if kind not in FILES or chance.randrange(64) == 0:
        kind = chance.choice(list(FILES))
        data = kind + SOUND[kind]
    if kind in DTYPES:
        return kind + mutate_trace(data[1:], chance, DTYPES[kind])
    if kind in b"35":
        return kind + mutate_json(data[1:], chance, layout() if kind == b"3" else NAMES)
    return data


# What a gate holds a run against, and what a history keeps --------------------------------------------

RULES = """schema = "exitmeter.rules/1"
[[rule]]
metric = "p99"
hold = "limit"
limit = 100
policy = "intercept-*"
[[rule]]
metric = "round_trip"
hold = "significant"
max_ratio = 1.05
level = 0.01
see = 2
[[rule]]
metric = "vmreads"
hold = "exact"
slack = 0.5
"""


def baseline(data: bytes) -> None:
    """The input is a baseline, or the rows of a history; else rules in TOML."""
    with finding():
        if data[:1] == b"{":
            replace_file(HOME / "held.json", data)
            held = load_baseline(HOME / "held.json")
            for run, its_own in zip(RUNS, HELD):
                told(judge(run, held, load_rules(HOME / "none", run is GOOD)), run)
                update_text(HOME, held, its_own, True)
                with contextlib.suppress(Failure):
                    refuse_other_fingerprint(run, held["fingerprint"])
        elif data[:1] == b"[":
            rows(data)
        else:
            replace_file(HOME / "rules.toml", data)
            for run, its_own in zip(RUNS, HELD):
                with contextlib.suppress(Failure):
                    rules = load_rules(HOME / "rules.toml", run is GOOD)
                    worse = json.loads(json.dumps(its_own["benchmarks"]))
                    worse["cpuid"]["intercept-all"]["p50"] -= 1
                    told(judge(run, {"benchmarks": worse}, rules), run)
                    judge_rows(its_own["benchmarks"], worse, rules, run is GOOD)


KEPT: list[Any] = []


def rows(data: bytes) -> None:
    """A history's tables, whatever may be in their cells."""
    try:
        tables = json.loads(data)
    except (ValueError, RecursionError):
        return
    file = HOME / "history.db"
    file.unlink(missing_ok=True)
    connection = sqlite3.connect(file, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = MEMORY")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        for statement in history_store.TABLES.split(";"):
            connection.execute(statement)
        for table, *values in tables:
            connection.execute(f"INSERT INTO {TABLES[table]} VALUES ({','.join('?' * len(values))})",
                               values)
        connection.execute(f"PRAGMA application_id = {history_store.APPLICATION}")
        connection.execute(f"PRAGMA user_version = {history_store.VERSION}")
        connection.execute("COMMIT")
    except (sqlite3.Error, TypeError, ValueError, KeyError, OverflowError, IndexError):
        return
    finally:
        connection.close()
    with contextlib.redirect_stdout(io.StringIO()):
        for as_json in (False, True):
            history.show_list(file, as_json)
        for as_json in (False, True):
            history.show(file, "main", [], [], as_json, None)


TABLES = ("series", "runs", "items", "figures")


def _kept() -> list[Any]:
    key = json.dumps({"target": "bochs", "unit": "TSC cycles", "cpus": 1, "cpu_model": "x", "signature": "y",
                      "brand": "z"})
    found: list[Any] = [[0, 1, key], [2, 1, "cpuid", "intercept-all", "full", "p50"],
                        [2, 2, "cpuid", "intercept-all", "full", "part:handler"]]
    for number in range(1, 9):
        found += [[1, number, 1, "main", f"c{number}", f"2026-11-{number:02}T00:00:00Z", f"R{number}",
                   f"d{number}", json.dumps({"compiler": f"gcc {number}"})],
                  [3, number, 1, 100.0 + number // 5 * 50 + number % 2], [3, number, 2, 5.0]]
    return found


def mutate_baseline(data: bytes, chance: random.Random) -> bytes:
    which = data[:1]
    if which not in (b"{", b"[", b"s") or chance.randrange(64) == 0:
        which = chance.choice((b"{", b"[", b"s"))
        data = b""
    if which == b"{":
        return mutate_json(data, chance, chance.choice(HELD))
    if which == b"[":
        wrapped = mutate_json(b'{"":' + data + b"}" if data else b"", chance, {"": _kept()})
        return wrapped[wrapped.find(b"["):-1]
    text = data.decode(errors="replace") or RULES
    lines = text.split("\n")
    for _ in range(chance.randrange(3)):
        at = chance.randrange(len(lines))
        what = chance.randrange(5)
        name, equals, _ = lines[at].partition(" = ")
        if what == 0:
            lines.insert(at, chance.choice(text.split("\n")))
        elif what == 1:
            del lines[at]
            lines = lines or [""]
        elif equals:
            lines[at] = f"{name} = {chance.choice(VALUES)}"
    return "\n".join(lines).encode()


VALUES = ("nan", "inf", "-inf", "1e308", "-1", "0", "1", "0.5", "true", '""', '"*"', '"["', '"[!"', '"p*"',
          '"[a-"', '"round_trip"', '"exact"', '"ignore"', '"significant"', '"limit"', "[]", "{}", "[[]]",
          "1" + 5000 * "0", "1" + 320 * "0", "[" * 3000, "1979-05-27", "1979-99-99", "0x7fffffffffffffffff", "07:61:00",
          '"\\ud800"', "'''", '"cpuid"', '"v*"', "1e-320")

run_json.mutate = mutate_run  # type: ignore[attr-defined]
trace.mutate = mutate_files  # type: ignore[attr-defined]
baseline.mutate = mutate_baseline  # type: ignore[attr-defined]


def mutate(target: Callable[[bytes], None], data: bytes, room: int, seed: int) -> bytes:
    """The input changed; nothing if it is too long then."""
    made = target.mutate(data, random.Random(seed))  # type: ignore[attr-defined]
    return made if len(made) <= room else b""

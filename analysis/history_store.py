# SPDX-License-Identifier: MIT
"""The database of a branch's runs over time: SQLite, one file.

A run belongs to a series: where and how it was measured. What is compared with nothing else is a series
of its own. Of a run are kept the figures that a gate would hold, and the facts that may explain a change.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .document import LIMIT
from .errors import BadInput, NotPossible
from .results import Result, results, root_operations
from .run import Run
from .statistics import Absent

APPLICATION = 0x45584D48  # "EXMH": SQLite's PRAGMA application_id
VERSION = 1
WAIT_SECONDS = 60

TABLES = """
CREATE TABLE series (id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE runs (
    id INTEGER PRIMARY KEY, series INTEGER NOT NULL REFERENCES series, branch TEXT NOT NULL,
    revision TEXT NOT NULL, time TEXT NOT NULL, path TEXT NOT NULL, digest TEXT NOT NULL UNIQUE,
    facts TEXT NOT NULL);
CREATE TABLE items (
    id INTEGER PRIMARY KEY, benchmark TEXT NOT NULL, policy TEXT NOT NULL, level TEXT NOT NULL,
    metric TEXT NOT NULL, UNIQUE (benchmark, policy, level, metric));
CREATE TABLE figures (
    run INTEGER NOT NULL REFERENCES runs, item INTEGER NOT NULL REFERENCES items,
    value REAL NOT NULL, PRIMARY KEY (run, item)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Entry:
    """One run as kept."""

    id: int
    branch: str
    revision: str
    time: str
    path: str
    facts: dict[str, str]


@dataclass(frozen=True)
class Item:
    """What a figure is of."""

    benchmark: str
    policy: str
    level: str
    metric: str


@dataclass(frozen=True)
class Series:
    """Runs of one branch that compare, in order of time; figures: of each item its value by run,
    those runs that have it."""

    key: dict[str, Any]
    runs: tuple[Entry, ...]
    figures: dict[Item, dict[int, float]]

    @property
    def unit(self) -> str:
        return str(self.key.get("unit", ""))


class Store:
    """An open database. Use as a context."""

    def __init__(self, file: Path, create: bool = False) -> None:
        self.file = file
        # One that was interrupted before it held anything is none.
        if not create and not (file.is_file() and file.stat().st_size):
            raise BadInput(f"{file}: no such history; `exitmeter history add` makes one")
        with self._said():
            self.connection = sqlite3.connect(file, timeout=WAIT_SECONDS, isolation_level=None)
            try:
                self._check(create)
            except BaseException:
                self.connection.close()
                raise

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    @contextmanager
    def _said(self) -> Iterator[None]:
        """SQLite's errors, with the file's name."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise BadInput(f"{self.file}: cannot be used: {error}") from error
        except (sqlite3.DatabaseError, ValueError, RecursionError) as error:
            raise BadInput(f"{self.file}: no history, or a damaged one: {error}") from error

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Others that write wait; those that read see all of it or nothing."""
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield self.connection
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def _number(self, pragma: str) -> int:
        return self.connection.execute(f"PRAGMA {pragma}").fetchone()[0]

    def _check(self, create: bool) -> None:
        if create and not self._number("user_version"):
            with self._transaction() as connection:
                empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
                if empty:  # and not made by another in the meantime
                    for statement in TABLES.split(";"):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA application_id = {APPLICATION}")
                    connection.execute(f"PRAGMA user_version = {VERSION}")
        if self._number("application_id") != APPLICATION:
            raise BadInput(f"{self.file}: a database, but no history of exitmeter's")
        found = self._number("user_version")
        if found != VERSION:
            raise BadInput(f"{self.file}: version {found} of a history, {VERSION} is needed")
        answer = self.connection.execute("PRAGMA quick_check(1)").fetchone()[0]
        if answer != "ok":
            raise BadInput(f"{self.file}: damaged: {answer}")

    def add(self, run: Run, branch: str, revision: str, time: str) -> str:
        """Keep a run; what was done, in words. One that is there already stays as it is."""
        refuse(run)
        digest = hashlib.sha256((run.path / "run.json").read_bytes()).hexdigest()
        rows = list(figures(run))
        if not rows:
            raise NotPossible(f"{run.path}: measured nothing that could be kept")
        with self._said(), self._transaction() as connection:
            known = connection.execute("SELECT branch, revision FROM runs WHERE digest = ?",
                                       (digest,)).fetchone()
            if known:
                if known != (branch, revision):
                    raise BadInput(f"{run.path}: this run is there already, as "
                                   f"{known[1] or 'no commit'} of {known[0]}")
                return f"{self.file}: unchanged, {run.path} is there already"
            key = json.dumps(series_key(run), sort_keys=True)
            connection.execute("INSERT OR IGNORE INTO series (key) VALUES (?)", (key,))
            number = connection.execute(
                "INSERT INTO runs (series, branch, revision, time, path, digest, facts) "
                "SELECT id, ?, ?, ?, ?, ?, ? FROM series WHERE key = ?",
                (branch, revision, time, str(run.path), digest,
                 json.dumps(facts(run), sort_keys=True), key)).lastrowid
            for item, value in rows:
                names = (item.benchmark, item.policy, item.level, item.metric)
                connection.execute("INSERT OR IGNORE INTO items (benchmark, policy, level, metric) "
                                   "VALUES (?, ?, ?, ?)", names)
                connection.execute(
                    "INSERT INTO figures (run, item, value) SELECT ?, id, ? FROM items WHERE "
                    "(benchmark, policy, level, metric) = (?, ?, ?, ?)", (number, value, *names))
        return f"{self.file}: {run.path} added, {len(rows)} figures"

    def branches(self) -> list[str]:
        with self._said():
            return [name for name, in self.connection.execute(
                "SELECT DISTINCT branch FROM runs ORDER BY branch")]

    def series(self, branch: str) -> list[Series]:
        """The series of a branch that have runs, in the order in which they began."""
        with self._said():
            found = self.connection.execute(
                "SELECT series.id, key FROM series JOIN runs ON series = series.id "
                "WHERE branch = ? GROUP BY series.id ORDER BY min(runs.time), series.id", (branch,))
            return [self._one(number, _key(key), branch) for number, key in found.fetchall()]

    def _one(self, number: int, key: dict[str, Any], branch: str) -> Series:
        runs = tuple(_entry(number, *row) for number, *row in self.connection.execute(
            "SELECT id, branch, revision, time, path, facts FROM runs "
            "WHERE series = ? AND branch = ? ORDER BY time, id", (number, branch)))
        table: dict[Item, dict[int, float]] = {}
        for *names, run, value in self.connection.execute(
                "SELECT benchmark, policy, level, metric, run, value FROM figures "
                "JOIN items ON items.id = item JOIN runs ON runs.id = run "
                "WHERE series = ? AND branch = ? ORDER BY items.id", (number, branch)):
            table.setdefault(Item(*_texts(names)), {})[run] = _figure(value)
        return Series(key, runs, table)


def _texts(values: Iterable[Any]) -> list[str]:
    """SQLite keeps in a cell what it is given: what another has written may be of any type."""
    found = list(values)
    for value in found:
        if not isinstance(value, str):
            raise ValueError(f"{value!r:.40} is no text")
    return found


def _figure(value: Any) -> float:
    if not isinstance(value, (int, float)) or not abs(value) < LIMIT:
        raise ValueError(f"{value!r:.40} is no figure")
    return value


def _object(text: Any) -> dict[str, Any]:
    value = json.loads(*_texts([text]))
    if not isinstance(value, dict):
        raise ValueError(f"{text:.40} is no object")
    return value


def _key(text: Any) -> dict[str, Any]:
    key = _object(text)
    _texts(key.get(name) for name in ("target", "unit", "cpu_model", "signature", "brand"))
    return key


def _entry(number: int, *columns: Any) -> Entry:
    *texts, told = columns
    facts_of = _object(told)
    _texts(facts_of.values())
    return Entry(number, *_texts(texts), facts_of)


def refuse(run: Run) -> None:
    """Runs that would be taken for a change of what they measure."""
    if run.damages:
        raise BadInput("\n".join([f"{run.path}: the trace is damaged; measure again",
                                  *(f"  {line}" for line in run.damages)]))
    if run.failed:
        raise NotPossible(f"{run.path}: this run failed, and a history keeps none that did: "
                          f"{run.reason or 'no reason is given'}")


def series_key(run: Run) -> dict[str, Any]:
    """What two runs must have in common for a difference to mean anything; the probe level is with
    each figure."""
    return {"target": run.target, "unit": run.unit, "cpus": run.cpus,
            **{name: run.fact("machine", name) for name in ("cpu_model", "signature", "brand")}}


def facts(run: Run) -> dict[str, str]:
    """What else may have changed between two runs, to be told beside a change."""
    return {"compiler": run.fact("build", "compiler"), "emulator": run.fact("build", "emulator"),
            "host": run.fact("host", "hostname"), "kernel": run.fact("host", "kernel"),
            "samples": str(run.samples)}


def figures(run: Run) -> Iterator[tuple[Item, float]]:
    """All that is kept of a run. What was disturbed has no times, where they are not exact."""
    for result in (*results(run), *root_operations(run)):
        for metric, value in _metrics(result, run.unit == "ticks" or not result.disturbed):
            yield Item(result.benchmark, result.policy, result.probe_level, metric), value


def _metrics(result: Result, times: bool) -> Iterator[tuple[str, float]]:
    if times:
        yield "p50", result.net["p50"]
        yield "p99", result.net["p99"]
        if not isinstance(result.split, Absent):
            yield from ((f"part:{part}", ticks) for part, ticks in result.split.parts.items())
    if result.exits_per_op is not None:
        yield "exits_per_op", result.exits_per_op
    if not isinstance(result.costs, Absent):
        yield from result.costs.per_exit.items()

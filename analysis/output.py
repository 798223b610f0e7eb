# SPDX-License-Identifier: MIT
"""Where results go: standard output and files that appear whole or not at all."""

import json
import os
import secrets
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO, TypeVar

from .errors import SIGNALS, BadInput

Made = TypeVar("Made")


def emit(text: str, to_stderr: bool = False) -> None:
    """Print text to stdout. A reader that went away is no error: the exit code still counts."""
    stream = sys.stderr if to_stderr else sys.stdout
    with standard(stream):
        print(text, file=stream, flush=True)


@contextmanager
def standard(stream: TextIO) -> Iterator[None]:
    """Writing to stdout or stderr, which is a file on a full disk, say. What is left in the buffer is
    not tried again as Python ends."""
    try:
        yield
        stream.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if not isinstance(error, BrokenPipeError):
            raise BadInput(f"standard output: cannot be written: {error.strerror}") from error


def append(path: Path, text: str) -> None:
    """To the end of a file that others write to as well."""
    try:
        with open(path, "a", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


def complain(damages: Iterable[str]) -> bool:
    """Name on stderr what is damaged in a run that is shown all the same; whether anything is."""
    lines = [f"exitmeter: damaged: {line}" for line in damages]
    if lines:
        print(*lines, "exitmeter: what is whole is shown; the trace's records that were lost are "
              "left out", sep="\n", file=sys.stderr)
    return bool(lines)


def to_json(document: dict[str, Any]) -> str:
    """The one JSON form: keys sorted, indented, so that a diff of two shows what changed."""
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)


def write_whole(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees the old content or the new, never a part."""
    with stream_whole(path) as file:
        file.write(text)


@contextmanager
def stream_whole(path: Path) -> Iterator[TextIO]:
    """The same bit by bit. What is there and no regular file, a device or a pipe, is written to as it
    is: it is not ours to replace."""
    try:
        if path.exists() and not path.is_file():
            with open(path, "w", encoding="utf-8") as file:
                yield file
            return
        with _kept(lambda: _beside(path), _remove) as file:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())  # or a crash of the machine leaves the name, and nothing in it
            os.replace(file.name, path)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error


@contextmanager
def scratch(parent: Path | None = None, prefix: str = "exitmeter-") -> Iterator[Path]:
    """A directory that is gone afterwards, however that ends."""
    with _kept(lambda: tempfile.mkdtemp(prefix=prefix, dir=parent),
               lambda name: shutil.rmtree(name, ignore_errors=True)) as name:
        yield Path(name)


@contextmanager
def _kept(make: Callable[[], Made], remove: Callable[[Made], None]) -> Iterator[Made]:
    """What make() leaves on disk, until it is removed. Signals that ask for an end wait while it is
    made and removed: in between nobody would know of it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        made = make()
        try:
            try:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                yield made
            finally:
                signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
        finally:
            remove(made)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _beside(path: Path) -> TextIO:
    """A new file, as open() makes them: tempfile's are for one user only, and to ask what the umask is
    one has to change it."""
    return open(path.with_name(f".{path.name}.{secrets.token_hex(8)}"), "x", encoding="utf-8")


def _remove(file: TextIO) -> None:
    file.close()
    Path(file.name).unlink(missing_ok=True)

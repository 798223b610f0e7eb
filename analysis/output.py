# SPDX-License-Identifier: MIT
"""Where results go: standard output and files that appear whole or not at all."""

import json
import os
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from .errors import BadInput


def emit(text: str, to_stderr: bool = False) -> None:
    """Print text to stdout. A reader that went away is no error: the exit code still counts."""
    stream = sys.stderr if to_stderr else sys.stdout
    try:
        print(text, file=stream, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error
    try:
        with open(handle, "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o666 & ~_umask())
            file.write(text)
        os.replace(name, path)
    except OSError as error:
        os.unlink(name)
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from error
    except BaseException:
        os.unlink(name)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

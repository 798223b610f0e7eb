# SPDX-License-Identifier: MIT
"""A JSON file read with suspicion: every access is checked, every error names file and key."""

import json
import re
from pathlib import Path
from typing import Any, Iterator

from .errors import BadInput


class Node:
    """One value of a JSON file together with where it stands, "run.json: jobs[3].phases.op"."""

    def __init__(self, value: Any, file: Path, key: str = "") -> None:
        self.value = value
        self.file = file
        self.key = key

    def bad(self, what: str) -> BadInput:
        """The error that something is wrong with this value."""
        return BadInput(f"{self.file}: {self.key}: {what}" if self.key else f"{self.file}: {what}")

    def __getitem__(self, key: str) -> "Node":
        if key not in self.object():
            raise self.bad(f'key "{key}" is missing')
        return Node(self.value[key], self.file, f"{self.key}.{key}" if self.key else key)

    def __contains__(self, key: str) -> bool:
        return key in self.object()

    def __iter__(self) -> Iterator["Node"]:
        if not isinstance(self.value, list):
            raise self.bad("a list is needed")
        for index, value in enumerate(self.value):
            yield Node(value, self.file, f"{self.key}[{index}]")

    def object(self) -> dict[str, Any]:
        if not isinstance(self.value, dict):
            raise self.bad("an object is needed")
        return self.value

    def text(self) -> str:
        if not isinstance(self.value, str):
            raise self.bad("a string is needed")
        return self.value

    def bits(self) -> int:
        """A number that is written as text, "0x...", as JSON has none that wide."""
        if not re.fullmatch(r"0x[0-9a-f]{1,16}", self.text()):
            raise self.bad('a text of the form "0x12ab" is needed')
        return int(self.value, 16)

    def number(self) -> float:
        """An int or a float; true and false are not numbers."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise self.bad("a number is needed")
        return self.value

    def count(self) -> int:
        """A whole number, 0 or more."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 0:
            raise self.bad("a whole number, 0 or more, is needed")
        return self.value

    def schema(self, expected: str) -> None:
        """Refuse a file of another kind or version."""
        found = self["schema"].value
        if found != expected:
            raise self.bad(f'schema is {json.dumps(found)}, "{expected}" is needed')


def load(file: Path) -> Node:
    """Read a JSON file whose top is an object."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: not UTF-8 text") from error
    except OSError as error:
        raise BadInput(f"{file}: cannot be read: {error.strerror}") from error
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_duplicates)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: not valid JSON: {error}") from error
    node = Node(value, file)
    node.object()
    return node


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'key "{twice}" stands twice in one object')
    return result

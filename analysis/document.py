# SPDX-License-Identifier: MIT
"""A JSON file read with suspicion: every access is checked, every error names file and key."""

import json
import math
import re
from pathlib import Path
from typing import Any, Iterator

from .errors import BadInput


LIMIT = 1 << 64


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
        """An int or a float of up to 64 bits; true and false are not numbers."""
        if isinstance(self.value, bool) or not isinstance(self.value, (int, float)):
            raise self.bad("a number is needed")
        if abs(self.value) >= LIMIT:
            raise self.bad(f"{str(self.value):.24} is too large: no figure has more than 64 bits")
        return self.value

    def count(self) -> int:
        """A whole number, 0 or more."""
        if isinstance(self.value, bool) or not isinstance(self.value, int) or self.value < 0:
            raise self.bad("a whole number, 0 or more, is needed")
        return self.value

    def by_number(self, what: str) -> Iterator[tuple[int, "Node"]]:
        """The values of an object whose keys are numbers, each written the one way there is: no two
        keys are the same number."""
        for key in self.object():
            if not re.fullmatch("0|[1-9][0-9]{0,9}", key):
                raise self.bad(f'"{key}" is no {what}')
            yield int(key), self[key]

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
        value = json.loads(text, parse_constant=_no_constant, parse_int=_whole, parse_float=_finite,
                           object_pairs_hook=_no_duplicates)
        json.dumps(value, ensure_ascii=False).encode("utf-8")  # a lone surrogate is no text
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{file}: not valid JSON: {error}") from error
    node = Node(value, file)
    node.object()
    return node


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def _whole(text: str) -> int:
    """Beyond 64 bits is nothing that was counted, and numpy and floats cannot hold it."""
    if len(text) > 20 or abs(int(text)) >= LIMIT:
        raise ValueError(f"{text[:24]} has more than 64 bits")
    return int(text)


def _finite(text: str) -> float:
    if math.isinf(float(text)):
        raise ValueError(f"{text[:24]} is beyond all numbers of 64 bits")
    return float(text)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'key "{twice}" stands twice in one object')
    return result

# SPDX-License-Identifier: MIT
"""The trace of a run: a stream file for each CPU and stream class, and the metadata that names exit
reasons. Wide records, a record and what follows it, are a stream class of their own."""

import re
from pathlib import Path

import numpy as np

from .document import Node
from .errors import BadInput
from .layout import load_layout
from .stream import Stream

# bench/trace_stream.h
STREAM_NAME = re.compile(r"cpu(0|[1-9][0-9]{0,3})(_wide)?")


class Trace:
    """All streams, those that no job names included: what is damaged anywhere is to be known."""

    def __init__(self, run: Path) -> None:
        self.directory = run / "trace"
        layout = load_layout(run / "layout.json")
        self.layout = layout
        self.streams = {file.name: self._open(file, name)
                        for file in sorted(self.directory.glob("cpu*"))
                        if (name := STREAM_NAME.fullmatch(file.name))}

    def _open(self, file: Path, name: re.Match[str]) -> Stream:
        if name[2] and self.layout.wide is None:
            raise BadInput(f"{file}: layout.json does not say what wide records hold")
        record = self.layout.wide if name[2] else self.layout.record
        return Stream(file, int(name[1]), int(bool(name[2])), self.layout.packet, record)

    @staticmethod
    def exists(run: Path) -> bool:
        """A run that died may have none."""
        return any((run / "trace").glob("cpu*"))

    def records(self, phase: Node, job: int, number: int) -> tuple[np.ndarray, bool]:
        """Records of a phase of run.json that has a packet, and whether they are whole."""
        name = STREAM_NAME.fullmatch(phase["stream"].text())
        if not name:
            raise phase["stream"].bad(f'"{phase["stream"].value}" is no name of a stream')
        if name[0] not in self.streams:  # opening it says why it cannot be
            self.streams[name[0]] = self._open(self.directory / name[0], name)
        return self.streams[name[0]].records(phase["packet_offset"].count(), phase["records"].count(),
                                          job, number)

    @property
    def damages(self) -> tuple[str, ...]:
        return tuple(line for stream in self.streams.values() for line in stream.damages)

    def event_names(self) -> dict[int, str]:
        """Names of exit reasons: the events that trace/metadata declares. Empty if it has none."""
        try:
            text = (self.directory / "metadata").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {}
        names: dict[int, str] = {}
        for block in re.split(r"\bevent\s*\{", text)[1:]:
            name = re.search(r'\bname\s*=\s*"([^"]*)"', block)
            number = re.search(r"\bid\s*=\s*(0x[0-9a-fA-F]+|0|[1-9][0-9]{0,9})\b", block)
            if name and number:
                names[int(number[1], 0)] = name[1]
        return names

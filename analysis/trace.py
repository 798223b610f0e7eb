# SPDX-License-Identifier: MIT
"""The trace of a run: a stream file for each CPU, and the metadata that names exit reasons."""

import re
from pathlib import Path

import numpy as np

from .document import Node
from .layout import load_layout
from .stream import Stream

# bench/trace_stream.h
STREAM_NAME = re.compile(r"cpu(0|[1-9][0-9]{0,3})")


class Trace:
    """All streams, those that no job names included: what is damaged anywhere is to be known."""

    def __init__(self, run: Path) -> None:
        self.directory = run / "trace"
        layout = load_layout(run / "layout.json")
        self.layout = layout
        self.streams = {file.name: Stream(file, int(file.name[3:]), layout)
                        for file in sorted(self.directory.glob("cpu*"))
                        if STREAM_NAME.fullmatch(file.name)}

    @staticmethod
    def exists(run: Path) -> bool:
        """A run that died may have none."""
        return any((run / "trace").glob("cpu*"))

    def records(self, phase: Node, job: int, number: int) -> tuple[np.ndarray, bool]:
        """Records of a phase of run.json that has a packet, and whether they are whole."""
        name = phase["stream"].text()
        if not STREAM_NAME.fullmatch(name):
            raise phase["stream"].bad(f'"{name}" is no name of a stream')
        if name not in self.streams:  # opening it says why it cannot be
            self.streams[name] = Stream(self.directory / name, int(name[3:]), self.layout)
        return self.streams[name].records(phase["packet_offset"].count(), phase["records"].count(),
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
            number = re.search(r"\bid\s*=\s*(0x[0-9a-fA-F]+|\d+)", block)
            if name and number:
                names[int(number[1], 0)] = name[1]
        return names

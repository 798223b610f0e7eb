# SPDX-License-Identifier: MIT
"""compare's tables of what wide records hold: the CPU's own stamp, and performance events."""

from typing import Any

from .table import render, wrap
from .wide import HOST_PARTS, TRANSITION_PARTS

WIDE_LEVELS = ("hardware", "pmu")


def transitions(benchmarks: list[dict[str, Any]], unit: str) -> str:
    """The exit transition divided by the CPU's own stamp, where there is one."""
    rows, notes = [], {}
    for row in benchmarks:
        for entry in row["policies"]:
            name, found = f"{row['name']}/{entry['policy']}", entry["transition"]
            if found:
                rows.append([name, *(str(found[part]) for part in TRANSITION_PARTS)])
            elif entry["probe_level"] in WIDE_LEVELS:
                notes.setdefault(entry["transition_absent"], []).append(name)
    if not rows:
        return ""
    heads = [("", ["benchmark/policy"]), (f"medians, {unit}", ["guest to CPU", "CPU to host"])]
    return "\n".join(["the exit transition, divided by the CPU's own stamp of the VM exit", "",
                      *render(heads, rows), *absences(notes)])


def events(benchmarks: list[dict[str, Any]]) -> str:
    """What performance events counted by exit, host and guest apart."""
    entries = [(f"{row['name']}/{entry['policy']}", entry["events"])
               for row in benchmarks for entry in row["policies"] if entry["events"]]
    rows = []
    for name, found in entries:
        for event in found:
            host, guest = event["host"], event["guest"]
            if host is not None or guest is not None:
                cells = [str(host[part]) if host else "-" for part in (*HOST_PARTS, "whole")]
                rows.append([name, event["name"], *cells, "-" if guest is None else str(guest)])
    if not entries:
        return ""
    heads = [("", ["benchmark/policy"]), ("", ["event"]),
             ("in the host, medians by exit", ["dispatch", "handler", "restore", "whole"]),
             ("", ["in the guest"])]
    table = ["performance events; each part has the reading of the counters in it", "",
             *render(heads, rows)] if rows else []
    return "\n".join([*table, *absences(_not_counted(entries), "not counted, ")])


def _not_counted(entries: list[tuple[str, list[dict[str, Any]]]]) -> dict[str, list[str]]:
    """By reason: events that it keeps from being counted everywhere; rows of which it keeps all
    others; and what is left, one by one."""
    where: dict[str, dict[str, list[str]]] = {}
    events_of = {name: len(found) * 2 for name, found in entries}
    for name, found in entries:
        for event in found:
            for side in ("host", "guest"):
                if event[side] is None:
                    where.setdefault(event[f"{side}_absent"], {}).setdefault(
                        f"{event['name']} in the {side}", []).append(name)
    notes: dict[str, list[str]] = {}
    for reason, labels in where.items():
        everywhere = [label for label, names in labels.items() if len(names) == len(entries)]
        rest = [(name, label) for label, names in labels.items() if label not in everywhere
                for name in names]
        whole = [name for name in events_of
                 if sum(other == name for other, _ in rest) == events_of[name]]
        notes[reason] = [*everywhere, *whole, *(f"{label} of {name}" for name, label in rest
                                                if name not in whole)]
    return notes


def absences(notes: dict[str, list[str]], head: str = "") -> list[str]:
    """Each reason with what it is the reason of."""
    return [line for reason, names in notes.items() for line in wrap(f"{head}{reason}: ", names)]

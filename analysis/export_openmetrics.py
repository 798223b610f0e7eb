# SPDX-License-Identifier: MIT
"""OpenMetrics 1.0 text, which Prometheus and others read: a run's figures as gauges. What could not
be measured has no sample."""

from collections.abc import Iterator
from typing import Any, TextIO

from .results import Result, results, root_operations
from .run import Run
from .statistics import Absent

Sample = tuple[dict[str, Any], float]


def write(run: Run, stream: TextIO) -> None:
    found = [*results(run), *root_operations(run)]
    unit = "ticks" if run.unit == "ticks" else "cycles"
    stream.write("# TYPE exitmeter_run info\n# HELP exitmeter_run Where and when it was measured.\n"
                 f"exitmeter_run_info{_labels(_facts(run))} 1\n")
    families = (
        (f"round_trip_{unit}", unit, "Round trip of one operation, less its control.", _net),
        (f"round_trip_p50_interval_{unit}", unit, "Bootstrap interval of its median, 95 %.",
         _interval),
        (f"part_{unit}", unit, "Medians of the parts of a round trip, control included.", _parts),
        ("samples", "", "Samples that a round trip's figures are of.", _samples),
        ("exits_per_op", "", "VM exits of one operation.", _exits),
        ("per_exit", "", "What an exit costs the core, by counter, on average.", _per_exit),
        ("events_per_exit", "", "Performance events of an exit, medians.", _events))
    for name, its_unit, text, samples in families:
        name = f"exitmeter_{name}"
        stream.write(f"# TYPE {name} gauge\n")
        if its_unit:
            stream.write(f"# UNIT {name} {its_unit}\n")
        stream.write(f"# HELP {name} {text}\n")
        for result in found:
            for labels, value in samples(result):
                at = {"target": run.target, "benchmark": result.benchmark,
                      "policy": result.policy, **labels}
                stream.write(f"{name}{_labels(at)} {value:.10g}\n")
    stream.write("# EOF\n")


def _facts(run: Run) -> dict[str, Any]:
    return {"target": run.target, "unit": run.unit, "status": run.status,
            "cpu_model": run.fact("machine", "cpu_model"), "compiler": run.fact("build", "compiler"),
            "created": run.document.get("created", "")}


def _labels(labels: dict[str, Any]) -> str:
    return "{" + ",".join(f'{key}="{_escape(str(value))}"' for key, value in labels.items()) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _net(result: Result) -> Iterator[Sample]:
    yield from (({"stat": stat}, value) for stat, value in result.net.items() if stat != "n")


def _interval(result: Result) -> Iterator[Sample]:
    found = result.interval
    yield from (({"bound": bound, "over": found.over}, value)
                for bound, value in (("low", found.low), ("high", found.high)))


def _parts(result: Result) -> Iterator[Sample]:
    if not isinstance(result.split, Absent):
        yield from (({"part": part}, value) for part, value in result.split.parts.items())


def _samples(result: Result) -> Iterator[Sample]:
    yield {}, result.net["n"]


def _exits(result: Result) -> Iterator[Sample]:
    if result.exits_per_op is not None:
        yield {}, result.exits_per_op


def _per_exit(result: Result) -> Iterator[Sample]:
    if not isinstance(result.costs, Absent):
        yield from (({"counter": name}, value) for name, value in result.costs.per_exit.items())


def _events(result: Result) -> Iterator[Sample]:
    for event in result.events:
        if not isinstance(event.host, Absent):
            yield {"event": event.name, "side": "host"}, event.host["whole"]
        if not isinstance(event.guest, Absent):
            yield {"event": event.name, "side": "guest"}, event.guest

# SPDX-License-Identifier: MIT
"""VM entries that failed are in a failed job's trace, and named."""

import numpy as np

from .builder import PACKET, PHASES, RECORD, Build, Row, edit, write_run

VMFAIL, LEFT = 16, 4


def failed_run(path, records=(), counted=0):
    """One good job, and one that failed in its first phase with these records, or so many counted
    VMfails in its control phase."""
    write_run(path, Build([Row(), Row("in", status="failed", reason="VM entry")]))
    stream = path / "trace" / "cpu0"
    offset = stream.stat().st_size
    body = np.zeros(len(records), RECORD)
    for record, values in zip(body, records):
        for name, value in values.items():
            record[name] = value
    header = np.zeros(1, PACKET)
    header["magic"], header["job"], header["phase"] = 0xC1FC1FC1, 1, 0
    header["timestamp_begin"], header["timestamp_end"] = 10**9, 10**9 + 1000
    body["entered"] = body["dispatched"] = body["handled"] = body["entering"] = 10**9 + 1
    header["content_size"] = header["packet_size"] = 64 * 8 * (1 + len(records))
    with open(stream, "ab") as file:
        file.write(header.tobytes() + body.tobytes())
    with open(path / "trace" / "metadata", "a", encoding="utf-8") as file:
        file.write('event {\n  id = 65535;\n  name = "VM entry failed, VMfail";\n};\n'
                   'event {\n  id = 33;\n  name = "VM-entry failure, invalid guest state";\n};\n')

    def change(document):
        nothing = {"samples": 0, "sample_offset": 0, "records": 0, "discarded": 0,
                   "stream": None, "packet_offset": None, "totals": None, "folded": None}
        phases = {name: dict(nothing) for name in PHASES}
        phases["count_control"] |= {"records": len(records), "packet_offset": offset,
                                    "stream": "cpu0"}
        if counted:
            phases["control"]["totals"] = {"exits": {"10": 3, "94": counted}, "vmreads": 0,
                                           "vmwrites": 0, "msr_accesses": 0, "xsetbvs": 0,
                                           "invalidations": 0}
        document["jobs"][1]["phases"] = phases
    edit(path, change)
    return path


def lines(outcome):
    assert outcome.code == 0
    return [line for line in outcome.out.splitlines() if "failed VM entry" in line]


def test_each_kind_is_named(tmp_path, call):
    path = failed_run(tmp_path / "r", [
        {"reason": 10, "detail": 9}, {"reason": 0xFFFF, "flags": VMFAIL | LEFT, "detail": 7},
        {"reason": 0xFFFF, "flags": VMFAIL | LEFT},
        {"reason": 33, "reason_flags": 0x8000, "flags": LEFT},
        {"reason": 34, "reason_flags": 0x8000, "flags": LEFT}])
    head = "warning: failed VM entry: bochs/in/intercept-all: count_control: "
    assert lines(call("compare", path)) == [
        f"{head}VM entry failed, VMfail: VM-instruction error 7",
        f"{head}VM entry failed, VMfail: VMfailInvalid",
        f"{head}VM-entry failure, invalid guest state", f"{head}exit reason 34"]


def test_counted_ones(tmp_path, call):
    path = failed_run(tmp_path / "r", counted=2)
    assert lines(call("compare", path)) == [
        "warning: failed VM entry: bochs/in/intercept-all: control: 2 that VMfailed"]


def test_none(tmp_path, make, call):
    assert not lines(call("compare", failed_run(tmp_path / "r", [{"reason": 10}])))
    assert not lines(call("compare", make("s", [Row(), Row("in", status="failed", reason="x")])))

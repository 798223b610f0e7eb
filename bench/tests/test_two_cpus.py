# SPDX-License-Identifier: MIT
"""A trace of two CPUs: each one's packets in its own stream file, read as they are by babeltrace2."""

import json
import re
import struct
import subprocess

import pytest

HEADER = "<IIQQQQQIIII"


@pytest.fixture
def run(home):
    """Jobs on CPU 1, but for the first and every third, that lose records on both."""
    jobs = {index: {"cpu": int(index % 3 > 0)} for index in range(40)}
    jobs[3]["discarded"], jobs[4]["discarded"], jobs[5]["discarded"] = 3, 1, 4
    home.good_bochs(jobs=jobs)
    result = home.run("run", "-o", "R", "--samples", "40")
    assert result.returncode == 0, result.stderr
    return home.work / "R"


def packets(file):
    data, found, offset = file.read_bytes(), {}, 0
    while offset < len(data):
        fields = struct.unpack_from(HEADER, data, offset)
        assert fields[0] == 0xC1FC1FC1 and fields[4] == fields[5]
        found[offset] = dict(zip(("begin", "end", "bits", "size", "discarded", "cpu", "job", "phase"),
                                 fields[2:10]))
        offset += fields[5] // 8
    assert offset == len(data)
    return found


def test_each_cpu_has_its_own_file(run):
    assert sorted(path.name for path in (run / "trace").iterdir()) == ["cpu0", "cpu1", "metadata"]
    files = {cpu: packets(run / "trace" / f"cpu{cpu}") for cpu in (0, 1)}
    jobs = json.loads((run / "run.json").read_text())["jobs"]
    named = 0
    for job in jobs:
        for number, phase in enumerate(job["phases"].values()):
            if phase["stream"] is None:
                assert phase["packet_offset"] is None
                continue
            cpu = int(job["index"] % 3 > 0)
            assert phase["stream"] == f"cpu{cpu}"
            packet = files[cpu][phase["packet_offset"]]
            assert (packet["cpu"], packet["job"], packet["phase"]) == (cpu, job["index"], number)
            named += 1
    assert named == sum(map(len, files.values())) and all(files.values())


def test_what_was_discarded_adds_up_by_cpu(run):
    for cpu, total in ((0, 3), (1, 5)):
        found = list(packets(run / "trace" / f"cpu{cpu}").values())
        lost = [packet["discarded"] for packet in found]
        assert lost == sorted(lost) and lost[0] == 0 and lost[-1] == total
        times = [time for packet in found for time in (packet["begin"], packet["end"])]
        assert times == sorted(times)


def test_babeltrace_reads_both(run):
    output = subprocess.run(["babeltrace2", run / "trace"], text=True, capture_output=True)
    assert output.returncode == 0
    jobs = json.loads((run / "run.json").read_text())["jobs"]
    records = {0: 0, 1: 0}
    for job in jobs:
        records[int(job["index"] % 3 > 0)] += sum(phase["records"]
                                                  for phase in job["phases"].values())
    events = output.stdout.splitlines()
    assert {cpu: sum(f"cpu_id = {cpu}," in event for event in events)
            for cpu in (0, 1)} == records
    times = [event.split("]")[0] for event in events]
    assert times == sorted(times)  # one order of both CPUs' events
    lost = re.findall(r"[Dd]iscarded (\d+) event", output.stderr)
    assert sorted(map(int, lost)) == [1, 3, 4], output.stderr

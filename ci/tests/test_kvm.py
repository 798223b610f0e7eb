# SPDX-License-Identifier: MIT
"""Target kvm, on the machine's own /dev/kvm. What one KVM can run another cannot: a test asks that
a benchmark is either measured or skipped with the reason, and never how long anything takes."""
import json
import os
import signal
import struct
import subprocess
import time

import pytest

from .conftest import BUILD, EXITMETER, exitmeter, measure, run, run_json

HOSTILE = BUILD / "tests" / "hostile.bin"


def why_no_kvm():
    """Why there is no KVM here to test on, as doctor says it; None: there is one."""
    items = {item["name"]: item for item in json.loads(exitmeter("doctor", "--json").out)["items"]}
    for name in ("/dev/kvm", "KVM"):
        if items[name]["status"] != "ok":
            return f"no {name} here: {items[name]['what_to_do']}"
    return None


@pytest.fixture(scope="module", autouse=True)
def kvm():
    why = why_no_kvm()
    if why:
        pytest.skip(why)


@pytest.fixture(scope="module")
def some(tmp_path_factory):
    """Exits that the kernel answers, that userspace answers, and a filter; one that may hang."""
    return measure(tmp_path_factory.mktemp("kvm") / "run", "--target", "kvm", "--samples", "50",
                   *(f"--guest={name}" for name in ("cpuid", "rdmsr", "wrmsr", "in", "mmio_read",
                                                    "mmio_write", "hlt", "vmcall", "x2apic_tpr")),
                   "--policy", "kvm", "--policy", "intercept-all")


def jobs(directory):
    return {job["name"].removeprefix("kvm/"): job for job in run_json(directory)["jobs"]}


def samples(directory, job, phase="op"):
    at = job["phases"][phase]
    data = (directory / "samples.bin").read_bytes()
    return list(struct.iter_unpack("<QQ", data[16 * at["sample_offset"]:
                                               16 * (at["sample_offset"] + at["samples"])]))


def left_behind(directory):
    """Processes of a run that writes below here."""
    found = []
    for process in os.listdir("/proc"):
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                line = file.read().decode().split("\0")
        except OSError:
            continue
        if "run" in line and any(str(directory) in word for word in line):
            found.append(int(process))
    return found


def gone(directory, seconds=10):
    """Whether no process is left, waiting a little for one that is about to end."""
    deadline = time.monotonic() + seconds
    while left_behind(directory) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not left_behind(directory)


def test_it_is_measured_in_tsc_cycles(some):
    document = run_json(some)
    assert (document["status"], document["target"], document["unit"]) == ("complete", "kvm",
                                                                          "TSC cycles")
    done = [job for job in document["jobs"] if job["status"] == "done"]
    assert {"cpuid", "in", "mmio_read"} <= {job["benchmark"] for job in done}
    for job in done:
        last = 0
        taken = samples(some, job)
        assert len(taken) == 50
        for start, end in taken:
            assert last < start < end
            last = end


def test_what_cannot_be_run_is_skipped_with_the_reason(some):
    for name, job in jobs(some).items():
        assert job["status"] in ("done", "skipped"), (name, job["reason"])
        assert (job["status"] == "skipped") == bool(job["reason"])
    assert "never filtered" in jobs(some)["x2apic_tpr/intercept-all"]["reason"]
    assert "VM-execution controls" in jobs(some)["hlt/intercept-all"]["reason"]


def test_facts_of_the_monitor(some):
    monitor = run_json(some)["monitor"]
    assert monitor["name"].startswith("Linux KVM ")
    assert monitor["hardware"] in ("VT-x", "AMD-V") or monitor["hardware"].startswith("none: ")
    assert "kvm" in monitor["modules"]
    assert monitor["capabilities"]["USER_MEMORY"] >= 1
    assert monitor["pinned"][0] in os.sched_getaffinity(0)
    own, filtered = monitor["policies"][:2]
    assert own == {"name": "kvm", "in_force": "KVM's own: no MSR is filtered",
                   "not_applicable": []}
    # 16384 have bits, less the 256 of the x2APIC.
    assert "reads of 16128 and writes of 16128 MSRs" in filtered["in_force"]
    assert "I/O bitmaps" in filtered["not_applicable"]
    assert "capabilities" not in run_json(some)["machine"]


def test_kvm_counts_its_own_exits(some):
    """Where this KVM has statistics: a device's accesses are so many exits to userspace."""
    job = jobs(some)["mmio_read/kvm"]
    phases = job["monitor"]["phases"]
    if phases["op"]["stats"] is None:
        assert job["monitor"]["stats_absent"] and job["exits_per_op"] is None
        pytest.skip(f"exits are not counted here: {job['monitor']['stats_absent']}")
    assert phases["op"]["stats"]["mmio_exits"] == 50
    assert "mmio_exits" not in phases["control"]["stats"]
    counted = (phases["op"]["stats"]["exits"] - phases["control"]["stats"]["exits"]
               - (job["interruptions"]["op"] - job["interruptions"]["control"]))
    assert job["exits_per_op"] == pytest.approx(counted / 50)
    assert job["expected_exits_per_op"] is None


def test_the_filter_brings_msrs_to_userspace(some):
    """In the kernel or not at all under KVM's own policy, in userspace under the filter: which costs
    more on any machine."""
    def least(job):
        return min(end - start for start, end in samples(some, jobs(some)[job]))
    job = jobs(some)["rdmsr/intercept-all"]
    if job["status"] == "skipped":
        pytest.skip(job["reason"])
    assert least("rdmsr/intercept-all") > least("rdmsr/kvm")
    assert least("wrmsr/intercept-all") > least("wrmsr/kvm")


def test_schedule_is_recorded(some):
    for job in jobs(some).values():
        if job["status"] == "done":
            schedule = job["monitor"]["phases"]["op"]["schedule"]
            assert schedule["wall_ns"] > 0
            assert schedule["involuntary_switches"] >= 0
            assert isinstance(job["validity"]["disturbed"], list)


def test_analysis_reads_it(some, tmp_path):
    shown = exitmeter("compare", some)
    assert shown.code == 0, shown.err
    assert "in TSC cycles" in shown.out and "mmio_read" in shown.out
    assert exitmeter("report", some, "-o", tmp_path / "report.html").code == 0


@pytest.mark.parametrize("guest, said", [
    ("triple_fault", "triple fault in the guest"),
    ("exception", "the guest took an exception here, #ud"),
    ("outside_memory", "the guest accessed memory that it has not got"),
    ("endless", "does not end on this KVM; killed after"),
])
def test_a_guest_that_dies_or_hangs_costs_itself_alone(tmp_path, guest, said):
    out = tmp_path / "run"
    result = exitmeter("run", "--target", "kvm", "--corpus", HOSTILE, "--guest", guest, "--guest",
                       "two_exits", "--samples", "10", "-o", out)
    assert result.code == 0, result.err
    assert said in jobs(out)[f"{guest}/kvm"]["reason"]
    assert jobs(out)[f"{guest}/kvm"]["status"] == "skipped"
    assert jobs(out)["two_exits/kvm"]["status"] == "done"
    assert gone(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_one_that_is_stopped(tmp_path, number):
    process = subprocess.Popen([EXITMETER, "run", "--target", "kvm", "--corpus", HOSTILE, "--guest",
                                "endless", "-o", tmp_path / "run"], stderr=subprocess.PIPE,
                               stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 20
    while len(left_behind(tmp_path)) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert len(left_behind(tmp_path)) == 2  # it, and the process that has the virtual machine
    process.send_signal(number)
    _, message = process.communicate(timeout=20)
    assert gone(tmp_path)
    assert not (tmp_path / "run").exists()
    if number != signal.SIGKILL:
        assert process.returncode == 128 + number
        assert "interrupted, nothing kept" in message
        assert not list(tmp_path.iterdir())


def test_two_cpus(tmp_path):
    """Each on a CPU of its own, if there are two."""
    out = measure(tmp_path / "run", "--target", "kvm", "--cpus", "2", "--samples", "5", "--guest",
                  "ipi", "--guest", "cpuid")
    assert jobs(out)["cpuid/kvm"]["status"] == "done"
    assert jobs(out)["ipi/kvm"]["status"] in ("done", "skipped")
    alone = measure(tmp_path / "alone", "--target", "kvm", "--samples", "5", "--guest", "ipi",
                    "--guest", "cpuid")
    assert "--cpus 2" in jobs(alone)["ipi/kvm"]["reason"]


def test_rounds_are_folded(tmp_path):
    out = measure(tmp_path / "run", "--target", "kvm", "--guest", "cpuid", "--samples", "10",
                  "--rounds", "3")
    folded = jobs(out)["cpuid/kvm"]["phases"]["op"]["folded"]
    assert (folded["rounds"], folded["samples"]) == (3, 30)
    assert folded["histograms"]["round_trip"]["n"] == 30


def test_events_are_counted_or_absent_with_the_reason(tmp_path):
    out = measure(tmp_path / "run", "--target", "kvm", "--guest", "cpuid", "--samples", "10",
                  "--pmu", "context-switches,cycles,no_such_event")
    events = jobs(out)["cpuid/kvm"]["monitor"]["phases"]["op"]["events"]
    assert [(event["name"], event["side"]) for event in events] == [
        (name, side) for name in ("context-switches", "cycles", "no_such_event")
        for side in ("host", "guest")]
    for event in events:
        assert ("count" in event) != ("absent" in event)
    assert "none in a guest" in events[1]["absent"]
    assert "event not found" in events[4]["absent"]


def test_both_targets_side_by_side(tmp_path):
    """One command, the same guests under our vCPU and under KVM: a run each, and one table."""
    result = exitmeter("run", "--target", "bochs", "--target", "kvm", "--samples", "20",
                       *(f"--guest={name}" for name in ("cpuid", "rdmsr", "in", "mmio_read")),
                       "-o", tmp_path / "run")
    assert result.code == 0, result.err
    bochs, kvm_run = (run_json(tmp_path / "run" / name) for name in ("bochs", "kvm"))
    assert (bochs["unit"], kvm_run["unit"]) == ("ticks", "TSC cycles")
    assert bochs["build"]["guests_sha256"] == kvm_run["build"]["guests_sha256"]
    again = exitmeter("targets", tmp_path / "run")
    assert again.code == 0, again.err
    assert again.out in result.out
    head = next(line for line in again.out.splitlines() if line.startswith("benchmark"))
    assert head.split() == ["benchmark", *["ticks", "exits/op"] * 2, "TSC", "cycles", "min..p99",
                            "exits/op"]
    rows = {line.split()[0]: line.split()[1:] for line in again.out.splitlines()
            if line.startswith(("cpuid ", "rdmsr ", "in ", "mmio_read "))}
    assert rows["cpuid"][:4] == ["93", "1.00", "93", "1.00"]
    assert all(len(row) == 7 for row in rows.values())
    data = json.loads(exitmeter("targets", "--json", tmp_path / "run").out)
    assert [column["policy"] for column in data["columns"]] == ["passthrough-all", "intercept-all",
                                                               "kvm"]
    assert "ratio" not in json.dumps(data)
    assert gone(tmp_path)


@pytest.mark.parametrize("arguments, said", [
    (["--probes", "off"], "--probes is for our core's exits; target kvm has none of them"),
    (["--pin", "9999"], "--pin takes a number from 0"),
    (["--pin", "0.5"], "--pin takes a whole number"),
    (["--pin", "1023"], "no such CPU that this process may run on"),
    (["--cpu-model", "corei7_haswell_4770"], "unknown CPU model"),
    (["--target", "kvm"], "target kvm is named twice"),
    (["--target", "bochs", "--pin", "0"], "not for bochs"),
    (["--host-timer", "5000"], "takes our core"),
])
def test_usage(tmp_path, arguments, said):
    result = exitmeter("run", "--target", "kvm", *arguments, "-o", tmp_path / "run")
    assert result.code == 2
    assert said in result.err
    assert not list(tmp_path.iterdir())


def test_its_own_policy_is_no_file(tmp_path):
    (tmp_path / "kvm.policy").write_text("default msr passthrough\n")
    result = exitmeter("run", "--target", "kvm", "--policy", tmp_path / "kvm.policy", "-o",
                       tmp_path / "run")
    assert result.code == 2
    assert "the name 'kvm' is the monitor's own" in result.err
    result = exitmeter("run", "--policy", "kvm", "-o", tmp_path / "run")
    assert result.code == 2 and "kvm" in result.err


def as_if(*words):
    """A command's words in a world of its own, if we may make one."""
    if run("unshare", "-m", "true").code != 0:
        pytest.skip("no mount namespace may be made here: run as root")
    return ["unshare", "-m", "sh", "-c", words[0] + ' && exec "$@"', "sh"]


@pytest.mark.parametrize("make, said", [
    ("mount -t tmpfs none /dev", "no /dev/kvm; load kvm_intel or kvm_amd"),
    ("mount --bind /dev/null /dev/kvm", "no KVM; "),
])
def test_without_kvm(tmp_path, make, said):
    result = run(*as_if(make), EXITMETER, "run", "--target", "kvm", "-o", tmp_path / "run")
    assert result.code == 3
    assert said in result.err
    assert not list(tmp_path.iterdir())


def test_without_permission(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("takes root, to become somebody else")
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", EXITMETER]
    if run(*command, "--version").code != 0:
        pytest.skip("the build cannot be reached by another user here")
    if run(*command[:-1], "test", "-w", "/dev/kvm").code == 0:
        pytest.skip("/dev/kvm is everybody's here")
    os.chmod(tmp_path, 0o777)
    result = run(*command, "run", "--target", "kvm", "-o", tmp_path / "run")
    assert result.code == 3
    assert "join the group kvm" in result.err

# SPDX-License-Identifier: MIT
"""Runs that go wrong: the emulator, the core, or the user ends them."""

import json
import os
import signal
import time

import pytest

from conftest import alive

# Nothing but SIGKILL ends it: not even losing its terminal.
DEAF = """
import signal
for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
"""


def failed(home, result, *words):
    assert result.returncode == 1, result.stderr
    for word in words:
        assert word in result.stderr
    assert home.left_behind() == ["R"]
    document = json.loads((home.work / "R" / "run.json").read_text())
    assert document["status"] == "failed" and document["reason"]
    assert not (home.work / "R" / "scratch").exists()
    return document


def test_bochs_that_dies_at_once(home):
    home.bochs("print('bochs: no such display'); sys.exit(1)")
    document = failed(home, home.run("run", "-o", "R"), "status 1", "bochs: no such display")
    assert {job["status"] for job in document["jobs"]} == {"not_run"}
    entry = json.loads((home.work / "R" / "benchmark.json").read_text())["benchmarks"][0]
    assert entry["error_occurred"] and entry["error_message"] == "not run"


def test_bochs_that_cannot_be_executed(home):
    (home.bin / "bochs").write_text("#!/nowhere/sh\n")
    (home.bin / "bochs").chmod(0o755)
    failed(home, home.run("run", "-o", "R"), "bochs: No such file or directory")


def test_console_is_shown(home):
    home.bochs("console(''.join(f'line {n}\\n' for n in range(100)) + 'RIP=0x1234\\n'); sys.exit(1)")
    result = home.run("run", "-o", "R")
    failed(home, result, "line 61", "RIP=0x1234")
    assert "line 60\n" not in result.stderr


def test_triple_fault_shows_the_cpu(home):
    home.bochs("""\
        log("00057939538p[CPU0  ] >>PANIC<< exception(): 3rd (13) exception with no resolution",
            "00057939538i[CPU0  ] | EIP=00100008 (00100008)")
        sys.exit(1)""")
    failed(home, home.run("run", "-o", "R"), "3rd (13) exception", "EIP=00100008")


def test_power_off_without_results(home):
    home.bochs("""\
        log("00057939538p[UNMAP ] >>PANIC<< Shutdown port: shutdown requested")
        console("core: VM entry failed\\n")
        sys.exit(1)""")
    failed(home, home.run("run", "-o", "R"), "powered off", "core: VM entry failed")


def test_halted_cpu_is_noticed_before_the_limit(home):
    home.bochs("""\
        log("00057939603i[CPU0  ] WARNING: HLT instruction with IF=0!")
        time.sleep(60)""")
    begin = time.monotonic()
    failed(home, home.run("run", "-o", "R"), "halted with interrupts off")
    assert time.monotonic() - begin < 5
    assert not alive(home.bochs_pid())


def test_bochs_that_hangs(home):
    home.bochs(DEAF + """
if os.fork() == 0:
    time.sleep(60)
time.sleep(60)""")
    failed(home, home.run("run", "-o", "R", "--timeout", "1"), "within 1 s")
    assert not alive(home.bochs_pid())
    wait_for(lambda: not any(is_ours(home, pid) for pid in os.listdir("/proc")))


def test_bochs_that_ends_leaves_no_child(home):
    home.bochs(DEAF + """
if os.fork() == 0:
    time.sleep(60)
time.sleep(0.2)
sys.exit(1)""")
    failed(home, home.run("run", "-o", "R"), "status 1")
    wait_for(lambda: not any(is_ours(home, pid) for pid in os.listdir("/proc")))


def is_ours(home, pid):
    """Whether a process runs this test's Bochs."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return str(home.bin / "bochs").encode() in line.read() and alive(int(pid))
    except (OSError, ValueError):
        return False


def test_success_without_results_is_no_success(home):
    home.bochs("log(); sys.exit(0)")
    failed(home, home.run("run", "-o", "R"), "without writing the results")


def test_xorriso_that_fails(home):
    home.good_bochs()
    home.program("xorriso", "import sys; print('xorriso: disk full'); sys.exit(5)")
    failed(home, home.run("run", "-o", "R"), "xorriso exited with status 5", "disk full")


@pytest.mark.parametrize("damage, words", [
    ("data[0] ^= 1", "magic"),
    ("data[8] = 9", "version"),
    ("data[16] ^= 1", "jobs"),
    ("del data[4096:]", "bytes"),
])
def test_damaged_results(home, damage, words):
    home.bochs(f"""\
        results()
        data = bytearray(pathlib.Path("results.bin").read_bytes())
        {damage}
        pathlib.Path("results.bin").write_bytes(data)""")
    document = failed(home, home.run("run", "-o", "R"), words)
    assert {job["status"] for job in document["jobs"]} == {"not_run"}


def test_a_crash_behind_the_results_costs_nothing(home):
    """Bochs' last command writes them and closes the file; what follows is its own quitting."""
    home.bochs("""\
        log()
        results()
        os.kill(os.getpid(), 11)""")
    result = home.run("run", "-o", "R")
    assert result.returncode == 0, result.stderr
    document = json.loads((home.work / "R" / "run.json").read_text())
    assert document["status"] == "complete"


@pytest.mark.parametrize("damage, words", [
    ("pathlib.Path('results.bin').write_bytes(whole[:-1])", "signal 11"),
    ("pathlib.Path('results.bin').unlink()", "signal 11"),
    ("pathlib.Path('results.bin').write_bytes(bytes(len(whole)))", "magic"),
])
def test_a_crash_before_the_results_are_whole(home, damage, words):
    home.bochs(f"""\
        log()
        results()
        whole = pathlib.Path("results.bin").read_bytes()
        {damage}
        os.kill(os.getpid(), 11)""")
    failed(home, home.run("run", "-o", "R"), words)


def test_core_that_reports_failure(home):
    home.good_bochs(status=3, reason="VM entry failed",
                    jobs={1: {"status": 3, "reason": "unhandled exit 48"}, 2: {"status": 0}})
    result = home.run("run", "-o", "R")
    document = failed(home, result, "unhandled exit 48", "exitmeter core")
    assert [job["status"] for job in document["jobs"]][:4] == ["done", "failed", "not_run", "done"]
    assert "run: R (8 done, 0 skipped, 2 failed)" in result.stderr


def test_skipped_jobs_do_not_fail_a_run(home):
    home.good_bochs(jobs={0: {"status": 2, "reason": "no x2APIC"}})
    result = home.run("run", "-o", "R")
    assert result.returncode == 0
    assert "no x2APIC" in result.stderr and "(9 done, 1 skipped, 0 failed)" in result.stderr
    entry = json.loads((home.work / "R" / "benchmark.json").read_text())["benchmarks"][0]
    assert entry["error_message"] == "no x2APIC"


def test_exits_that_the_policy_does_not_predict(home):
    home.good_bochs(jobs={2: {"extra_exits": 1}})
    document = failed(home, home.run("run", "-o", "R", "--samples", "30"),
                      "bochs/msr-read/passthrough-all: failed: 30 exits by RDMSR for 30 operations; "
                      "by the policy it must be 0")
    assert document["jobs"][2]["exits_per_op"] == 1.0
    verdict = document["prediction"]
    assert verdict["disagreed"] == 1 and verdict["agreed"] > 0 and verdict["unproved"] == 0
    assert [job["prediction"] for job in document["jobs"]].count("disagrees") == 1
    assert document["jobs"][2]["prediction"] == "disagrees"
    assert document["jobs"][2]["phases"]["op"]["records"] == 31


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_interrupted_run_leaves_nothing(home, number):
    home.bochs(DEAF + "log(); pathlib.Path('ready').touch(); time.sleep(60)")
    process = home.start("run", "-o", "R")
    wait_for(lambda: any(home.work.glob(".R.*/scratch/ready")))
    process.send_signal(number)
    _, errors = process.communicate(timeout=10)
    assert process.returncode == 128 + number, errors
    assert home.left_behind() == []
    assert not alive(home.bochs_pid())


def test_a_reader_that_goes_away_does_not_cost_the_run(home):
    home.good_bochs()
    process = home.start("run", "-o", "R")
    process.stdout.close()
    assert "\nrun: R (10 done" in process.stderr.read()
    assert process.wait(timeout=10) == 0
    assert home.left_behind() == ["R"]


def test_killed_harness_leaves_no_bochs_and_no_run(home):
    home.bochs(DEAF + "log(); pathlib.Path('ready').touch(); time.sleep(60)")
    process = home.start("run", "-o", "R")
    wait_for(lambda: any(home.work.glob(".R.*/scratch/ready")))
    process.kill()
    process.communicate(timeout=10)
    wait_for(lambda: not alive(home.bochs_pid()))
    assert "R" not in home.left_behind()
    assert all(name.startswith(".R.partial-") for name in home.left_behind())


def wait_for(condition, limit=10):
    end = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)

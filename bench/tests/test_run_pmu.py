# SPDX-License-Identifier: MIT
"""run --pmu and --probes hardware, with a Bochs that writes made-up results."""

import json
import subprocess

import pytest

import synthetic

LIST = "instructions,cycles,LLC_MISSES,branches"


def measured(home, *arguments, name="R", **twist):
    home.good_bochs(**twist)
    result = home.run("run", "-o", name, "--samples", "40", "--guest", "cpuid",
                      "--policy", "intercept-all", *arguments)
    assert result.returncode == 0, result.stderr
    run = home.work / name
    return run, json.loads((run / "run.json").read_text()), result


def test_groups_reach_the_plan(home):
    run, document, _ = measured(home, "--pmu", LIST)
    plan = synthetic.Plan((run / "plan.bin").read_bytes())
    assert len(plan.groups) == 2
    host, guest = plan.groups[0][:3], plan.groups[0][3:]
    assert [(event["kind"], event["selector"]) for event in host] == [
        (synthetic.EVENT_FIXED, 0), (synthetic.EVENT_FIXED, 1), (synthetic.EVENT_GENERAL, 0x2412E)]
    # Ring 0: OS is bit 17, and USR, bit 16, is not there. A fixed counter serves one side alone.
    assert [(event["kind"], event["selector"]) for event in guest] == [
        (synthetic.EVENT_GENERAL, 0x200C0), (synthetic.EVENT_GENERAL, 0x2003C),
        (synthetic.EVENT_GENERAL, 0x2412E)]
    assert [event["selector"] for event in plan.groups[1]] == [0x200C4, 0, 0, 0x200C4, 0, 0]
    assert [(job["probes"], job["group"]) for job in plan.jobs[:2]] == [(5, 1), (5, 2)]
    assert sorted(job["group"] for job in plan.jobs[2:]) == [0] * 5 + [1]
    assert [job["name"] for job in document["jobs"]] == [
        "bochs/cpuid/intercept-all/events-1", "bochs/cpuid/intercept-all/events-2"]


def test_an_extra_msr_reaches_the_plan(home):
    event = "OFFCORE_RESPONSE_0:DMND_DATA_RD:ANY_RESPONSE"
    run, document, _ = measured(home, "--pmu", event)
    plan = synthetic.Plan((run / "plan.bin").read_bytes())
    assert [(e["extra_msr"], e["extra_value"], e["selector"] & 0xFFFF) for e in
            (plan.groups[0][0], plan.groups[0][3])] == [(0x1A6, 0x10001, 0x01B7)] * 2
    assert document["pmu"]["events"][0]["extra_msr"] == "0x1a6"
    assert document["jobs"][0]["name"] == "bochs/cpuid/intercept-all"


def test_what_is_counted_is_in_run_json_and_benchmark_json(home):
    run, document, result = measured(home, "--pmu", LIST)
    assert "not counted" not in result.stderr and "no performance event" not in result.stderr
    first, second = document["jobs"]
    means = {(event["name"], event["side"]): event["mean_per_exit"] for event in first["events"]}
    assert means == {("instructions", "host"): 300, ("cycles", "host"): 3000,
                     ("LLC_MISSES", "host"): 30000, ("instructions", "guest"): 7,
                     ("cycles", "guest"): 14, ("LLC_MISSES", "guest"): 21}
    assert [(event["name"], event["mean_per_exit"]) for event in second["events"]] == [
        ("branches", 300), ("branches", 7)]
    assert first["probe_level"] == "pmu" and first["probes_lowered"] == ""
    assert first["phases"]["op"]["stream"] == "cpu0_wide"
    assert first["phases"]["count_op"]["stream"] == "cpu0"
    entries = {entry["name"]: entry for entry in
               json.loads((run / "benchmark.json").read_text())["benchmarks"]}
    assert entries["bochs/cpuid/intercept-all/events-1"]["instructions:host"] == 300
    assert entries["bochs/cpuid/intercept-all/events-2"]["branches:guest"] == 7
    assert entries["bochs/calibration/probes_pmu"]["p50"] == 12
    assert document["pmu"]["model"] == document["pmu"]["model_by_signature"] == "hsw"
    assert document["pmu"]["events"][3]["guest"] == {"group": 2, "place": 0,
                                                      "counter_kind": "general"}


def test_what_is_not_counted_says_why_once_and_the_run_goes_on(home):
    why = "the counter does not keep what is written"
    run, document, result = measured(home, "--pmu", LIST, absent=why)
    assert [line for line in result.stderr.splitlines() if why in line] == [
        f"exitmeter: run: no performance event is counted here, and the run goes on without: "
        f"instructions: {why}"]
    for event in document["pmu"]["events"]:
        assert event["host"]["absent"] == event["guest"]["absent"] == why
    job = document["jobs"][0]
    assert [(event["absent"], event["msr"]) for event in job["events"]] == [(why, "0xc1")] * 6
    assert all("mean_per_exit" not in event for event in job["events"])
    assert (job["probe_level"], job["probes_lowered"]) == ("hardware",
                                                           "no event of its group is counted")
    assert document["calibration"]["probes_pmu"]["absent"] == "no event of its group is counted"
    assert "instructions:host" not in (run / "benchmark.json").read_text()


@pytest.mark.parametrize("twist", [{}, {"absent": "none"}])
def test_babeltrace_reads_both_streams(home, twist):
    run, document, _ = measured(home, "--pmu", LIST, **twist)
    output = subprocess.run(["babeltrace2", run / "trace"], text=True, capture_output=True)
    assert output.returncode == 0 and output.stderr == ""
    lines = output.stdout.splitlines()
    assert len(lines) == sum(phase["records"] for job in document["jobs"]
                             for phase in job["phases"].values())
    wide = [line for line in lines if "exited = " in line]
    assert len(wide) == sum(phase["records"] for job in document["jobs"]
                            for phase in job["phases"].values() if phase["stream"] == "cpu0_wide")
    level = 4 if twist else 5
    assert all(f"probe_level = {level}" in line for line in wide)
    assert ("entering_2 = 70000" in wide[1]) == (not twist)
    packets = (run / "trace" / "cpu0_wide").stat().st_size - 128 * len(wide)
    assert packets == 64 * 6  # control, op and twice of two jobs


def test_layout_has_the_wide_line(home):
    run, _, _ = measured(home, "--probes", "hardware")
    layout = json.loads((run / "layout.json").read_text())
    assert layout["wide_record_size"] == 128
    offset = 64
    for field in layout["wide"]:
        assert field["offset"] == offset
        offset += field["bits"] // 8
    assert offset == 128


@pytest.mark.parametrize("arguments, words", [
    (["--pmu", "instructons"], ["--pmu: hsw has no event 'instructons' (did you mean instructions?)"]),
    (["--pmu", "slots"], ["hsw has no event 'slots'; it is on icl, icx, spr"]),
    (["--pmu", "cycles", "--pmu-model", "hws"], ["unknown PMU model 'hws'", "hsw"]),
    (["--pmu", "cycles", "--cpu-model", "bx_generic"], ["bx_generic", "--pmu-model"]),
    (["--pmu", "cycles", "--probes", "full"], ["leave out --probes full"]),
    (["--probes", "pmu"], ["--pmu EVENT"]),
    (["--pmu-model", "hsw"], ["--pmu EVENT"]),
    (["--pmu", ""], ["empty name"]),
])
def test_wrong_usage(home, arguments, words):
    home.good_bochs()
    result = home.run("run", "-o", "R", *arguments)
    assert result.returncode == 2
    assert all(word in result.stderr for word in words), result.stderr
    assert home.left_behind() == []


def test_the_model_is_the_targets_cpu_or_the_one_named(home):
    _, document, _ = measured(home, "--pmu", "cycles", "--cpu-model", "corei7_skylake_x")
    assert document["pmu"]["model"] == "skx"
    _, document, _ = measured(home, "--pmu", "cycles", "--pmu-model", "icx", name="S")
    assert document["pmu"]["model"] == "icx"


def test_a_policy_cannot_ask_for_events(home):
    (home.work / "one.policy").write_text("probes pmu\n")
    result = home.run("run", "--policy", "one.policy")
    assert result.returncode == 2 and "full or hardware" in result.stderr


def test_floor_and_checks_run_once(home):
    home.good_bochs()
    result = home.run("run", "-o", "R", "--samples", "40", "--guest", "floor", "--guest", "check/*",
                      "--policy", "intercept-all", "--pmu", LIST)
    assert result.returncode == 0, result.stderr
    jobs = json.loads((home.work / "R" / "run.json").read_text())["jobs"]
    assert [(job["group"], job["events"]) for job in jobs] == [(0, [])] * 2

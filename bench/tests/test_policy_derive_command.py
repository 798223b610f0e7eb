# SPDX-License-Identifier: MIT
"""exitmeter policy derive as a user has it: what it writes and prints, and every kind of bad run."""
import json
import struct

import pytest

COST = {"dispatch": 0, "handler": 0, "vmreads": 4, "vmwrites": 1, "msr_accesses": 0}
PLAN_MAGIC, PLAN_VERSION = 0x314E414C504D5845, 8
MACHINE = bytes(32 + 4096)
LOST = COST | {"count": 0, "ticks": 0}


def entry(reason, count, ticks, **more):
    return {"reason": reason, "count": count, "ticks": ticks} | COST | more


def profile():
    return {
        "start": 1000, "end": 400000, "guest": 300000, "host": 19000, "folding": 0, "polls": 0,
        "lost": 0, "out_of_order": 0,
        "reasons": [entry(30, 50, 14000, name="I/O instruction"), entry(32, 50, 5000, name="WRMSR")],
        "details": [entry(30, 50, 14000, detail="0x3fd0008",
                          waiting={"count": 40, "ticks": 11200, "elapsed": 13000}),
                    entry(32, 50, 5000, detail="0x6e0")],
        "details_lost": LOST, "addresses": [], "addresses_lost": 0,
    }


class Run:
    """A run directory in the making: a document to be changed, and a plan a policy."""

    def __init__(self, home):
        self.home, self.path = home, home.work / "guest"
        self.document = {
            "schema": "exitmeter.profile/1", "status": "complete", "unit": "ticks",
            "guest": {"image": "vmlinuz"},
            "profiles": [self.outcome(name) for name in ("passthrough-all", "intercept-all")]}

    def outcome(self, name):
        """As under that policy."""
        compiled = self.path.with_name("compiled.bin")
        shown = self.home.run("policy", "compile", name, "--json", "-o", compiled)
        assert shown.returncode == 0, shown.stderr
        plan = self.path / "policies" / name.removesuffix(".policy") / "plan.bin"
        plan.parent.mkdir(parents=True, exist_ok=True)
        body = compiled.read_bytes()[16:] + MACHINE
        header = struct.pack("<QIIQQQIIQIIII", PLAN_MAGIC, PLAN_VERSION, 8, 72 + len(body), 0, 0, 1, 0,
                             0, 0, 1, 0, 0)
        plan.write_bytes(header + body)
        return {"policy": name.removesuffix(".policy"),
                "sha256": json.loads(shown.stdout)["sha256"], "status": "done",
                "ended": "until", "reason": "seen", "kept_ports": [{"first": "0x64", "last": "0x64"}],
                "transition": {"n": 64, "min": 10, "p50": 10, "max": 11}, "profile": profile()}

    @property
    def outcome_of_all(self):
        return self.document["profiles"][1]

    @property
    def profile(self):
        return self.outcome_of_all["profile"]

    def derive(self, *arguments, code=0):
        self.path.mkdir(exist_ok=True)
        (self.path / "run.json").write_text(json.dumps(self.document))
        result = self.home.run("policy", "derive", "guest", *arguments)
        assert result.returncode == code, result.stderr
        return result


@pytest.fixture
def run(home):
    return Run(home)


def test_the_policy_goes_to_stdout_and_the_tables_to_stderr(run):
    result = run.derive()
    assert "passthrough io 0x3fd  # 50 exits, saves 14450, of which 11560 in loops that wait; medium: " \
        in result.stdout
    assert "# stays: msr 0x6e0 IA32_TSC_DEADLINE w, 50 exits, 5000 ticks of the core; high: " \
        in result.stdout
    assert "what exits take             19900 -> 5450: 14450 saved, 72.61%" in result.stderr
    assert "run time                   319000 -> 316110" in result.stderr


def test_the_file_is_a_policy_that_the_audit_holds(run):
    home = run.home
    result = run.derive("-o", "least.policy")
    assert "what exits take" in result.stdout and result.stderr == ""
    assert home.run("policy", "audit", "least.policy", "--max-severity", "medium").returncode == 0
    assert home.run("policy", "audit", "least.policy", "--max-severity", "low").returncode == 1
    run.derive("--max-severity", "low", "-o", "less.policy")
    assert home.run("policy", "audit", "less.policy", "--max-severity", "low").returncode == 0
    # What the guest did not use exits as before.
    diff = json.loads(home.run("policy", "diff", "less.policy", "intercept-all", "--json").stdout)
    assert diff["same"]
    diff = json.loads(home.run("policy", "diff", "least.policy", "less.policy", "--json").stdout)
    assert [(entry["what"], entry["first"], entry["last"]) for entry in diff["passes"]] == \
        [("io", 0x3fd, 0x3fd)]


def test_json(run):
    result = run.derive("--json", "-o", "least.policy")
    document = json.loads(result.stdout)
    assert document["schema"] == "exitmeter.policy-derive/1"
    assert document["text"] == (run.home.work / "least.policy").read_text()
    assert document["transition"] == 10 and document["instruction"] == 1
    assert document["before"] == {"exits": 100, "exit_ticks": 19000 + 900, "run_time": 319000}
    assert document["saves"] == 14000 + 50 * 9 and document["saves_waiting"] == 11200 + 40 * 9
    assert document["predicted"] == {"exits": 50, "exit_ticks": 5450, "run_time": 319000 - 2890}
    port, deadline = document["items"]
    assert port | {"why": "", "source": ""} == {
        "item": "io 0x3fd com1", "verdict": "passes", "exits": 50, "ticks": 14000,
        "waiting": {"count": 40, "ticks": 11200, "elapsed": 13000}, "severity": "medium", "why": "",
        "source": "", "saves": 14450, "saves_waiting": 11560}
    assert deadline["verdict"] == "dangerous" and deadline["severity"] == "high"
    assert "saves" not in deadline


def test_the_runs_own_rules_stay(run):
    """What the policy answers and hides is part of how the guest works."""
    home = run.home
    text = home.run("policy", "show", "intercept-all").stdout
    (home.work / "mine.policy").write_text(text + "emulate io com1\nhide cpuid tsc-deadline\n")
    run.document["profiles"].append(run.outcome("mine.policy"))
    result = run.derive("--policy", "mine")
    assert "# stays: io 0x3fd com1, 50 exits, 14000 ticks of the core; the run's policy emulates it" \
        in result.stdout
    assert "emulate io com1\n" in result.stdout and "hide cpuid tsc-deadline\n" in result.stdout


def test_what_the_figures_lack_is_said(run):
    run.document["unit"] = "TSC cycles"
    run.outcome_of_all["transition"] = None
    run.outcome_of_all.update(status="failed", reason="the guest did not end within 9 s")
    run.profile["details"] = run.profile["details"][:1]
    run.profile.update(lost=3, out_of_order=4, details_lost=COST | {"count": 50, "ticks": 5000})
    result = run.derive()
    for said in ("did not end as it was to: the guest did not end within 9 s",
                 "did not measure VM exits and entries", "savings are at most",
                 "50 exits (5000 TSC cycles) found no room", "7 exits are in no count"):
        assert said in result.stderr, said
    assert "at most 14000 saved" in result.stderr and "saves at most 14000" in result.stdout


def test_details_that_are_not_said_stay(run):
    run.profile["details"][0]["detail"] = None
    result = run.derive()
    assert "# stays: I/O instruction, 50 exits, 14000 ticks of the core; the profile does not say " \
        "what was accessed" in result.stdout
    assert "passthrough io" not in result.stdout


@pytest.mark.parametrize("key, value, said", [
    ("guest", -1, "profiles[1].profile.guest: a whole number"),
    ("guest", 1 << 62, "profiles[1].profile.guest: a whole number"),
    ("reasons", [entry(1, 1, 1)] * 97, "profiles[1].profile.reasons: more than there are"),
    ("details", [entry(1, 0, 0, detail=None)] * 4097, "profiles[1].profile.details: more than"),
    ("host", "x", "profiles[1].profile.host: a whole number"),
    ("details", {}, "profiles[1].profile.details: a list"),
    ("details", [], "damaged: its details are 0 exits, its reasons 100"),
    ("details", [entry(30, 100, 14000, detail="0x3fd0008")],
     "damaged: its details are 14000 ticks of the host, and it had 19000"),
    ("details", [entry(30, 100, 19000, detail="3fd0008")], "details[0].detail: a string of the form"),
    ("details", [entry(30, 100, 19000, detail="0x11112222333344445")], "details[0].detail: a string"),
    ("details", [entry(300, 100, 19000, detail=None)], "details[0].reason: a whole number"),
    ("details", [entry(30, 100, 19000, detail="0x1", waiting={"count": 101, "ticks": 1, "elapsed": 1})],
     "details[0].waiting.count: a whole number from 0 to 100"),
    ("details", [{"reason": 30, "detail": None, "count": 1}], 'details[0]: key "ticks" is missing'),
    ("details_lost", None, "profiles[1].profile.details_lost: an object"),
    ("reasons", [5], "profiles[1].profile.reasons[0]: an object"),
])
def test_damaged_profile(run, key, value, said):
    run.profile[key] = value
    result = run.derive(code=2)
    assert "guest/run.json: " in result.stderr and said in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("change, said", [
    ({"schema": "exitmeter.run/3"}, "guest: a run of benchmarks, which has no profile"),
    ({"schema": "exitmeter.profile/2"}, 'schema: "exitmeter.profile/1" is needed'),
    ({"schema": None}, "schema: a string"),
    ({"profiles": []}, "guest: no profile in it"),
    ({"profiles": {}}, "profiles: a list"),
    ({"guest": None}, "guest: an object"),
])
def test_another_document(run, change, said):
    run.document |= change
    assert said in run.derive(code=2).stderr


@pytest.mark.parametrize("key, value, said", [
    ("policy", "../x", "'../x' is no name of a policy"),
    ("sha256", "0" * 64, "not the policy that run.json names"),
    ("profile", None, "left no profile under intercept-all"),
    ("kept_ports", [{"first": "0x5", "last": "0x4"}], "kept_ports[0]: no range of ports"),
    ("kept_ports", [{"first": "0x5", "last": "0x5"}] * 17, "kept_ports: more than"),
    ("transition", {"p50": 1 << 30}, "transition.p50: a whole number"),
])
def test_damaged_outcome(run, key, value, said):
    run.outcome_of_all[key] = value
    assert said in run.derive(code=2).stderr


def test_other_policies_do_not_show_what_passes(run):
    result = run.derive("--policy", "passthrough-all", code=2)
    assert "under passthrough-all MSRs pass without an exit, which a profile does not show" in result.stderr
    run.document["profiles"].pop()
    assert "it takes a run with --policy intercept-all" in run.derive(code=2).stderr
    assert "no profile under intercept-all; it has passthrough-all" in \
        run.derive("--policy", "intercept-all", code=2).stderr
    for rule, passes in (("passthrough io 0x9999", "ports pass"), ("passthrough exception pf",
                         "exceptions pass"), ("passthrough cr4 7", "changes of CR0 or CR4 pass"),
                         ("control pause-exiting off", "pause-exiting is off")):
        text = run.home.run("policy", "show", "intercept-all").stdout + rule + "\n"
        (run.home.work / "mine.policy").write_text(text)
        run.document["profiles"] = [run.outcome("mine.policy")]
        assert f"under mine {passes}" in run.derive(code=2).stderr


def test_damaged_plan(run):
    plan = run.path / "policies" / "intercept-all" / "plan.bin"
    whole = plan.read_bytes()
    for damaged, said in ((whole[:1000], "cut off"), (b"\0" * len(whole), "not a plan of this version"),
                          (whole[:208] + b"\xff" + whole[209:], "no output of CPUID")):
        plan.write_bytes(damaged)
        assert said in run.derive("--policy", "intercept-all", code=2).stderr
    plan.unlink()
    assert "plan.bin: No such file" in run.derive("--policy", "intercept-all", code=2).stderr


def test_usage(run):
    home = run.home
    for arguments, said in ((("nowhere",), "nowhere: No such file"), ((), "which run?"),
                            (("guest", "--max-severity", "hihg"), "did you mean high?"),
                            (("guest", "more"), "takes no argument 'more'")):
        result = home.run("policy", "derive", *arguments)
        assert result.returncode == 2 and said in result.stderr
    run.derive()
    (run.path / "run.json").write_text("{")
    result = home.run("policy", "derive", "guest")
    assert result.returncode == 2 and "guest/run.json:1: not valid JSON" in result.stderr
    (run.path / "run.json").write_text("[]")
    assert "guest/run.json: an object" in home.run("policy", "derive", "guest").stderr
    assert "No such file" in run.derive("-o", "none/x.policy", code=2).stderr

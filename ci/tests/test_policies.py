# SPDX-License-Identifier: MIT
"""What a policy decides besides bits of bitmaps, seen by guests made for it."""
import pytest

from .conftest import BUILD, ROOT, exitmeter, measure, run_json

HIDDEN = BUILD / "tests" / "hidden.bin"
RULES = """hide cpuid mce
hide cpuid pcid
hide cpuid 1 ecx 26
hide cpuid 7:0 ebx 7
hide cpuid 0x80000002 eax 0-15
hide cpuid 0xd:0 eax 0-31
"""


def policy(tmp_path, text):
    file = tmp_path / "some.policy"
    file.write_text(text)
    return file


def test_what_is_hidden_of_cpuid(tmp_path):
    measure(tmp_path / "run", "--corpus", HIDDEN, "--guest", "check/*", "--policy",
            policy(tmp_path, RULES))


@pytest.mark.parametrize("rule", RULES.splitlines())
def test_the_guest_sees_what_is_not(tmp_path, rule):
    result = exitmeter("run", "--corpus", HIDDEN, "--guest", "check/*", "-o", tmp_path / "run",
                       "--policy", policy(tmp_path, RULES.replace(rule + "\n", "")))
    assert result.code == 1 and "the guest reported a failure" in result.err


ANSWERS = BUILD / "tests" / "answers.bin"
ANSWERED = """emulate msr 0xc0000000-0xc0001fff
forward msr IA32_LSTAR
refuse msr IA32_FMASK
emulate io 0x61
"""


def test_what_accesses_that_exit_come_to(tmp_path):
    measure(tmp_path / "run", "--corpus", ANSWERS, "--guest", "check/*", "--policy",
            policy(tmp_path, ANSWERED))


@pytest.mark.parametrize("rule", ANSWERED.splitlines())
def test_without_the_rule_they_come_to_something_else(tmp_path, rule):
    result = exitmeter("run", "--corpus", ANSWERS, "--guest", "check/*", "-o", tmp_path / "run",
                       "--policy", policy(tmp_path, ANSWERED.replace(rule + "\n", "")))
    assert result.code == 1 and "the guest reported a failure" in result.err


def test_the_matrix(tmp_path):
    """Every shipped policy over all there is, checks among it: nothing fails, and no exit is other than
    its policy predicts. What is not applicable says why."""
    result = exitmeter("run", "--guest", "*", "--guest", "check/*", "--policy", "*", "--samples", "10",
                       "-o", tmp_path / "run", timeout=1800)
    run = run_json(tmp_path / "run")
    assert result.code == 0, result.err
    verdict, jobs = run["prediction"], run["jobs"]
    assert {job["policy"] for job in jobs} == {"any", *(path.stem for path in
                                                        (ROOT / "bench/policies").glob("*.policy"))}
    assert verdict["disagreed"] == verdict["unproved"] == 0
    assert verdict["agreed"] > 1000 and sum(verdict.values()) == len(jobs)
    assert f"exits as the policies predict: {verdict['agreed']} of {verdict['agreed']} jobs; 0 disagree" \
        in result.err
    assert all(job["reason"] for job in jobs if job["status"] == "skipped")
    least = {job["benchmark"]: job for job in jobs if job["policy"] == "linux-least-privilege"}
    assert "this policy emulates ports of hardware" in least["check/io"]["reason"]
    assert least["check/exceptions"]["status"] == least["in"]["status"] == "done"
    for name in ("linux-least-privilege", "reference-default"):
        assert any(job["exits_per_op"] == 0 for job in jobs if job["policy"] == name)


def test_a_control_that_the_cpu_lacks_is_not_applicable(tmp_path):
    result = exitmeter("run", "--guest", "cpuid", "--cpu-model", "corei7_ivy_bridge_3770k", "-o",
                       tmp_path / "run", "--policy", policy(tmp_path, "control rdseed-exiting on\n"))
    assert result.code == 3
    assert "cpuid/some: skipped: not applicable here: control not available on this CPU: " \
        "RDSEED exiting" in result.err

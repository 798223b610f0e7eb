# SPDX-License-Identifier: MIT
"""The templates that users copy into their CI: sound as GitHub and GitLab read them, and their steps do
what they say, in a clean clone."""
import json
import os
import re
import shutil
import subprocess

import pytest
import yaml

from .conftest import BUILD, ROOT

TEMPLATES = ROOT / "ci" / "templates"
SELECTION = "--guest cpuid --guest 'rdms?' --policy intercept-all"
SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")  # of GitHub's `shell: bash`
CONTEXTS = re.compile(r"(github\.(ref|run_id|event_name)|env\.[A-Z]+|cancelled\(\)|'[a-z_]*'|[!=&|() ]+)+")

# What GitHub's workflow syntax and GitLab's CI/CD YAML syntax know, of what a template may use.
GITHUB = {
    "workflow": {"name", "on", "permissions", "concurrency", "env", "jobs"},
    "job": {"runs-on", "container", "timeout-minutes", "defaults", "env", "steps", "needs", "if"},
    "step": {"name", "uses", "with", "run", "if", "env", "shell", "id", "working-directory"},
}
GITLAB_JOB = {"stage", "image", "timeout", "interruptible", "rules", "variables", "cache",
              "before_script", "script", "after_script", "artifacts", "needs", "tags"}
GITLAB_ARTIFACTS = {"when", "expose_as", "paths", "reports", "expire_in", "name"}


def load(name):
    return yaml.safe_load((TEMPLATES / name).read_text())


def github_steps():
    return load("github.yml")["jobs"]["gate"]["steps"]


def gitlab_script():
    job = load("gitlab.yml")["exit-costs"]
    return "\n".join([*job["before_script"], *job["script"]])


def test_github_is_a_workflow():
    text = (TEMPLATES / "github.yml").read_text()
    document = load("github.yml")
    document["on"] = document.pop(True)  # YAML 1.1 reads the word so, and GitHub knows it
    assert set(document) <= GITHUB["workflow"] and {"on", "jobs"} <= set(document)
    assert set(document["on"]) == {"push", "pull_request"}
    assert document["permissions"] == {"contents": "read"}
    for job in document["jobs"].values():
        assert set(job) <= GITHUB["job"] and {"runs-on", "steps"} <= set(job)
        assert isinstance(job["timeout-minutes"], int)
        for step in job["steps"]:
            assert set(step) <= GITHUB["step"] and ("uses" in step) != ("run" in step), step
            if "uses" in step:
                assert re.fullmatch(r"actions/[a-z-]+(/[a-z]+)?@v\d+", step["uses"])
            else:
                assert step["name"]
    for expression in re.findall(r"\$\{\{(.*?)\}\}", text):
        assert CONTEXTS.fullmatch(expression), expression
    assert text.count("${{") == text.count("}}")


def test_gitlab_is_a_pipeline():
    document = load("gitlab.yml")
    stages = document.pop("stages")
    assert list(document) == ["exit-costs"]
    job = document["exit-costs"]
    assert set(job) <= GITLAB_JOB and job["stage"] in stages
    assert set(job["artifacts"]) <= GITLAB_ARTIFACTS
    assert set(job["artifacts"]["reports"]) == {"junit"}
    assert all(set(rule) <= {"if", "when", "changes"} for rule in job["rules"])
    for value in job["variables"].values():
        assert isinstance(value, str)
    for line in [*job["before_script"], *job["script"]]:
        assert isinstance(line, str), line  # "a: b" without quotes would be a mapping


@pytest.mark.parametrize("script", [
    *(pytest.param(step["run"], id=step["name"]) for step in github_steps() if "run" in step),
    pytest.param(gitlab_script(), id="gitlab")])
def test_scripts_are_sound_shell(script, tmp_path):
    file = tmp_path / "script.sh"
    file.write_text("set -eo pipefail\n" + script)  # as both run it
    result = subprocess.run(["shellcheck", "-s", "bash", file], text=True, capture_output=True,
                            check=False)
    assert result.returncode == 0, result.stdout


@pytest.fixture
def clone(tmp_path):
    """As CI checks it out; with what is built already, older than nothing it was made from."""
    directory = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, directory], check=True)
    for file in directory.rglob("*"):
        os.utime(file, (1e9, 1e9))
    shutil.copytree(BUILD, directory / "build", ignore=shutil.ignore_patterns(
        "tests", "clang", "sanitized", "hosted", "fuzz", "linux"))
    return directory


def environment(directory, **more):
    kept = {name: value for name, value in os.environ.items()
            if name in ("PATH", "LANG", "TMPDIR")}
    return kept | {"HOME": str(directory.parent), "EXITMETER": ".",
                   "BASELINE": "ci/baselines/bochs.json", "SELECTION": SELECTION} | more


def shell(script, directory, variables):
    return subprocess.run([*SHELL, "-c", script], cwd=directory, env=variables, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)


def github(directory):
    """The steps of a push in turn, those after a failed one by their condition; the failed ones."""
    variables = environment(directory, GITHUB_STEP_SUMMARY=str(directory.parent / "summary.md"),
                            GITHUB_REF_NAME="main", GITHUB_SHA="0123456789abcdef")
    failed, output = [], ""
    for step in github_steps():
        if "run" in step and (not failed or "!cancelled()" in step.get("if", "")):
            result = shell(step["run"], directory, variables)
            output += result.stdout + result.stderr
            if result.returncode:
                failed.append((step["name"], result.returncode))
    return failed, output


def gitlab(directory):
    variables = environment(directory, CI_COMMIT_BRANCH="main", CI_DEFAULT_BRANCH="main",
                            CI_COMMIT_SHA="0123456789abcdef",
                            CI_COMMIT_TIMESTAMP="2026-11-28T06:00:00+01:00")
    result = shell(gitlab_script(), directory, variables)
    return [("script", result.returncode)] if result.returncode else [], (
        result.stdout + result.stderr)


def cheaper(directory):
    """A baseline that no run can hold."""
    file = directory / "ci" / "baselines" / "bochs.json"
    baseline = json.loads(file.read_text())
    baseline["benchmarks"]["cpuid"]["intercept-all"]["p50"] -= 1
    file.write_text(json.dumps(baseline))


@pytest.mark.parametrize("ci", [github, gitlab])
def test_steps_hold_and_leave_what_they_promise(ci, clone):
    failed, output = ci(clone)
    assert failed == [], output
    runs = clone / "runs"
    assert json.loads((runs / "ci" / "run.json").read_text())["status"] == "complete"
    assert "<testsuite" in (runs / "gate.xml").read_text()
    for page, text in (("ci.html", "What a VM exit costs"), ("history.html", "One run alone")):
        assert text in (runs / page).read_text()
    if ci is github:
        assert "held" in (clone.parent / "summary.md").read_text()


@pytest.mark.parametrize("ci, step", [(github, "Gate"), (gitlab, "script")])
def test_a_regression_fails_them(ci, step, clone):
    cheaper(clone)
    failed, output = ci(clone)
    assert failed == [(step, 1)], output
    assert "regressed: cpuid/intercept-all: p50" in output
    assert "<failure" in (clone / "runs" / "gate.xml").read_text()
    assert (clone / "runs" / "ci.html").exists() and (clone / "runs" / "history.html").exists()
    if ci is github:
        assert re.search(r"^::error.*cpuid", output, re.M)

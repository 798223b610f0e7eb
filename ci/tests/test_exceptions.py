# SPDX-License-Identifier: MIT
"""Exceptions with and without an exit, and what an entry costs that injects an event."""

import pytest

from .conftest import benchmarks, exitmeter, measure, run_json

EXCEPTIONS = {"ud", "bp", "de", "db", "nm", "gp", "pf"}
INJECTIONS = {"inject/interrupt", "inject/exception", "inject/error_code"}
GUESTS = [f for name in sorted(EXCEPTIONS | INJECTIONS) for f in ("--guest", name)]


@pytest.fixture(scope="module", params=["corei7_haswell_4770", "corei7_skylake_x"])
def figures(request, tmp_path_factory):
    """By benchmark and policy, with the probes off."""
    directory = measure(tmp_path_factory.mktemp("exceptions") / "run", "--probes", "off",
                        "--cpu-model", request.param, *GUESTS)
    assert all(job["status"] == "done" for job in run_json(directory)["jobs"])
    return {tuple(name.split("/", 1)[1].rsplit("/", 1)): entry
            for name, entry in benchmarks(directory).items()}


def test_the_bitmap_decides(figures):
    """A delivery takes a dozen ticks, in the guest's own handler too; an exit some 75 more."""
    for name in EXCEPTIONS:
        direct, reflected = figures[name, "passthrough-all"], figures[name, "intercept-all"]
        assert (direct["exits_per_op"], reflected["exits_per_op"]) == (0, 1)
        assert 10 <= direct["min"] == direct["max"] <= 15, name
        assert 70 <= reflected["p50"] - direct["p50"] <= 100, name


def test_what_an_injection_adds(figures):
    """The exit itself is in the control as well."""
    for policy in ("passthrough-all", "intercept-all"):
        for name in INJECTIONS:
            assert figures[name, policy]["exits_per_op"] == 0
        plain = figures["inject/exception", policy]["p50"]
        assert 20 <= plain <= 60
        assert plain < figures["inject/error_code", policy]["p50"] <= plain + 10
        assert plain < figures["inject/interrupt", policy]["p50"] <= 300


def test_each_sample_has_its_one_exit_in_the_control_too(tmp_path):
    directory = measure(tmp_path / "run", "--guest", "inject/*", "--policy", "intercept-all",
                        "--samples", "50")
    for job in run_json(directory)["jobs"]:
        assert job["phases"]["op"]["records"] == job["phases"]["control"]["records"] > 50


def test_the_check_finds_an_event_that_is_lost(source, tmp_path):
    source.mutate("core/exits/hypercall.c", "vcpu->events.acknowledged[vector / 64] |= 1ull << vector % 64;",
                  "")
    result = exitmeter("run", "--core", source.image(), "--guest", "check/inject", "-o",
                       tmp_path / "run")
    assert result.code == 1 and "guest reported a failure" in result.err

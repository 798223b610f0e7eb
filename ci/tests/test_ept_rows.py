# SPDX-License-Identifier: MIT
"""EPT violations by kind: first touches, writes that are logged, and accesses to a device."""

import pytest

from .conftest import benchmarks, exitmeter, exits, measure, run_json

TOUCHES = {"ept_first_touch", "ept_touch_write", "ept_touch_fetch"}
ROWS = TOUCHES | {"ept_first_touch/2m", "ept_dirty_log", "mmio_read", "mmio_read/misconfiguration", "mmio_write"}
GUESTS = [f for name in sorted(ROWS) for f in ("--guest", name)]


@pytest.mark.parametrize("model", ["corei7_haswell_4770", "corei7_skylake_x"])
def test_costs(tmp_path, model):
    """Under any policy the same: no bitmap has a say."""
    directory = measure(tmp_path / "run", "--probes", "off", "--cpu-model", model, *GUESTS)
    figures = benchmarks(directory)
    for name in ROWS:
        one, other = (figures[f"bochs/{name}/{policy}"]
                      for policy in ("passthrough-all", "intercept-all"))
        assert one["exits_per_op"] == other["exits_per_op"] == 1
        assert one["min"] == one["max"] == other["min"] == other["max"], name
        if name in TOUCHES:
            assert 100 <= one["p50"] <= 140, name
    assert figures["bochs/ept_dirty_log/intercept-all"]["p50"] <= 250
    assert figures["bochs/mmio_read/intercept-all"]["p50"] <= 1700
    assert 100 <= figures["bochs/ept_first_touch/2m/intercept-all"]["p50"] <= 170
    assert figures["bochs/mmio_read/misconfiguration/intercept-all"]["p50"] <= 2750


def test_a_misconfiguration_is_no_violation(tmp_path):
    directory = measure(tmp_path / "run", "--policy", "intercept-all", "--guest", "mmio_read/misconfiguration")
    counted = exits(directory)
    assert counted["EPT misconfiguration"] >= 1000 and not counted.get("EPT violation")


def test_large_pages_that_are_not_to_be_had(tmp_path):
    """Bochs has too little memory for one of 1 GiB, whatever the CPU; of 2 MiB no more than there are."""
    directory = tmp_path / "run"
    for samples, kind, reason in (("1000", "1g", "no 1 GiB of memory in one piece"),
                                  ("2049", "2m", "at most 2048 samples")):
        result = exitmeter("run", "--guest", f"ept_first_touch/{kind}", "--samples", samples, "--policy",
                           "intercept-all", "-o", directory / kind)
        assert reason in result.err
        assert [job["status"] for job in run_json(directory / kind)["jobs"]] == ["skipped"]


def test_each_is_a_violation(tmp_path):
    """As often as there are pages, in several rounds too: each starts afresh."""
    directory = measure(tmp_path / "run", "--policy", "intercept-all", "--samples", "2048", "--rounds", "2",
                        "--guest", "ept_*")
    assert all(job["status"] == "done" for job in run_json(directory)["jobs"]
               if job["benchmark"] != "ept_first_touch/1g")
    assert exits(directory)["EPT violation"] >= 5 * 2048


def test_a_log_that_protects_nothing_is_noticed(source, tmp_path):
    source.mutate("core/vmx/dirty_log.c", "((enum ept_access)(EPT_READ | EPT_EXECUTE))", "EPT_ALL")
    result = exitmeter("run", "--core", source.image(), "--guest", "ept_dirty_log", "--policy",
                       "intercept-all", "--samples", "20", "-o", tmp_path / "run")
    assert result.code == 1 and "0 exits by EPT violation for 20 operations" in result.err

# SPDX-License-Identifier: MIT
"""EPT violations by kind: first touches, writes that are logged, and accesses to a device."""

import pytest

from .conftest import benchmarks, exitmeter, exits, measure, run_json

TOUCHES = {"ept_first_touch", "ept_touch_write", "ept_touch_fetch"}
ROWS = TOUCHES | {"ept_dirty_log", "mmio_read", "mmio_write"}
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


def test_each_is_a_violation(tmp_path):
    """As often as there are pages, in several rounds too: each starts afresh."""
    directory = measure(tmp_path / "run", "--policy", "intercept-all", "--samples", "2048", "--rounds", "2",
                        "--guest", "ept_*")
    assert all(job["status"] == "done" for job in run_json(directory)["jobs"])
    assert exits(directory)["EPT violation"] >= 4 * 2048


def test_a_log_that_protects_nothing_is_noticed(source, tmp_path):
    source.mutate("core/vmx/dirty_log.c", "((enum ept_access)(EPT_READ | EPT_EXECUTE))", "EPT_ALL")
    result = exitmeter("run", "--core", source.image(), "--guest", "ept_dirty_log", "--policy",
                       "intercept-all", "--samples", "20", "-o", tmp_path / "run")
    assert result.code == 1 and "0 exits by EPT violation for 20 operations" in result.err

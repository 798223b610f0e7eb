# SPDX-License-Identifier: MIT
"""ci/gate_live.py judges live runs as it says. What the gate is worth is no matter for twelve comparisons
on a machine in any state: `make gate-live` measures that, and analysis/tests/test_shift.py holds both
error rates on samples that stay the same."""
import re
import sys

import pytest

from .conftest import BUILD, ROOT, run

GATE_LIVE = (sys.executable, ROOT / "ci" / "gate_live.py", BUILD)


@pytest.fixture(scope="module", name="live")
def fixture_live(tmp_path_factory):
    """Four live runs of one kernel, and how they were judged."""
    runs = tmp_path_factory.mktemp("live") / "runs"
    result = run(*GATE_LIVE, "--runs", "4", "--repetitions", "80", "--keep", runs, "--shift", "1.5",
                 timeout=900)
    if result.code == 3:
        pytest.skip(f"no live samples here: {result.err.strip()}")
    return runs, result


def counts(result):
    """Alarms where nothing changed, rows seen where something did; of how many each."""
    alarms, pairs = map(int, re.search(r"(\d+) of (\d+) alarm", result.out).groups())
    seen, rows = map(int, re.search(r"(\d+) of (\d+) rows are seen", result.out).groups())
    assert pairs == rows == 12
    return alarms, seen


def test_half_as_long_again_is_always_seen(live):
    _, result = live
    alarms, seen = counts(result)
    assert seen == 12, result.out + result.err
    assert result.code == int(alarms > 0)


def test_where_nothing_is_longer_only_false_alarms_are_seen(live):
    """Then the statement about 5 % is not held, and the exit code says so."""
    runs, first = live
    result = run(*GATE_LIVE, "--of", runs, "--shift", "1.0", timeout=900)
    alarms, seen = counts(result)
    assert alarms == seen == counts(first)[0]
    assert result.code == 1

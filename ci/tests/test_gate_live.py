# SPDX-License-Identifier: MIT
"""What the gate is worth on live samples of this machine, in small: `make gate-live` takes its time."""
import sys

import pytest

from .conftest import BUILD, ROOT, run


def test_no_false_alarm_and_five_per_cent_are_seen():
    """12 comparisons of four runs of one kernel, then the same with a shift."""
    result = run(sys.executable, ROOT / "ci" / "gate_live.py", BUILD, "--runs", "4",
                 "--repetitions", "80", timeout=900)
    if result.code == 3:
        pytest.skip(f"no live samples here: {result.err.strip()}")
    assert result.code == 0, result.out + result.err
    assert "12 comparisons" in result.out and "0 of 12 alarm" in result.out

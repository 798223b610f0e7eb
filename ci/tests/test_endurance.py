# SPDX-License-Identifier: MIT
"""A short run of what `make endurance` does with a hundred million exits, and that it notices what
goes wrong."""
import sys
import types

import pytest

from .conftest import EXITMETER, ROOT, run

sys.path.insert(0, str(ROOT / "ci"))

import endurance  # noqa: E402

EXITS, ROUND = 100_000, 10_000


def test_no_record_is_lost_and_nothing_drifts():
    result = run(sys.executable, ROOT / "ci" / "endurance.py", EXITMETER, "--exits", EXITS, "--round",
                 ROUND)
    assert result.code == 0, result.out + result.err
    assert f"{EXITS} exits in {EXITS // ROUND} rounds" in result.out
    assert f"{EXITS + 3 * EXITS // ROUND} records, 0 discarded" in result.out
    assert result.out.splitlines()[-1] == "no record lost, no drift, no leak"


def folded(**changes):
    exits = {"10": 40, "18": 4, "46": 8}
    return {"rounds": 4, "samples": 40, "records": 52, "discarded": 0, "totals": {"exits": exits},
            "histograms": {"round_trip": {"n": 40, "min": 9, "max": 9, "buckets": [[9, 40]]}}} | changes


def measured(**changes):
    control = folded(records=12, totals={"exits": {"18": 4, "46": 8}})
    return types.SimpleNamespace(taken=10, rounds=4, control={"folded": control},
                                 op={"folded": folded(**changes)})


@pytest.mark.parametrize("changes, said", [
    ({}, None),
    ({"records": 51}, "op: records kept and discarded: 51, must be 52"),
    ({"records": 51, "discarded": 1}, "op: records discarded: 1, must be 0"),
    ({"samples": 39}, "op: samples: 39, must be 40"),
    ({"rounds": 3}, "op: rounds: 3, must be 4"),
    ({"totals": {"exits": {"10": 39, "18": 4, "46": 8}}}, "op: exits by CPUID: 39, must be 40"),
])
def test_what_is_lost_is_named(changes, said):
    found = endurance.wrong_counts(measured(**changes))
    assert (said in found) if said else not found

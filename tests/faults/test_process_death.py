"""F01-F15: the worker dies, anywhere, and its task is cleared."""

from __future__ import annotations

import pytest

from tests.faults.bench import STALE, Bench
from tests.faults.marks import fault


@fault("F03", "Killed after the download, before the ledger: landed again under the same hash, one delivery.")
def test_f03(bench: Bench) -> None:
    bench.killed(point="pull.before_ledger")
    assert bench.nights.states() == ["applied"]
    bench.fine()
    assert bench.outcome() == bench.undisturbed


@pytest.mark.parametrize("n", range(3))
def test_f04(bench: Bench, n) -> None:
    bench.killed(point="upsert.after_write")
    bench.fine()
    assert bench.outcome() == bench.undisturbed

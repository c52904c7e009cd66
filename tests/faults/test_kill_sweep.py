"""F06 and all of section A at once: hundreds of SIGKILLs, and after each the night of nobody's having been killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import pytest

from tests.faults.baseline import FRESH, VALIDATED, Ground
from tests.faults.conftest import server_log
from tests.faults.markers import fault, long
from tests.faults.sweep import Kill, at_moments, at_points, at_statements, survive

PARTS = 10
MOMENTS = 80
SWEEP = fault("F06", "Killed anywhere, hundreds of times: the next try ends in the undisturbed night's fingerprint.")


@pytest.fixture(scope="session")
def seconds(ground: Ground) -> Callable[[str], float]:
    """How long an undisturbed night takes here and now, from a stage."""
    measured: dict[str, float] = {}
    for stage in (FRESH, VALIDATED):
        with ground.bench(stage) as bench:
            began = time.monotonic()
            bench.fine()
            measured[stage] = time.monotonic() - began
    return measured.__getitem__


def sweep(
    ground: Ground, kills: Iterable[Kill], seconds: Callable[[str], float], record: Callable[[str, object], None]
) -> None:
    log = server_log(ground)
    broken: list[str] = []
    done = 0
    for kill in kills:
        broken += survive(ground, kill, seconds, log)
        done += 1
    record("kills", done)
    assert broken == []


def everything(ground: Ground) -> Iterator[Kill]:
    yield from at_points()
    yield from at_statements(ground)
    yield from at_moments(MOMENTS, seed=1)


@SWEEP
@long
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
def test_killed_anywhere(
    ground: Ground, seconds: Callable[[str], float], record_property: Callable[[str, object], None], part: int
) -> None:
    sweep(ground, islice(everything(ground), part, None, PARTS), seconds, record_property)


@SWEEP
def test_killed_here_and_there(
    ground: Ground, seconds: Callable[[str], float], record_property: Callable[[str, object], None]
) -> None:
    some = [statement for statement in at_statements(ground) if statement.stage == VALIDATED]
    sweep(ground, [*some[:: len(some) // 8], *at_moments(2, seed=2)], seconds, record_property)

"""Killed while a person's decision is carried out: all of it is done, or nothing, and it can be given again."""

from __future__ import annotations

import pytest

from tests.faults.fault_bench import Bench
from tests.faults.markers import fault
from tests.faults.scenario import FILE, REMOVED, person
from tests.support.district_nights import START


@pytest.fixture
def held(bench: Bench) -> str:
    """A delivery that waits for somebody."""
    bench.own_story = True
    bench.nights.put([person(1, userLastName="Older")], FILE, at=START.replace(day=20))
    bench.fine()
    assert bench.nights.states() == ["applied", "held"]
    return bench.delivery


@fault("F06", "Killed while an approval is carried out: nothing is decided; it can be given again.")
@pytest.mark.parametrize("point", ["upsert.after_write", "review.before_commit"])
def test_approval(bench: Bench, held: str, point: str) -> None:
    mails = bench.nights.messages()
    bench.killed(steps=["approve"], delivery=held, point=point)
    assert (bench.roster, bench.nights.messages(), bench.nights.states()) == (bench.before, mails, ["applied", "held"])
    bench.fine(steps=["approve"], delivery=held)
    assert bench.nights.states() == ["applied", "applied"]


@fault("F06", "Killed while an undo is written: nothing is undone; after its commit: all of it, once.")
@pytest.mark.parametrize("point", ["undo.after_write", "undo.before_commit", "undo.after_commit"])
def test_undo(bench: Bench, point: str) -> None:
    bench.fine()
    bench.own_story = True
    mails, delivery = bench.nights.messages(), bench.delivery
    bench.killed(steps=["undo"], delivery=delivery, point=point)
    if point != "undo.after_commit":
        assert (bench.roster, bench.nights.messages()) == (bench.after, mails)
    bench.fine(steps=["undo"], delivery=delivery)
    assert bench.nights.states() == ["applied", "undone"]
    undone = bench.roster
    bench.fine(steps=["undo"], delivery=delivery)
    assert bench.roster == undone
    assert REMOVED["userId"] in bench.nights.people()

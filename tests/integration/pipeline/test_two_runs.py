"""Two runs at one delivery: one does the work, the other commits nothing and ends with the result of the first."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from rostersync import database, ledger, pipeline, planning
from rostersync.database import tables as t
from rostersync.exceptions import LostClaim, TransientError
from rostersync.model import DeliveryState, Outcome
from rostersync.operations import reviewing
from rostersync.pipeline import validating
from tests.support.district_nights import Nights, district, person

CODE = "springfield"
FILE = [person(1), person(2), person(3, userRole="Janitor")]
STAFF = [person(n) for n in range(1, 9)]
REMOVALS = [{"action": "REMOVE-USER", "schoolId": "100", "userId": f"u{n}"} for n in range(1, 6)]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def between(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, other: Callable[[], object]) -> None:
    """Somebody else does something just before this step is taken for the first time."""
    step, waiting = getattr(module, name), [other]

    def after_the_other(*args: Any, **fields: Any) -> Any:
        if waiting:
            waiting.pop()()
        return step(*args, **fields)

    monkeypatch.setattr(module, name, after_the_other)


def pulled(nights: Nights, name: str) -> str:
    [delivery] = pipeline.pull(nights.services, nights.run(name), CODE).deliveries
    return delivery


def finish(nights: Nights, name: str, delivery: str) -> dict[str, Any]:
    pipeline.validate(nights.services, nights.run(name), CODE, delivery)
    return dict(pipeline.upsert(nights.services, nights.run(name), CODE, delivery))


def take_over(nights: Nights, delivery: str) -> None:
    """Another run begins to work on it and is not done yet."""
    with database.transaction(nights.engine, CODE) as conn:
        ledger.begin_work(conn, delivery, "another run", "its work")
        ledger.claim(conn, delivery, "somebody")


def attempts(nights: Nights) -> int:
    with nights.owner.connect() as conn:
        return conn.scalar(select(func.count()).select_from(t.attempt)) or 0


def test_a_run_that_was_overtaken_while_it_applied_ends_with_the_others_result(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.put(FILE)
    delivery = pulled(nights, "slow")
    assert pulled(nights, "fast") == delivery
    pipeline.validate(nights.services, nights.run("slow"), CODE, delivery)
    between(monkeypatch, planning, "lock_district", lambda: finish(nights, "fast", delivery))
    result = pipeline.upsert(nights.services, nights.run("slow"), CODE, delivery)
    assert (result["outcome"], result["attempt"], attempts(nights)) == ("duplicate", 1, 1)
    assert nights.people() == ["u1", "u2"]
    assert pipeline.upsert(nights.services, nights.run("slow"), CODE, delivery) == result


def test_a_run_that_was_overtaken_while_it_screened_ends_with_the_others_result(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights.put(FILE)
    delivery = pulled(nights, "slow")
    pulled(nights, "fast")
    between(monkeypatch, validating, "screen_landed_bytes", lambda: finish(nights, "fast", delivery))
    assert pipeline.validate(nights.services, nights.run("slow"), CODE, delivery)["findings"]["row"] == 1
    assert pipeline.upsert(nights.services, nights.run("slow"), CODE, delivery)["outcome"] == "duplicate"
    assert (attempts(nights), nights.people()) == (1, ["u1", "u2"])


def test_the_whole_night_of_one_process_is_overtaken(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.put(FILE)
    between(monkeypatch, planning, "lock_district", lambda: nights.sync("fast"))
    assert [result.outcome for result in nights.sync("slow")] == [Outcome.DUPLICATE]
    assert (attempts(nights), nights.people()) == (1, ["u1", "u2"])


def test_another_run_that_found_nothing_new_leaves_nothing_new(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    """Judged again, a known content may come to no attempt at all."""
    nights.put(FILE)
    nights.sync("first")
    nights.now += timedelta(days=1)
    before, mails = nights.fingerprint(), nights.messages()
    between(monkeypatch, planning, "lock_district", lambda: nights.sync("fast"))
    assert [result.outcome for result in nights.sync("slow")] == [Outcome.DUPLICATE]
    assert (attempts(nights), nights.fingerprint(), nights.messages()) == (1, before, mails)


def test_while_the_other_is_still_at_it_trying_later_helps(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    nights.put(FILE)
    delivery = pulled(nights, "slow")
    between(monkeypatch, validating, "screen_landed_bytes", lambda: take_over(nights, delivery))
    with pytest.raises(LostClaim) as lost:
        pipeline.validate(nights.services, nights.run("slow"), CODE, delivery)
    assert isinstance(lost.value, TransientError)
    assert (nights.states(), len(nights.slept) > 0) == (["pulled"], True)
    assert finish(nights, "slow", delivery)["outcome"] == "applied_with_errors"


def held(nights: Nights) -> str:
    nights.put(STAFF, at=nights.now)
    nights.sync("first")
    nights.now += timedelta(hours=1)
    nights.put(REMOVALS, at=nights.now)
    [result] = nights.sync("second")
    assert result.outcome is Outcome.HELD
    return result.delivery or ""


def decisions(nights: Nights) -> int:
    with nights.owner.connect() as conn:
        return conn.scalar(select(func.count()).select_from(t.decision)) or 0


def test_an_approval_commits_nothing_when_another_task_took_the_delivery_over(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = held(nights)
    before = nights.fingerprint()
    between(monkeypatch, planning, "lock_district", lambda: take_over(nights, delivery))
    with pytest.raises(LostClaim):
        reviewing.approve(nights.services, delivery, actor="olga")
    assert (nights.states(), decisions(nights), nights.fingerprint()) == (["applied", "held"], 0, before)
    assert reviewing.approve(nights.services, delivery, actor="olga").state is DeliveryState.APPLIED


def test_an_approval_that_a_forced_run_overtook_says_that_it_was_decided(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = held(nights)
    no_limit = {"share": 1, "least": 99}
    nights.config = district(nights.inbox, holds={"removals": no_limit, "removals_of_most": no_limit})
    forced = {"force": True, "reason": "no time to ask"}
    between(monkeypatch, planning, "lock_district", lambda: nights.sync("by-hand", **forced))
    reviewed = reviewing.approve(nights.services, delivery, actor="olga")
    assert (reviewed.decided, reviewed.state, decisions(nights)) == (False, DeliveryState.APPLIED, 0)
    assert nights.people() == ["u6", "u7", "u8"]


def test_an_approval_after_another_judgement_is_of_the_rows_as_they_are_judged_now(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rules that change while the file is read again: the findings that are stored are those of the rows applied."""
    delivery = held(nights)

    def other_rules() -> None:
        nights.config = district(nights.inbox, email_domains=["springfield.example", "b.example"])
        nights.sync("by-hand", force=True, reason="again")

    between(monkeypatch, planning, "lock_district", other_rules)
    reviewed = reviewing.approve(nights.services, delivery, actor="olga")
    assert (reviewed.state, nights.people()) == (DeliveryState.APPLIED, ["u6", "u7", "u8"])
    d = t.delivery.c
    with nights.owner.connect() as conn:
        applied = select(t.attempt.c.config_digest, d.config_digest).join(t.delivery, d.id == t.attempt.c.delivery)
        newest = applied.where(d.id == delivery).order_by(t.attempt.c.number.desc()).limit(1)
        mine, judged = conn.execute(newest).one()
    assert mine == judged

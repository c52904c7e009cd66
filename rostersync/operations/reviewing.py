"""Deciding about held deliveries: approve, discard, or let the time run out. The first decision is the only one.

A decision and what it does are one transaction under the district's lock. Airflow and the command line both come here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import fault_points, ledger, planning
from rostersync.exceptions import ConfigurationError
from rostersync.ledger import Decision, Delivery, Waiting
from rostersync.model import Choice, DeliveryState, Outcome
from rostersync.operations.held_deliveries import Reviewed, configured, open_reviews, standing_of
from rostersync.pipeline.context import Run, Services, district_transaction, planning_transaction
from rostersync.pipeline.delivery_case import open_case
from rostersync.pipeline.holding import Approval
from rostersync.pipeline.notifications import notify_discarded
from rostersync.pipeline.results import SyncResult
from rostersync.pipeline.run_progress import once_more_after_another, recording_failure
from rostersync.pipeline.upserting import conclude_case

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

DAYS_OPEN = 14
"""A held delivery that nobody decided about for so long is discarded."""
CALENDAR = "calendar"
"""Who decides when the time runs out."""
REVIEW = "held_delivery_review"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """Whose answer to which plan; `attempt` None: to the one that waits now."""

    choice: Choice
    actor: str
    attempt: int | None = None
    reason: str | None = None


def approve(
    services: Services, id_: str, *, actor: str, without_held_schools: bool = False, attempt: int | None = None
) -> Reviewed:
    """Apply a held delivery as its plan was seen; what is not in that plan makes it wait again.

    `attempt`: the plan the person saw (default: the one that waits). An earlier decision stays: nothing is done.
    Raises ConfigurationError for an unknown id, or without held schools when none is held; else what upsert raises:
    LostClaim among it, when another task is at the delivery and does not end.
    """
    choice = Choice.WITHOUT_SCHOOLS if without_held_schools else Choice.APPROVE
    answer = _Answer(choice=choice, actor=actor, attempt=attempt)
    district = configured(services, id_)
    if (settled := _settled(services, district, id_, answer)) is not None:
        return settled
    with recording_failure(services, Run(dag_id=REVIEW, run_id=id_, actor=actor), district.code, id_) as work:
        approval = partial(_approve, services, district, id_, answer, work)
        return once_more_after_another(services, district.code, id_, work, approval)


def _approve(services: Services, district: District, id_: str, answer: _Answer, work: str) -> Reviewed:
    run = Run(dag_id=REVIEW, run_id=id_, actor=answer.actor)
    opened = open_case(services, run, district, id_, work)
    with planning_transaction(services, district.code) as conn:
        seen, delivery = _take(conn, services, district, id_, answer)
        if seen is None or isinstance(opened, SyncResult):
            ledger.end_work(conn, id_, work)
            return standing_of(delivery, decided=False)
        ledger.check_claim(conn, id_, opened.token)
        approval = Approval(seen=seen, without_schools=_held_schools(conn, seen, answer))
        _record(conn, services, seen, answer, approval.without_schools)
        result = conclude_case(conn, services, run, replace(opened, delivery=delivery, approval=approval))
        if result.outcome is not Outcome.HELD:
            _close(conn, services, id_, DeliveryState.APPLIED, answer.actor)
        fault_points.reached("review.before_commit")
        now = ledger.delivery_of(conn, district.code, id_)
    return standing_of(now, decided=True, result=result)


def discard(services: Services, id_: str, *, actor: str, reason: str, attempt: int | None = None) -> Reviewed:
    """Do not apply a held delivery, and tell who was told that it waits. `reason` stays in the ledger.

    Raises ConfigurationError for an unknown id or an empty reason.
    """
    if not reason.strip():
        raise ConfigurationError("Discarding needs a reason.", hint="Say why: --reason 'wrong file'.")
    answer = _Answer(choice=Choice.DISCARD, actor=actor, attempt=attempt, reason=reason.strip())
    return _discard(services, id_, answer)


def expire_held(services: Services, *, days: int = DAYS_OPEN) -> list[Reviewed]:
    """Discard every held delivery that has waited for longer than this, with a mail. Those that were discarded."""
    return [
        expire(services, waiting.delivery, attempt=waiting.attempt, days=days)
        for waiting in overdue(services, days=days)
    ]


def overdue(services: Services, *, days: int = DAYS_OPEN) -> list[Waiting]:
    """The held deliveries that have waited for longer than this."""
    oldest = services.clock() - timedelta(days=days)
    return [review for review in open_reviews(services) if review.held_at < oldest]


def expire(services: Services, id_: str, *, attempt: int | None = None, days: int = DAYS_OPEN) -> Reviewed:
    """Discard a held delivery because its time has run out."""
    reason = f"no decision within {days} days"
    answer = _Answer(choice=Choice.DISCARD, actor=CALENDAR, attempt=attempt, reason=reason)
    return _discard(services, id_, answer, expired_after=days)


def _discard(services: Services, id_: str, answer: _Answer, expired_after: int | None = None) -> Reviewed:
    district = configured(services, id_)
    with district_transaction(services, district.code) as conn:
        seen, delivery = _take(conn, services, district, id_, answer)
        last = ledger.latest_attempt(conn, id_)
        if seen is None or last is None:
            return standing_of(delivery, decided=False)
        _record(conn, services, seen, answer, ())
        _close(conn, services, id_, DeliveryState.DISCARDED, answer.actor)
        notify_discarded(conn, services, district, last, expired_after=expired_after)
        fault_points.reached("review.before_commit")
        now = ledger.delivery_of(conn, district.code, id_)
    return standing_of(now, decided=True)


def _settled(services: Services, district: District, id_: str, answer: _Answer) -> Reviewed | None:
    """Looked at before the file is read again, which takes time: was it decided long ago?"""
    with district_transaction(services, district.code) as conn:
        seen = ledger.waiting_of(conn, id_)
        if _is_meant(seen, answer):
            return None
        return standing_of(ledger.delivery_of(conn, district.code, id_), decided=False)


def _take(
    conn: Connection, services: Services, district: District, id_: str, answer: _Answer
) -> tuple[Waiting | None, Delivery]:
    """The waiting plan, if it still is the one that is answered. Nobody else decides until the transaction ends."""
    planning.lock_district(conn, district.code, services.lock_seconds)
    delivery = ledger.lock_delivery(conn, district.code, id_)
    seen = ledger.waiting_of(conn, id_)
    return (seen if _is_meant(seen, answer) else None), delivery


def _is_meant(seen: Waiting | None, answer: _Answer) -> bool:
    return seen is not None and answer.attempt in (None, seen.attempt)


def _held_schools(conn: Connection, seen: Waiting, answer: _Answer) -> tuple[str, ...]:
    if answer.choice is not Choice.WITHOUT_SCHOOLS:
        return ()
    held = ledger.attempt_of(conn, seen.delivery, seen.attempt)
    if held is None or not ledger.has_all_findings(conn, held):
        raise ConfigurationError(
            f"It is not known any more which schools of delivery {seen.delivery} are held.",
            hint="Approve all of it, or discard it.",
        )
    found = ledger.findings_of(conn, seen.delivery, seen.attempt, "roster")
    schools = tuple(str(waiting.detail["school"]) for waiting in found if waiting.code == "hold-school")
    if not schools:
        raise ConfigurationError(
            f"No single school of delivery {seen.delivery} is held.", hint="Approve all of it, or discard it."
        )
    return schools


def _record(conn: Connection, services: Services, seen: Waiting, answer: _Answer, schools: tuple[str, ...]) -> None:
    ledger.record_decision(
        conn,
        Decision(
            delivery=seen.delivery,
            attempt=seen.attempt,
            district=seen.district,
            choice=answer.choice,
            schools=schools,
            reason=answer.reason,
            actor=answer.actor,
            decided_at=services.clock(),
        ),
    )


def _close(conn: Connection, services: Services, id_: str, state: DeliveryState, actor: str) -> None:
    ledger.mark_decided(conn, [id_], state, by=actor, at=services.clock())

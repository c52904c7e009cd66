"""undo: every applied attempt of a delivery taken back, field by field, in one transaction or not at all.

All attempts that stand are undone together, newest first: a person undoes a file, not the repetition of it. What was
undone stays undone when the delivery is forced again, which makes a new attempt.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rostersync import applying, fault_points, ledger, planning, undoing
from rostersync.applying.refused_rows import refusal_of
from rostersync.exceptions import ConfigurationError
from rostersync.ledger import Delivery, Undo
from rostersync.model import Change, DeliveryState, NotRestored
from rostersync.operations.held_deliveries import configured
from rostersync.pipeline.context import Services, dictionary_of, planning_transaction, rolled_back_planning
from rostersync.pipeline.dry_run import plan_context
from rostersync.pipeline.notifications import notify_undone
from rostersync.pipeline.upserting import RACES, UNIQUE_VIOLATION

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

UNDO = "undo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What an undo comes to, or would. `done`: it was done just now; `by`, `at`: who undid it before, if somebody has.

    `attempts`: what is undone, newest first; `swept`: attempts whose changes are not in the log any more, and stay.
    `counts`: entity → restored, deactivated, left → records. `roster_version`: of the roster that was looked at.
    """

    district: str
    delivery: str
    done: bool = False
    attempts: tuple[int, ...] = ()
    swept: tuple[int, ...] = ()
    roster_version: int = 0
    counts: Mapping[str, Mapping[str, int]]
    left: tuple[NotRestored, ...] = ()
    changes: tuple[Change, ...] = ()
    by: str | None = None
    at: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that `rostersync undo --format json` prints."""
        return {
            "district": self.district,
            "delivery": self.delivery,
            "undone": self.done or self.by is not None,
            "by": self.by,
            "at": self.at.isoformat() if self.at else None,
            "attempts": list(self.attempts),
            "attempts_swept": list(self.swept),
            "counts": {entity: dict(words) for entity, words in self.counts.items()},
            "left": [_left_json(record) for record in self.left],
        }


def _left_json(each: NotRestored) -> dict[str, Any]:
    since = {"delivery": each.since_delivery, "by": each.since_actor}
    since["at"] = each.since_at.isoformat() if each.since_at else None
    what = {"entity": each.entity, "key": list(each.key), "field": each.field, "reason": each.reason.value}
    return what | {"changed_by": since if each.since_at else None}


def shown_undo(services: Services, id_: str, *, with_changes: bool = False) -> Undone:
    """What an undo would do just now, from a transaction that is rolled back; with every change, when wanted.

    Raises ConfigurationError for an unknown delivery, and for one of which nothing that was applied can be undone.
    """
    district = configured(services, id_)
    with rolled_back_planning(services, district.code) as conn:
        planned, plan = _plan(conn, services, district, id_)
        if plan is None or not with_changes:
            return planned
        return replace(planned, changes=tuple(applying.planned_changes(plan.workspace)))


def undo(services: Services, id_: str, *, actor: str, reason: str, seen: int | None = None) -> Undone:
    """Take back what the delivery has changed; contacts and operators are told. Undone before: nothing is done.

    `seen`: the version of the roster whose plan the person saw; nothing is done when it is another by now.
    Raises ConfigurationError likewise, without a reason, and as `shown_undo` does; DistrictBusy, DatabaseUnavailable.
    """
    if not reason.strip():
        raise ConfigurationError("An undo needs a reason.", hint="Say why: --reason 'wrong file'.")
    district = configured(services, id_)
    with planning_transaction(services, district.code) as conn:
        undone = _undo(conn, services, district, id_, _Wish(actor=actor, reason=reason.strip(), seen=seen))
    fault_points.reached("undo.after_commit")
    return undone


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    actor: str
    reason: str
    seen: int | None


def _undo(
    conn: Connection, services: Services, district: District, id_: str, wish: _Wish, chances: int = RACES
) -> Undone:
    """Plan and write; when another district took an address meanwhile, roll back to here and plan again."""
    try:
        with conn.begin_nested():
            planned, plan = _plan(conn, services, district, id_)
            if plan is None:
                return planned
            _check_seen(planned, wish)
            applying.put_back(plan.workspace, delivery=id_, attempt=planned.attempts[0], actor=wish.actor)
    except DBAPIError as error:
        refusal = refusal_of(error)
        if refusal is None or refusal.sqlstate != UNIQUE_VIOLATION or not chances:
            raise
        return _undo(conn, services, district, id_, wish, chances - 1)
    fault_points.reached("undo.after_write")
    done = replace(planned, done=True, by=wish.actor, at=services.clock())
    _record(conn, services, district, done, wish)
    fault_points.reached("undo.before_commit")
    return done


def _plan(conn: Connection, services: Services, district: District, id_: str) -> tuple[Undone, undoing.UndoPlan | None]:
    """The plan, under the district's lock with the delivery's row held; None when it was undone before."""
    version = planning.lock_district(conn, district.code, services.lock_seconds)
    delivery = ledger.lock_delivery(conn, district.code, id_)
    standing = ledger.attempts_in_effect(conn, id_)
    attempts = tuple(applied.number for applied in standing if not applied.swept)
    swept = tuple(applied.number for applied in standing if applied.swept)
    if not attempts:
        return _nothing(conn, delivery, swept), None
    plan = undoing.plan_undo(
        conn,
        plan_context(services, district, dictionary_of(district)),
        delivery=id_,
        attempts=attempts,
        corrections=ledger.corrections(conn, district.code, of_delivery=id_),
    )
    planned = Undone(
        district=district.code,
        delivery=id_,
        attempts=attempts,
        swept=swept,
        roster_version=version,
        counts=plan.counts,
        left=plan.left,
    )
    return planned, plan


def _nothing(conn: Connection, delivery: Delivery, swept: tuple[int, ...]) -> Undone:
    """It was undone before. Raises ConfigurationError when it never was, and says why it cannot be."""
    last = ledger.latest_undo(conn, delivery.id)
    if delivery.state is DeliveryState.UNDONE and last is not None:
        by, at = last.actor, last.undone_at
        return Undone(district=delivery.district, delivery=delivery.id, counts=last.counts, by=by, at=at)
    if swept:
        raise ConfigurationError(
            f"The changes of delivery {delivery.id} are not kept any more: they were swept.",
            hint="Correct the roster with a new file.",
        )
    raise ConfigurationError(
        f"Nothing of delivery {delivery.id} is applied; it is {delivery.state.value}.", hint=_HINTS.get(delivery.state)
    )


_HINTS = {
    DeliveryState.HELD: "It waits for a decision: rostersync discard DELIVERY --reason TEXT.",
    DeliveryState.APPLIED: "See: rostersync report DELIVERY.",
}


def _check_seen(planned: Undone, wish: _Wish) -> None:
    if wish.seen is not None and planned.roster_version != wish.seen:
        raise ConfigurationError(
            "The roster was written since this plan was shown. Nothing was undone.", hint="Look at the plan again."
        )


def _record(conn: Connection, services: Services, district: District, done: Undone, wish: _Wish) -> None:
    """The ledger's part: whoever works on the delivery commits nothing from here on."""
    ledger.claim(conn, done.delivery, wish.actor)
    at = services.clock()
    ledger.mark_decided(conn, [done.delivery], DeliveryState.UNDONE, by=wish.actor, at=at)
    made = Undo(
        delivery=done.delivery,
        attempt=done.attempts[0],
        district=done.district,
        counts=done.counts,
        left_alone=Counter(record.reason.value for record in done.left),
        roster_version=ledger.roster_version(conn, done.district),
        reason=wish.reason,
        actor=wish.actor,
        undone_at=at,
    )
    ledger.record_undo(conn, made)
    notify_undone(conn, services, district, made, done.left)

"""A person lets messages go again that the relay leaves alone: `unknown`, `refused`, and on their word `sent` ones.

The Message-ID stays, so a mail program that has the message already can tell that it is the same one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, select, update
from sqlalchemy.dialects.postgresql import insert

from rostersync.database import transaction
from rostersync.database.tables import delivery, message, report, report_drop
from rostersync.mailing.outbox import message_id
from rostersync.mailing.senders import State
from rostersync.mailing.status import FOR_A_PERSON, MessageStatus, message_statuses


@dataclass(frozen=True, slots=True, kw_only=True)
class ResendTarget:
    """What a name stands for: one message, or all of a delivery. `report`: the message's, or the delivery's latest."""

    district: str
    delivery: str | None
    report: str | None
    messages: Sequence[MessageStatus]


def find(engine: Engine, name: str) -> ResendTarget | None:
    """What stands behind a message's number or Message-ID, or a delivery's id; None: there is no such thing."""
    with transaction(engine, None) as conn:
        same = message.c.id == int(name) if re.fullmatch(r"[0-9]{1,18}", name) else message.c.message_id == name
        one = conn.execute(select(message.c.district, message.c.report, message.c.id).where(same)).first()
        district = conn.scalar(select(delivery.c.district).where(delivery.c.id == name))
    if one is not None:
        messages = [status for status in message_statuses(engine, one.district) if status.number == one.id]
        return ResendTarget(district=one.district, delivery=None, report=one.report, messages=messages)
    if district is None:
        return None
    with transaction(engine, district) as conn:
        # Of one moment's reports the plain one comes first: its kind is the beginning of the others'.
        newest = (
            select(report.c.id).where(report.c.delivery == name).order_by(report.c.created_at.desc(), report.c.kind)
        )
        latest = conn.scalar(newest.limit(1))
    return ResendTarget(
        district=district, delivery=name, report=latest, messages=message_statuses(engine, district, delivery=name)
    )


def resendable(messages: Sequence[MessageStatus], *, again: bool) -> list[MessageStatus]:
    """Those of them that may be let go; `again`: those that were sent, too."""
    return [queued for queued in messages if queued.state in (*FOR_A_PERSON, *((State.SENT,) if again else ()))]


def requeue_messages(engine: Engine, messages: Sequence[MessageStatus], *, by: str, at: datetime) -> int:
    """Queue these messages again; how many. One whose state has changed meanwhile is left alone."""
    released = 0
    for queued in messages:
        ours = (message.c.id == queued.number) & (message.c.state == queued.state)
        with transaction(engine, queued.district) as conn:
            released += conn.execute(update(message).where(ours).values(**_queued(by, at))).rowcount
    return released


def queue_for_other_recipient(engine: Engine, found: ResendTarget, to: str, *, by: str, at: datetime) -> int:
    """Queue this report for another recipient, whom the caller knows to be allowed; 1 or 0.

    0: that recipient has the report, or it is on its way to them; or there is no report.
    """
    if found.report is None:
        return 0
    fresh = {
        "district": found.district,
        "report": found.report,
        "recipient": to,
        "message_id": message_id(found.report, to),
        "created_at": at,
    }
    entered = insert(message).values(**fresh, **_queued(by, at))
    again = entered.on_conflict_do_update(
        index_elements=["report", "recipient"], set_=_queued(by, at), where=message.c.state.in_(FOR_A_PERSON)
    )
    with transaction(engine, found.district) as conn:
        return len(conn.execute(again.returning(message.c.id)).all())


def refused_files(engine: Engine, found: ResendTarget) -> list[str]:
    """Names of this delivery's files that the reports folder refused."""
    with transaction(engine, found.district) as conn:
        return list(conn.scalars(select(report_drop.c.target).where(_refused(found)).order_by(report_drop.c.target)))


def release_files(engine: Engine, found: ResendTarget, *, at: datetime) -> int:
    """Queue them again, as if they were new at this moment; how many."""
    again = {"state": State.QUEUED, "next_try_at": None, "created_at": at}
    with transaction(engine, found.district) as conn:
        return conn.execute(update(report_drop).where(_refused(found)).values(**again)).rowcount


def _refused(found: ResendTarget) -> ColumnElement[bool]:
    its = select(report.c.id).where(report.c.delivery == found.delivery)
    return report_drop.c.report.in_(its) & (report_drop.c.state == State.REFUSED)


def _queued(by: str, at: datetime) -> dict[str, Any]:
    return {"state": State.QUEUED, "next_try_at": None, "released_by": by, "released_at": at}

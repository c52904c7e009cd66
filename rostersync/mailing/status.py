"""How the outbox stands: numbers by state, and each message that waits or needs a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, func, select, true

from rostersync.database import transaction
from rostersync.database.tables import message, report, report_drop
from rostersync.mailing.restore_guard import UNSETTLED
from rostersync.mailing.senders import State

FOR_A_PERSON = (State.UNKNOWN, State.REFUSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageStatus:
    """One message. `answer` holds the server's words, which may repeat the address."""

    number: int
    district: str
    delivery: str | None
    kind: str
    recipient: str
    message_id: str
    state: State
    answer: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """One file that a district's reports folder refused."""

    district: str
    target: str
    answer: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Messages and files by state, the oldest that wait, and what a person must look at."""

    messages: dict[str, int]
    files: dict[str, int]
    oldest_waiting: datetime | None
    for_a_person: Sequence[MessageStatus]
    refused_files: Sequence[FileStatus]


def overview(engine: Engine, district: str | None) -> Overview:
    """The outbox of one district, or of all."""
    mine, files = _of(message.c.district, district), _of(report_drop.c.district, district)
    with transaction(engine, None) as conn:
        oldest = conn.scalar(select(func.min(message.c.created_at)).where(message.c.state.in_(UNSETTLED), mine))
        asking = select(message.c.district).where(message.c.state.in_(FOR_A_PERSON), mine)
        codes = conn.scalars(asking.distinct().order_by(message.c.district)).all()
        by_state = _numbers(conn, message.c.state, mine)
        files_by_state = _numbers(conn, report_drop.c.state, files)
        refused = _refused_files(conn, files)
    return Overview(
        messages={state.value: by_state.get(state.value, 0) for state in State},
        files=files_by_state,
        oldest_waiting=oldest,
        for_a_person=[status for code in codes for status in message_statuses(engine, code, states=FOR_A_PERSON)],
        refused_files=refused,
    )


def _of(column: ColumnElement[str], district: str | None) -> ColumnElement[bool]:
    return true() if district is None else column == district


def _numbers(conn: Connection, state: ColumnElement[str], where: ColumnElement[bool]) -> dict[str, int]:
    counted = conn.execute(select(state, func.count()).where(where).group_by(state))
    return {name: number for name, number in counted}  # noqa: C416 - rows are no pairs to mypy


def message_statuses(
    engine: Engine, district: str, *, states: Sequence[State] = tuple(State), delivery: str | None = None
) -> list[MessageStatus]:
    """A district's messages in these states (of one delivery), in the order in which they were entered."""
    chosen = (
        select(message, report.c.delivery, report.c.kind)
        .join(report, message.c.report == report.c.id)
        .where(message.c.district == district, message.c.state.in_(states))
        .order_by(message.c.id)
    )
    if delivery is not None:
        chosen = chosen.where(report.c.delivery == delivery)
    with transaction(engine, district) as conn:
        return [
            MessageStatus(
                number=row.id,
                district=row.district,
                delivery=row.delivery,
                kind=row.kind,
                recipient=row.recipient,
                message_id=row.message_id,
                state=State(row.state),
                answer=row.answer or "",
                created_at=row.created_at,
            )
            for row in conn.execute(chosen)
        ]


def _refused_files(conn: Connection, where: ColumnElement[bool]) -> list[FileStatus]:
    drop = report_drop.c
    chosen = select(report_drop).where(where, drop.state == State.REFUSED).order_by(drop.district, drop.target)
    return [
        FileStatus(district=row.district, target=row.target, answer=row.answer or "", created_at=row.created_at)
        for row in conn.execute(chosen)
    ]

"""The relay: takes messages from the outbox, hands them to a sender, records what came of each.

A message is claimed (`sending`, committed) before the server sees it and its result is committed after. A crash between
the two leaves `sending`; after STALE_AFTER such a message becomes `unknown`: the server may have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, Select, func, or_, select, update

from rostersync import settings
from rostersync.database import translated
from rostersync.mailing.composing import Letter
from rostersync.mailing.senders import Answer, Sender, State
from rostersync.model import ReportFile
from rostersync.tables import message, report, report_file

STALE_AFTER = timedelta(minutes=30)
"""Longer than any one message can take: 600 s for the final reply and what goes before."""
FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(hours=48)
_WAITING = (State.QUEUED, State.DEFERRED)
_LETTER = select(
    message, report.c.delivery, report.c.kind, report.c.subject, report.c.text_body, report.c.html_body
).join(report, message.c.report == report.c.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailCounts:
    """What one relay did, in messages. `waiting`: queued or deferred messages that are left, due or not."""

    sent: int = 0
    refused: int = 0
    deferred: int = 0
    unknown: int = 0
    waiting: int = 0


def relay(
    engine: Engine,
    sender: Sender,
    *,
    clock: Callable[[], datetime],
    district: str | None = None,
    delivery: str | None = None,
    mail_from: str | None = None,
) -> MailCounts:
    """Sends every message that is due, of one district or delivery when named. Several relays may run at once.

    `clock` gives aware moments; `mail_from` is the sender's address, else the environment's. A server that is down is
    no error here: its messages are deferred and the roster work stays done.
    """
    with translated():
        return _relay(engine, sender, clock, _chosen(district, delivery), mail_from)


def _relay(
    engine: Engine,
    sender: Sender,
    clock: Callable[[], datetime],
    chosen: ColumnElement[bool],
    mail_from: str | None,
) -> MailCounts:
    results: Counter[State] = Counter({State.UNKNOWN: _give_up_stale(engine, clock(), chosen)})
    origin = mail_from or settings.from_environment().mail_from
    with sender:
        while (letter := _claim(engine, clock(), chosen, origin)) is not None:
            answer = sender.send(letter)
            results[_record(engine, letter, answer, clock())] += 1
            if answer.server_down:
                results[State.DEFERRED] += _defer_all(engine, answer, clock(), chosen)
                break
    return MailCounts(
        sent=results[State.SENT],
        refused=results[State.REFUSED],
        deferred=results[State.DEFERRED],
        unknown=results[State.UNKNOWN],
        waiting=_waiting(engine, chosen),
    )


def _chosen(district: str | None, delivery: str | None) -> ColumnElement[bool]:
    condition = message.c.report == report.c.id
    if district is not None:
        condition &= message.c.district == district
    if delivery is not None:
        condition &= report.c.delivery == delivery
    return condition


def _due(now: datetime) -> ColumnElement[bool]:
    return message.c.state.in_(_WAITING) & or_(message.c.next_try_at.is_(None), message.c.next_try_at <= now)


def _locked(condition: ColumnElement[bool]) -> Select[Any]:
    """Ids of these messages, oldest first, locked for us; those another relay has in hand are passed over."""
    return (
        select(message.c.id)
        .join(report, message.c.report == report.c.id)
        .where(condition)
        .order_by(message.c.id)
        .with_for_update(of=message, skip_locked=True)
    )


def _give_up_stale(engine: Engine, now: datetime, chosen: ColumnElement[bool]) -> int:
    """Messages that a crashed relay left in `sending`: nobody knows, so they are shown and left alone."""
    stale = _locked(chosen & (message.c.state == State.SENDING) & (message.c.claimed_at < now - STALE_AFTER))
    words = "The relay stopped while it was sending this message; the server may have it."
    with engine.begin() as conn:
        ids = conn.scalars(stale).all()
        conn.execute(update(message).where(message.c.id.in_(ids)).values(state=State.UNKNOWN, answer=words))
    return len(ids)


def _claim(engine: Engine, now: datetime, chosen: ColumnElement[bool], mail_from: str) -> Letter | None:
    """The next due message, marked `sending` and committed; None when there is none."""
    with engine.begin() as conn:
        number = conn.scalar(_locked(chosen & _due(now)).limit(1))
        if number is None:
            return None
        claim = {"state": State.SENDING, "claimed_at": now, "tries": message.c.tries + 1}
        conn.execute(update(message).where(message.c.id == number).values(**claim))
        row = conn.execute(_LETTER.where(message.c.id == number)).one()
        files = conn.execute(select(report_file).where(report_file.c.report == row.report).order_by(report_file.c.name))
        attached = [ReportFile(name=f.name, media_type=f.media_type, content=bytes(f.content)) for f in files]
    return _letter(row, attached, mail_from)


def _letter(row: Row[Any], files: list[ReportFile], mail_from: str) -> Letter:
    return Letter(
        number=row.id,
        district=row.district,
        delivery=row.delivery or row.kind,
        recipient=row.recipient,
        message_id=row.message_id,
        subject=row.subject,
        text=row.text_body,
        html=row.html_body,
        files=files,
        created_at=row.created_at,
        tries=row.tries,
        mail_from=mail_from,
    )


def _record(engine: Engine, letter: Letter, answer: Answer, now: datetime) -> State:
    """Commits the result and gives the state it came to; a certain result is also put over `unknown`."""
    state, words = _settled(letter, answer, now)
    values: dict[str, Any] = {"state": state, "answer": words}
    if state is State.SENT:
        values["sent_at"] = now
    if state is State.DEFERRED:
        values["next_try_at"] = now + pause(letter.tries)
    ours = (message.c.id == letter.number) & (message.c.tries == letter.tries)
    with engine.begin() as conn:
        conn.execute(update(message).where(ours, message.c.state.in_((State.SENDING, State.UNKNOWN))).values(**values))
    return state


def _settled(letter: Letter, answer: Answer, now: datetime) -> tuple[State, str]:
    if answer.state is State.DEFERRED and now - letter.created_at >= GIVE_UP_AFTER:
        return State.REFUSED, f"Given up after {GIVE_UP_AFTER.total_seconds() / 3600:.0f} hours. {answer.words}"
    return answer.state, answer.words


def pause(tries: int) -> timedelta:
    """How long to wait after this many tries: 5, 10, 20, … minutes, at most 4 hours."""
    return min(FIRST_PAUSE * (1 << min(max(tries, 1) - 1, 10)), LONGEST_PAUSE)


def _defer_all(engine: Engine, answer: Answer, now: datetime, chosen: ColumnElement[bool]) -> int:
    """The server is away: the other due messages wait too, instead of running into the same time-out one by one."""
    values = {"state": State.DEFERRED, "answer": answer.words, "next_try_at": now + FIRST_PAUSE}
    with engine.begin() as conn:
        ids = conn.scalars(_locked(chosen & _due(now))).all()
        conn.execute(update(message).where(message.c.id.in_(ids)).values(**values))
    return len(ids)


def _waiting(engine: Engine, chosen: ColumnElement[bool]) -> int:
    waiting = select(func.count(message.c.id)).join(report, message.c.report == report.c.id)
    with engine.connect() as conn:
        return conn.scalar(waiting.where(chosen, message.c.state.in_(_WAITING))) or 0

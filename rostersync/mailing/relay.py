"""The relay: takes messages from the outbox, hands them to a sender, records what came of each.

It goes from district to district, because reports are seen on behalf of one only.

A message is claimed (`sending`, committed) before the server sees it and its result is committed after. A crash between
the two leaves `sending`; after STALE_AFTER such a message becomes `unknown`: the server may have it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, Select, func, or_, select, update

from rostersync import fault_points, settings
from rostersync.database import transaction
from rostersync.database.tables import message, report, report_file
from rostersync.exceptions import ConfigurationError, TransientError
from rostersync.mailing.message_bytes import Letter
from rostersync.mailing.restore_guard import PARKED, RestoreGuard, SendJournal, with_mail
from rostersync.mailing.senders import FIRST_PAUSE, GIVE_UP_AFTER, Answer, Sender, State, pause
from rostersync.model import ReportFile

STALE_AFTER = timedelta(minutes=30)
"""Longer than any one message can take: 600 s for the final reply and what goes before."""
_WAITING = (State.QUEUED, State.DEFERRED)
_ATTACHED = select(report_file).where(report_file.c.attached).order_by(report_file.c.name)
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
    journal: SendJournal | None = None,
    district: str | None = None,
    delivery: str | None = None,
) -> MailCounts:
    """Sends every message that is due, of one district or delivery when named. Several relays may run at once.

    `clock` gives aware moments. Without a `journal` nobody notices that the database was restored. A server that is
    down is no error here: its messages are deferred and the roster work stays done. Raises ConfigurationError for an
    unusable sender's address, TransientError when the witness cannot be read.
    """
    sender_addresses = origin()
    epoch = RestoreGuard(engine=engine, journal=journal, clock=clock) if journal else None
    results = Counter({State.UNKNOWN: epoch.park_after_restore() if epoch else 0})
    waiting = 0
    down: Answer | None = None
    with sender:
        for code in [district] if district is not None else with_mail(engine):
            chosen = _chosen(code, delivery)
            outbox = _Outbox(
                engine=engine, district=code, chosen=chosen, clock=clock, epoch=epoch, origin=sender_addresses
            )
            results[State.UNKNOWN] += _give_up_stale(outbox)
            down = down or _send_all(outbox, sender, results)
            results[State.DEFERRED] += _defer_all(outbox, down) if down else 0
            waiting += _waiting(outbox)
    return MailCounts(
        sent=results[State.SENT],
        refused=results[State.REFUSED],
        deferred=results[State.DEFERRED],
        unknown=results[State.UNKNOWN],
        waiting=waiting,
    )


def origin() -> tuple[str, str | None]:
    """From and Reply-To. Raises ConfigurationError: with an unusable one, every message would be refused."""
    settings_ = settings.from_environment()
    for name, value in (
        ("ROSTERSYNC_MAIL_FROM", settings_.mail_from),
        ("ROSTERSYNC_MAIL_REPLY_TO", settings_.mail_reply_to),
    ):
        if value is not None and not ("@" in parseaddr(value)[1] and value.isprintable()):
            raise ConfigurationError(f"{name} is no e-mail address.", hint="Write it as Name <name@example.org>.")
    return settings_.mail_from, settings_.mail_reply_to


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outbox:
    """The messages of one district that a relay is to send."""

    engine: Engine
    district: str
    chosen: ColumnElement[bool]
    clock: Callable[[], datetime]
    epoch: RestoreGuard | None
    origin: tuple[str, str | None]

    def open(self) -> AbstractContextManager[Connection]:
        return transaction(self.engine, self.district)


def _send_all(outbox: _Outbox, sender: Sender, results: Counter[State]) -> Answer | None:
    """Send what is due, one by one; the answer that says that the server is away, if it is."""
    while (letter := _claim(outbox)) is not None:
        fault_points.reached("relay.claimed")
        answer = _doubted(outbox, letter) or sender.send(letter)
        fault_points.reached("relay.answered")
        results[_record(outbox, letter, answer)] += 1
        fault_points.reached("relay.recorded")
        if answer.server_down:
            return answer
    return None


def _doubted(outbox: _Outbox, letter: Letter) -> Answer | None:
    """Why a message is not handed over now: it was before a restore, or the witness would not know that it was."""
    try:
        if outbox.epoch and not outbox.epoch.note_mail(letter):
            return Answer(state=State.UNKNOWN, words=PARKED)
    except TransientError as error:
        return Answer(state=State.DEFERRED, words=error.message, server_down=True)
    return None


def _chosen(district: str, delivery: str | None) -> ColumnElement[bool]:
    condition = (message.c.report == report.c.id) & (message.c.district == district)
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


def _give_up_stale(outbox: _Outbox) -> int:
    """Messages that a crashed relay left in `sending`: nobody knows, so they are shown and left alone."""
    old = message.c.claimed_at < outbox.clock() - STALE_AFTER
    stale = _locked(outbox.chosen & (message.c.state == State.SENDING) & old)
    words = "The relay stopped while it was sending this message; the server may have it."
    with outbox.open() as conn:
        ids = conn.scalars(stale).all()
        conn.execute(update(message).where(message.c.id.in_(ids)).values(state=State.UNKNOWN, answer=words))
    return len(ids)


def _claim(outbox: _Outbox) -> Letter | None:
    """The next due message, marked `sending` and committed; None when there is none."""
    now = outbox.clock()
    with outbox.open() as conn:
        number = conn.scalar(_locked(outbox.chosen & _due(now)).limit(1))
        if number is None:
            return None
        claim = {"state": State.SENDING, "claimed_at": now, "tries": message.c.tries + 1}
        conn.execute(update(message).where(message.c.id == number).values(**claim))
        row = conn.execute(_LETTER.where(message.c.id == number)).one()
        files = conn.execute(_ATTACHED.where(report_file.c.report == row.report))
        attached = [ReportFile(name=f.name, media_type=f.media_type, content=bytes(f.content)) for f in files]
        if outbox.epoch:
            outbox.epoch.claim(conn)
    return _letter(row, attached, *outbox.origin)


def _letter(row: Row[Any], files: list[ReportFile], mail_from: str, reply_to: str | None) -> Letter:
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
        reply_to=reply_to,
        waiting_since=max(row.created_at, row.released_at or row.created_at),
        released=row.released_at is not None,
    )


def _record(outbox: _Outbox, letter: Letter, answer: Answer) -> State:
    """Commits the result and gives the state it came to; a certain result is also put over `unknown`."""
    now = outbox.clock()
    state, words = _settled(letter, answer, now)
    values: dict[str, Any] = {"state": state, "answer": words}
    if state is State.SENT:
        values["sent_at"] = now
    if state is State.DEFERRED:
        values["next_try_at"] = now + pause(letter.tries)
    ours = (message.c.id == letter.number) & (message.c.tries == letter.tries)
    with outbox.open() as conn:
        conn.execute(update(message).where(ours, message.c.state.in_((State.SENDING, State.UNKNOWN))).values(**values))
    return state


def _settled(letter: Letter, answer: Answer, now: datetime) -> tuple[State, str]:
    if answer.state is State.DEFERRED and now - letter.waiting_since >= GIVE_UP_AFTER:
        return State.REFUSED, f"Given up after {GIVE_UP_AFTER.total_seconds() / 3600:.0f} hours. {answer.words}"
    return answer.state, answer.words


def _defer_all(outbox: _Outbox, answer: Answer) -> int:
    """The server is away: the other due messages wait too, instead of running into the same time-out one by one."""
    now = outbox.clock()
    values = {"state": State.DEFERRED, "answer": answer.words, "next_try_at": now + FIRST_PAUSE}
    with outbox.open() as conn:
        ids = conn.scalars(_locked(outbox.chosen & _due(now))).all()
        conn.execute(update(message).where(message.c.id.in_(ids)).values(**values))
    return len(ids)


def _waiting(outbox: _Outbox) -> int:
    waiting = select(func.count(message.c.id)).join(report, message.c.report == report.c.id)
    with outbox.open() as conn:
        return conn.scalar(waiting.where(outbox.chosen, message.c.state.in_(_WAITING))) or 0

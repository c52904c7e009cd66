"""The outbox epoch: a database that was restored from a backup must not send again what it sent since.

The database counts the claims of messages. The same count is noted outside of it, before a mail server sees the
message. A database that is behind that note was restored: the messages that were already in its outbox then may have
been sent, so they are parked as `unknown`. Without a note, a count above zero means another landing store or a copy of
the database elsewhere: whatever waits is parked.

Nobody holds a row while the store is read or written, for the store may be slow and the row is everybody's. Each count
is a note of its own, so that it does not matter in which order relays write them: the highest counts. And the notes are
read before the database's count, which therefore is at least what was noted, unless the database was restored.

What a restored database has forgotten altogether it makes anew, under the same Message-IDs. So each mail is noted
before it is handed over, too, with the token of the database's time line, which is another one after a restore.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert

from rostersync.database import transaction
from rostersync.database.tables import message, outbox_epoch
from rostersync.mailing.message_bytes import Letter
from rostersync.mailing.senders import State

COUNTS = "outbox"
"""Folder of the notes about counts."""
MAILS = "mails"
"""Folder of the notes about single mails."""
PARKED = "The database was restored from a backup; this message may have been sent before that."
UNSETTLED = (State.QUEUED, State.DEFERRED, State.SENDING)
_log = logging.getLogger(__name__)


class SendJournal(Protocol):
    """Keeps small notes outside of the database. Raises TransientError when it cannot."""

    def remember(self, name: str, content: bytes) -> None: ...

    def recall(self, name: str) -> bytes | None: ...

    def notes(self, folder: str) -> list[str]: ...

    def erase(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreGuard:
    """The count of claims, in the database and with its witness."""

    engine: Engine
    journal: SendJournal
    clock: Callable[[], datetime]

    def park_after_restore(self) -> int:
        """Park what a restored database would send again; the number of messages, 0 when it was not restored.

        It concerns all districts at once, because afterwards the count is the witness's again.
        """
        token, _ = self._count()
        known, until = self._noted(token)
        now, number = self._count()
        if now != token:  # somebody parked meanwhile
            return self.park_after_restore()
        if until is None and number == 0:
            self.note()
            return 0
        if until is not None and known <= number:
            return 0
        parked = sum(self._park(code, until) for code in with_mail(self.engine))
        with transaction(self.engine, None) as conn:
            ahead = func.greatest(outbox_epoch.c.number, known) + 1
            turned = update(outbox_epoch).where(outbox_epoch.c.token == token)
            conn.execute(turned.values(number=ahead, token=func.gen_random_uuid()))
        self.note()
        _log.warning("outbox epoch changed, %d mails parked: rostersync mail status lists them", parked)
        return parked

    def claim(self, conn: Connection) -> None:
        """Count one more claim, in the transaction that makes it and just before its end: all relays count here."""
        row = insert(outbox_epoch).values(number=1)
        conn.execute(row.on_conflict_do_update(index_elements=["one"], set_={"number": outbox_epoch.c.number + 1}))

    def note(self) -> str:
        """Let the witness know the count; the token of the time line. Notes of lower counts go."""
        token, number = self._count()
        note = _name(token, number)
        self.journal.remember(
            f"{COUNTS}/{note}", json.dumps({"number": number, "at": self.clock().isoformat()}).encode()
        )
        for older in self._notes_of(token):
            if older < note:
                self.journal.erase(f"{COUNTS}/{older}")
        return token

    def note_mail(self, letter: Letter) -> bool:
        """Let the witness know that this mail is handed over now; False: it knows so already, from before a restore.

        A person who lets a mail go again has decided about that.
        """
        token = self.note().encode()
        known = self.journal.recall(_mail(letter))
        if known is not None and known != token and not letter.released:
            return False
        self.journal.remember(_mail(letter), token)
        return True

    def _count(self) -> tuple[str, int]:
        """Token and count, of what is committed; the row is made when it is missing."""
        with transaction(self.engine, None) as conn:
            found = conn.execute(select(outbox_epoch)).first()
            if found is None:
                conn.execute(insert(outbox_epoch).values(number=0).on_conflict_do_nothing())
                found = conn.execute(select(outbox_epoch)).one()
        return str(found.token), found.number

    def _notes_of(self, token: str) -> list[str]:
        return sorted(name for name in self.journal.notes(COUNTS) if name.startswith(token))

    def _noted(self, token: str) -> tuple[int, datetime | None]:
        """The highest count that was noted on this time line, and when; (0, None) without a note."""
        for name in reversed(self._notes_of(token)):
            note = self.journal.recall(f"{COUNTS}/{name}")
            if note is None:  # a higher one was written meanwhile
                return self._noted(token)
            return _read(note)
        # Written by a version that kept one note for each time line.
        note = self.journal.recall(f"outbox-{token}")
        return _read(note) if note else (0, None)

    def _park(self, code: str, until: datetime | None) -> int:
        old = (message.c.district == code) & message.c.state.in_(UNSETTLED)
        if until is not None:
            old &= message.c.created_at <= until
        with transaction(self.engine, code) as conn:
            return conn.execute(update(message).where(old).values(state=State.UNKNOWN, answer=PARKED)).rowcount


def with_mail(engine: Engine) -> Sequence[str]:
    """Districts with a message that is not settled; the one query of the relay that concerns them all."""
    unsettled = message.c.state.in_(UNSETTLED)
    with transaction(engine, None) as conn:
        return conn.scalars(select(message.c.district).where(unsettled).distinct().order_by(message.c.district)).all()


def _name(token: str, number: int) -> str:
    """The note's name: those of a time line sort like their counts."""
    return f"{token}-{number:019d}"


def _mail(letter: Letter) -> str:
    """The note's name: neither address nor Message-ID can be read from it."""
    return f"{MAILS}/{hashlib.sha256(f'{letter.message_id} {letter.recipient}'.encode()).hexdigest()}"


def _read(note: bytes) -> tuple[int, datetime]:
    known = json.loads(note)
    return known["number"], datetime.fromisoformat(known["at"])

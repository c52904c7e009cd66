"""A slow landing store holds up whoever writes to it, and no other district."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from rostersync import database, pipeline
from rostersync.database import engines
from rostersync.database.tables import message, outbox_epoch
from rostersync.mailing import SmtpSender, enqueue
from rostersync.mailing.restore_guard import RestoreGuard
from rostersync.model import Report
from rostersync.transports.landing_store import LandingStore
from tests.support.district_nights import Nights
from tests.support.servers import RosterDatabase, SmtpServer


class Blocked(LandingStore):
    """A landing store that answers when it is let go; `reached` says that somebody waits for it."""

    def __init__(self, folder: str, *, reading: bool = False) -> None:
        super().__init__(folder)
        self.reading, self.reached, self.free = reading, threading.Event(), threading.Event()

    def remember(self, name: str, content: bytes) -> None:
        if not self.reading:
            self._wait()
        super().remember(name, content)

    def recall(self, name: str) -> bytes | None:
        if self.reading:
            self._wait()
        return super().recall(name)

    def _wait(self) -> None:
        self.reached.set()
        assert self.free.wait(60)


@pytest.fixture
def mailed(
    nights: Nights, smtp_server: SmtpServer, roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Nights]:
    """A district whose mails go to the SMTP server, on an engine that waits for no lock."""
    nights.sender = SmtpSender(smtp_server.url)
    pipeline.send_due(nights.services)
    monkeypatch.setitem(engines.SESSION, "lock_timeout", "500ms")
    impatient = database.engine(roster_database.url)
    yield replace(nights, engine=impatient)
    impatient.dispose()


def enter(nights: Nights, kind: str) -> None:
    with database.transaction(nights.engine, "springfield") as conn:
        enqueue(
            conn,
            district="springfield",
            delivery=None,
            attempt=None,
            report=Report(kind=kind, subject=kind, text="t", html="<p>t</p>"),
            recipients=["office@springfield.example"],
            allowed=nights.config.allows,
            at=nights.now,
        )


@contextmanager
def under_way(work: Callable[[], object], store: Blocked) -> Iterator[None]:
    """Somebody works and waits for the store meanwhile; at the end it answers."""
    other = threading.Thread(target=work)
    other.start()
    try:
        assert store.reached.wait(20)
        yield
    finally:
        store.free.set()
        other.join(20)


def states(nights: Nights) -> list[str]:
    with nights.owner.connect() as conn:
        return list(conn.scalars(select(message.c.state).order_by(message.c.id)))


def test_while_a_relay_writes_its_note_other_districts_pull_and_claim(mailed: Nights) -> None:
    enter(mailed, "first")
    store = Blocked(str(mailed.folder / "landing"))
    slow = replace(mailed.services, landing=store)
    with under_way(lambda: pipeline.send_due(slow), store):
        assert pipeline.pull(mailed.services, mailed.run(), mailed.config.code).outcome == "no_file"
        epoch = RestoreGuard(engine=mailed.engine, journal=mailed.services.landing, clock=lambda: mailed.now)
        with database.transaction(mailed.engine, None) as conn:
            epoch.claim(conn)
        epoch.note()
    assert states(mailed) == ["sent"]


def test_while_a_pull_reads_the_note_other_districts_send(mailed: Nights, smtp_server: SmtpServer) -> None:
    enter(mailed, "first")
    store = Blocked(str(mailed.folder / "landing"), reading=True)
    slow = replace(mailed.services, landing=store)
    with under_way(lambda: pipeline.pull(slow, mailed.run(), mailed.config.code), store):
        assert pipeline.send_due(mailed.services)["sent"] == 1
    assert states(mailed) == ["sent"]
    # What was sent meanwhile was not taken for a restore.
    enter(mailed, "second")
    assert pipeline.send_due(mailed.services)["sent"] == 1


def test_a_note_that_is_written_late_hides_no_restore(mailed: Nights) -> None:
    """The earlier count reaches the store after the later one."""
    store = Blocked(str(mailed.folder / "landing"))
    late = RestoreGuard(engine=mailed.engine, journal=store, clock=lambda: mailed.now)
    prompt = RestoreGuard(engine=mailed.engine, journal=mailed.services.landing, clock=lambda: mailed.now)
    with under_way(late.note, store):
        for _ in range(3):
            with database.transaction(mailed.engine, None) as conn:
                prompt.claim(conn)
        prompt.note()
    enter(mailed, "first")
    assert prompt.park_after_restore() == 0
    with mailed.owner.begin() as conn:
        conn.execute(update(outbox_epoch).values(number=outbox_epoch.c.number - 1))
    assert prompt.park_after_restore() == 1
    assert states(mailed) == ["unknown"]


def test_notes_of_before_this_version_are_understood(mailed: Nights) -> None:
    with mailed.owner.begin() as conn:
        token = conn.scalar(update(outbox_epoch).values(number=7).returning(outbox_epoch.c.token))
    landing = LandingStore(str(mailed.folder / "old"))
    landing.remember(f"outbox-{token}", json.dumps({"number": 7, "at": mailed.now.isoformat()}).encode())
    enter(mailed, "first")
    old = replace(mailed.services, landing=landing)
    assert pipeline.send_due(old)["sent"] == 1
    assert states(mailed) == ["sent"]

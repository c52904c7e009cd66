"""A database that was restored from a backup sends nothing that it may have sent before."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import select

from rostersync import database, pipeline
from rostersync.database.tables import message
from rostersync.embedded_postgres.server import Server
from rostersync.exceptions import TransientError
from rostersync.mailing import SmtpSender, enqueue, resending, status
from rostersync.mailing.restore_guard import RestoreGuard
from rostersync.model import Report
from rostersync.transports.landing_store import LandingStore
from tests.support.district_nights import Nights
from tests.support.servers import RosterDatabase, SmtpServer, fresh_database


@pytest.fixture
def mailed(nights: Nights, smtp_server: SmtpServer) -> Nights:
    """A district whose mails go to the SMTP server."""
    nights.sender = SmtpSender(smtp_server.url)
    return nights


def enter(nights: Nights, kind: str) -> None:
    """One message of this moment."""
    report = Report(kind=kind, subject=kind, text="t", html="<p>t</p>")
    with database.transaction(nights.engine, "springfield") as conn:
        enqueue(
            conn,
            district="springfield",
            delivery=None,
            attempt=None,
            report=report,
            recipients=["office@springfield.example"],
            allowed=nights.config.allows,
            at=nights.now,
        )


def subjects(server: SmtpServer) -> list[str]:
    return [mail.message["Subject"] for mail in server.accepted]


@contextmanager
def restored(nights: Nights, server: Server, backup: RosterDatabase) -> Iterator[Nights]:
    """The same nights on a restored copy of the backup."""
    with fresh_database(server, template=backup.name) as copy:
        engines = [database.engine(url) for url in (copy.url, copy.superuser_url)]
        yield replace(nights, engine=engines[0], owner=engines[1])
        for engine in engines:
            engine.dispose()


@contextmanager
def backup_of(nights: Nights, server: Server, original: RosterDatabase) -> Iterator[RosterDatabase]:
    """A copy of the database as it is now. PostgreSQL copies only what nobody is connected to."""
    nights.engine.dispose()
    nights.owner.dispose()
    with fresh_database(server, template=original.name) as copy:
        yield copy


def states(nights: Nights) -> list[str]:
    with nights.owner.connect() as conn:
        return list(conn.scalars(select(message.c.state).order_by(message.c.id)))


def test_a_restored_database_parks_what_waited_then_and_sends_what_is_new(
    mailed: Nights,
    postgres: Server,
    roster_database: RosterDatabase,
    smtp_server: SmtpServer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    enter(mailed, "first")
    pipeline.send_due(mailed.services)
    enter(mailed, "second")
    with backup_of(mailed, postgres, roster_database) as backup:
        assert pipeline.send_due(mailed.services)["sent"] == 1
        with restored(mailed, postgres, backup) as later:
            later.now += dt.timedelta(hours=6)
            enter(later, "third")
            counts = pipeline.send_due(later.services)
            assert (counts["sent"], counts["unknown"], counts["waiting"]) == (1, 1, 0)
            assert states(later) == ["sent", "unknown", "sent"]
            assert "1 mails parked" in caplog.text
            enter(later, "fourth")
            assert pipeline.send_due(later.services)["sent"] == 1
    assert subjects(smtp_server) == ["first", "second", "third", "fourth"]


def test_a_backup_of_before_the_first_mail_is_noticed_too(
    mailed: Nights, postgres: Server, roster_database: RosterDatabase, smtp_server: SmtpServer
) -> None:
    enter(mailed, "first")
    with backup_of(mailed, postgres, roster_database) as backup:
        pipeline.send_due(mailed.services)
        with restored(mailed, postgres, backup) as later:
            pipeline.send_due(later.services)
            assert states(later) == ["unknown"]
    assert subjects(smtp_server) == ["first"]


def test_with_another_landing_store_all_that_waits_is_parked(mailed: Nights, smtp_server: SmtpServer) -> None:
    """A copy of the database that is tried out elsewhere must not write to the districts."""
    enter(mailed, "first")
    pipeline.send_due(mailed.services)
    enter(mailed, "second")
    elsewhere = replace(mailed.services, landing=LandingStore(str(mailed.folder / "another")))
    assert pipeline.send_due(elsewhere)["unknown"] == 1
    assert subjects(smtp_server) == ["first"]


def test_a_crash_between_claim_and_note_is_no_restore(mailed: Nights) -> None:
    epoch = RestoreGuard(engine=mailed.engine, journal=mailed.services.landing, clock=lambda: mailed.now)
    assert epoch.park_after_restore() == 0
    for _ in range(2):
        with database.transaction(mailed.engine, None) as conn:
            epoch.claim(conn)
    enter(mailed, "first")
    pipeline.send_due(mailed.services)
    assert states(mailed) == ["sent"]


def test_a_mail_that_was_forgotten_and_made_again_is_not_sent_twice(
    mailed: Nights, postgres: Server, roster_database: RosterDatabase, smtp_server: SmtpServer
) -> None:
    with backup_of(mailed, postgres, roster_database) as backup:
        enter(mailed, "first")
        pipeline.send_due(mailed.services)
        with restored(mailed, postgres, backup) as later:
            later.now += dt.timedelta(hours=6)
            pipeline.send_due(later.services)
            enter(later, "first")
            enter(later, "second")
            pipeline.send_due(later.services)
            assert states(later) == ["unknown", "sent"]
            assert subjects(smtp_server) == ["first", "second"]
            doubted = resending.resendable(status.message_statuses(later.engine, "springfield"), again=False)
            assert resending.requeue_messages(later.engine, doubted, by="olga", at=later.now) == 1
            pipeline.send_due(later.services)
    assert subjects(smtp_server) == ["first", "second", "first"]


def test_notes_about_mails_go_after_a_while(mailed: Nights, smtp_server: SmtpServer) -> None:
    pipeline.send_due(mailed.services)
    enter(mailed, "first")
    pipeline.send_due(mailed.services)
    landing = mailed.services.landing
    notes = mailed.folder / "landing" / ".notes" / "mails"
    landing.forget("mails", dt.datetime.now(dt.UTC) - dt.timedelta(hours=1))
    assert len(list(notes.iterdir())) == 1
    landing.forget("mails", dt.datetime.now(dt.UTC) + dt.timedelta(hours=1))
    assert list(notes.iterdir()) == []


class Slow(LandingStore):
    """A landing store that is read while another relay sends."""

    def recall(self, name: str) -> bytes | None:
        if self.other.ident is None:
            self.other.start()
        self.other.join(timeout=1)
        return super().recall(name)

    def __init__(self, folder: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(folder)
        self.other = threading.Thread(target=meanwhile)


def test_what_another_relay_sends_meanwhile_is_no_restore(mailed: Nights, smtp_server: SmtpServer) -> None:
    pipeline.send_due(mailed.services)
    enter(mailed, "first")

    def meanwhile() -> None:
        pipeline.send_due(mailed.services)
        enter(mailed, "second")

    landing = Slow(str(mailed.folder / "landing"), meanwhile)
    epoch = RestoreGuard(engine=mailed.engine, journal=landing, clock=lambda: mailed.now)
    assert epoch.park_after_restore() == 0
    landing.other.join()
    assert (states(mailed), subjects(smtp_server)) == (["sent", "queued"], ["first"])
    assert pipeline.send_due(mailed.services)["sent"] == 1


class Full(LandingStore):
    """A landing store that has no room left."""

    def remember(self, name: str, content: bytes) -> None:
        raise TransientError("The landing store cannot be written: No space left on device.")


def test_nothing_is_sent_that_cannot_be_noted(mailed: Nights, smtp_server: SmtpServer) -> None:
    pipeline.send_due(mailed.services)
    enter(mailed, "first")
    full = replace(mailed.services, landing=Full(str(mailed.folder / "landing")))
    counts = pipeline.send_due(full)
    assert (counts["sent"], counts["deferred"], subjects(smtp_server)) == (0, 1, [])
    mailed.now += dt.timedelta(minutes=5)
    assert pipeline.send_due(mailed.services)["sent"] == 1

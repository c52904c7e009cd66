"""Replay: a delivery's reports rendered anew, its unsent mail queued again, and nobody mailed twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from rostersync.database import tables as t
from rostersync.exceptions import ConfigurationError
from rostersync.mailing import SmtpSender
from rostersync.operations import replaying
from rostersync.pipeline import email
from tests.support.district_nights import Nights, district, person
from tests.support.servers import SmtpServer

OFFICE, DESK, NEW = (f"{name}@springfield.example" for name in ("office", "desk", "new"))
FILE = [person(1), person(2, userRole="Janitor")]


@pytest.fixture
def nights(emptied: Nights, smtp_server: SmtpServer) -> Nights:
    """A faulty file was applied; the office has its report, the desk's address was refused."""
    emptied.seed()
    emptied.sender = SmtpSender(smtp_server.url)
    smtp_server.recipients[DESK] = "550 5.1.1 unknown"
    emptied.put(FILE)
    emptied.sync()
    smtp_server.recipients.clear()
    return emptied


def delivery(nights: Nights) -> str:
    with nights.owner.connect() as conn:
        return str(conn.execute(select(t.delivery.c.id)).scalar_one())


def replay(nights: Nights) -> replaying.Replayed:
    """Replay and send, an hour later."""
    nights.now += timedelta(hours=1)
    replayed = replaying.replay(nights.services, delivery(nights))
    email(nights.services, nights.run("replay"), "springfield", delivery(nights))
    return replayed


def accepted(server: SmtpServer) -> list[tuple[str, ...]]:
    return [each.recipients for each in server.accepted]


def test_refused_mail_is_sent_again_and_nobody_gets_it_twice(nights: Nights, smtp_server: SmtpServer) -> None:
    before = nights.fingerprint()
    first = replay(nights)
    assert (first.rendered, first.queued, first.sent_before) == (0, 1, 1)
    assert accepted(smtp_server) == [(OFFICE,), (DESK,)]
    again = replay(nights)
    assert (again.rendered, again.queued, again.sent_before) == (0, 0, 2)
    assert (len(smtp_server.accepted), nights.fingerprint()) == (2, before)


def test_a_new_rendering_goes_to_those_only_who_have_none(nights: Nights, smtp_server: SmtpServer) -> None:
    contacts = [{"address": address, "name": "Somebody"} for address in (OFFICE, DESK, NEW)]
    nights.config = district(nights.inbox, name="Springfield United", contacts=contacts)
    replayed = replay(nights)
    assert (replayed.rendered, replayed.sent_before) == (1, 1)
    assert accepted(smtp_server) == [(OFFICE,), (DESK,), (NEW,)]
    assert [b"Springfield United" in each.content for each in smtp_server.accepted] == [False, True, True]
    assert nights.messages() == [
        ("count_report", OFFICE, "sent"),
        ("count_report replay 1", DESK, "sent"),
        ("count_report replay 1", NEW, "sent"),
    ]


def test_what_the_server_may_have_is_left_alone(nights: Nights, smtp_server: SmtpServer) -> None:
    with nights.owner.begin() as conn:
        conn.execute(update(t.message).where(t.message.c.recipient == DESK).values(state="unknown"))
    replayed = replay(nights)
    assert (replayed.queued, replayed.unclear, accepted(smtp_server)) == (0, 1, [(OFFICE,)])


def test_mail_goes_to_nobody_whom_the_configuration_does_not_name_any_more(
    nights: Nights, smtp_server: SmtpServer
) -> None:
    nights.config = district(nights.inbox, contacts=[{"address": OFFICE, "name": "Office"}])
    assert (replay(nights).queued, accepted(smtp_server)) == (0, [(OFFICE,)])


def test_without_the_bytes_the_reports_stay_and_the_mail_is_sent(nights: Nights, smtp_server: SmtpServer) -> None:
    (nights.folder / "landing" / "springfield").rename(nights.folder / "elsewhere")
    nights.config = district(nights.inbox, name="Springfield United")
    replayed = replay(nights)
    assert (replayed.swept, replayed.rendered, replayed.queued) == (True, 0, 1)
    assert accepted(smtp_server) == [(OFFICE,), (DESK,)]


def test_only_what_came_to_something_can_be_replayed(nights: Nights) -> None:
    with pytest.raises(ConfigurationError):
        replaying.replay(nights.services, "springfield-0000000000000000")

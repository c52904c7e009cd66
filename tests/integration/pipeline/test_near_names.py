"""A file whose name is near the expected one: not read, told to the contacts once, and to the operators."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from rostersync.database import transaction
from rostersync.model import Outcome
from rostersync.operations import monitoring
from tests.support.district_nights import Nights, district, person, users_csv

NEAR = ("Users.csv", "users (1).csv", "users.csv.txt", "users-errors.csv")

CONTACTS = ["office@springfield.example", "desk@springfield.example"]
"""Both hear of files that were not read; each file is told once."""


@pytest.fixture
def inbox(nights: Nights) -> Nights:
    nights.config = district(nights.inbox, source={"file": str(nights.inbox), "pattern": "users.csv"})
    return nights


def told(nights: Nights) -> list[tuple[str, str]]:
    """(recipient, subject) of all that was entered about names."""
    with nights.owner.connect() as conn:
        found = conn.execute(
            text(
                "SELECT m.recipient, r.subject FROM intake.message m JOIN intake.report r ON r.id = m.report"
                " WHERE r.kind LIKE 'misnamed%' ORDER BY m.id"
            )
        )
        return [tuple(row) for row in found]


def looks(nights: Nights) -> monitoring.ledger.InboxScans:
    with nights.owner.connect() as conn:
        return monitoring.ledger.inbox_scans(conn)["springfield"]


@pytest.mark.parametrize("name", NEAR)
def test_it_is_not_read_and_the_contact_for_problems_is_told_once(inbox: Nights, name: str) -> None:
    before = inbox.roster()
    inbox.put([person(1)], name)
    assert [result.outcome for result in inbox.sync("night-1")] == [Outcome.NO_FILE]
    assert inbox.roster() == before
    assert [recipient for recipient, _ in told(inbox)] == CONTACTS
    inbox.now += timedelta(days=1)
    inbox.sync("night-2")
    assert len(told(inbox)) == len(CONTACTS)


def test_another_one_under_that_name_is_told_again(inbox: Nights) -> None:
    for night in (1, 2):
        inbox.now += timedelta(days=1)
        inbox.put([person(night)], "Users.csv")
        inbox.sync(f"night-{night}")
    assert len(told(inbox)) == 2 * len(CONTACTS)


def test_the_right_file_beside_it_is_read(inbox: Nights) -> None:
    inbox.put([person(1)], "users.csv")
    inbox.put([person(2)], "Users.csv")
    assert [result.outcome for result in inbox.sync("night-1")] == [Outcome.APPLIED]
    assert [recipient for recipient, _ in told(inbox)] == CONTACTS


def test_operators_are_told_while_it_lies_there(inbox: Nights) -> None:
    inbox.put([person(1)], "users (1).csv")
    inbox.sync("night-1")
    assert looks(inbox).near_names == 1
    assert looks(inbox).last_file is None
    (inbox.inbox / "users (1).csv").unlink()
    inbox.now += timedelta(days=1)
    inbox.sync("night-2")
    assert looks(inbox).near_names == 0


def test_a_dry_run_tells_nobody(inbox: Nights) -> None:
    inbox.put([person(1)], "Users.csv")
    inbox.sync("night-1", dry_run=True)
    assert told(inbox) == []


def test_a_link_or_a_folder_of_that_name_is_no_file(inbox: Nights) -> None:
    (inbox.inbox / "Users.csv").mkdir()
    (inbox.inbox / "users (1).csv").symlink_to("/etc/hostname")
    inbox.sync("night-1")
    assert told(inbox) == []


def test_its_name_is_shown_without_what_cannot_be_seen(inbox: Nights) -> None:
    (inbox.inbox / "Users\u202e.csv").write_bytes(users_csv([person(1)]))
    (inbox.inbox / "USERS.csv").write_bytes(users_csv([person(1)]))
    inbox.sync("night-1")
    with transaction(inbox.engine, "springfield") as conn:
        bodies = conn.scalars(text("SELECT text_body || html_body FROM intake.report")).all()
    assert bodies
    assert not [body for body in bodies if "\u202e" in body]

"""Several files in one look: what the first of them does to what the others mean."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from rostersync import pipeline
from rostersync.configuration.district import Policies
from rostersync.database import tables
from rostersync.model import Outcome
from tests.support.district_nights import Nights, person

FIRST, SECOND = [person(1, userLastName="First")], [person(1, userLastName="Second")]


def outcomes(results: list[pipeline.SyncResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def last_name(nights: Nights) -> str | None:
    with nights.owner.connect() as conn:
        return conn.scalar(select(tables.person.c.last_name))


def test_the_latest_content_left_in_place_waits_for_nobody_when_a_file_that_goes_first_is_applied(
    nights: Nights,
) -> None:
    nights.put(FIRST, "users-2.csv")
    nights.sync("night-1")
    nights.put(SECOND, "users-1.csv", nights.now - timedelta(hours=1))  # of the same moment: its name goes first
    nights.now += timedelta(days=1)
    assert outcomes(nights.sync("night-2")) == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert last_name(nights) == "Second"
    assert outcomes(nights.sync("night-3")) == [Outcome.DUPLICATE, Outcome.DUPLICATE]


def test_nor_does_it_when_the_other_was_interrupted_the_night_before(nights: Nights) -> None:
    nights.put(FIRST, "users-1.csv")
    nights.sync("night-1")
    nights.put(SECOND, "users-2.csv", nights.now)
    pipeline.pull(nights.services, nights.run("night-2"), "springfield")
    nights.config = nights.config.model_copy(update={"policies": Policies(school_creation=True)})
    mails = nights.messages()
    assert outcomes(nights.sync("night-3")) == [Outcome.APPLIED, Outcome.DUPLICATE]
    assert [kind for kind, _, _ in nights.messages() if kind == "held"] == []
    assert len(nights.messages()) == len(mails) + 1
    assert nights.states() == ["applied", "applied"]


def test_earlier_content_that_is_sent_anew_beside_the_old_file_waits_for_a_person(nights: Nights) -> None:
    nights.put(FIRST, "users-1.csv")
    nights.sync("night-1")
    nights.put(SECOND, "users-2.csv", nights.now)
    nights.sync("night-2")
    nights.now += timedelta(days=1)
    nights.put(FIRST, "users-3.csv", nights.now)  # the same bytes as users-1.csv, which still lies there
    results = nights.sync("night-3")
    assert outcomes(results) == [Outcome.DUPLICATE, Outcome.HELD]
    assert [finding.code for finding in results[-1].findings] == ["hold-older-file"]
    assert last_name(nights) == "Second"


def test_what_waits_for_a_person_is_asked_about_once_when_two_files_hold_it(nights: Nights) -> None:
    nights.put(FIRST, "users-1.csv")
    nights.sync("night-1")
    nights.put(SECOND, "users-2.csv", nights.now)
    nights.sync("night-2")
    nights.now += timedelta(days=1)
    nights.put(FIRST, "users-3.csv", nights.now)
    nights.put(FIRST, "users-4.csv", nights.now)
    assert outcomes(nights.sync("night-3")) == [Outcome.DUPLICATE, Outcome.HELD]
    mails = nights.messages()
    assert outcomes(nights.sync("night-4")) == [Outcome.HELD, Outcome.DUPLICATE]
    assert nights.messages() == mails

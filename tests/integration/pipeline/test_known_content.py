"""Known bytes found again: at once a duplicate, judged again, set aside, held, or forced."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, insert, select, update

from rostersync import pipeline
from rostersync.database import tables
from rostersync.model import Outcome
from tests.support.district_nights import Nights, district, person, teaching, users_csv

FILE = [person(1), teaching(2, "c1"), person(3, userRole="Janitor")]


def attempts(nights: Nights) -> int:
    with nights.owner.connect() as conn:
        return conn.scalar(select(func.count()).select_from(tables.attempt)) or 0


def outcomes(results: list[pipeline.SyncResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def test_the_same_file_twice_writes_nothing_to_the_roster_and_mails_nobody(nights: Nights) -> None:
    nights.put(FILE)
    [first] = nights.sync("night-1")
    before, mails = nights.fingerprint(), nights.messages()
    [again] = nights.sync("night-2")
    assert again.outcome is Outcome.DUPLICATE
    assert (again.rows, again.counts, again.findings) == (first.rows, first.counts, first.findings)
    assert (nights.fingerprint(), nights.messages()) == (before, mails)


def test_unchanged_circumstances_leave_nothing_for_the_next_tasks(nights: Nights) -> None:
    nights.put(FILE)
    nights.sync("night-1")
    pulled = pipeline.pull(nights.services, nights.run("night-2"), "springfield")
    assert (pulled.deliveries, pulled.outcome) == ((), Outcome.DUPLICATE)


def test_on_another_day_the_file_is_judged_again_and_still_a_duplicate(nights: Nights) -> None:
    nights.put(FILE)
    nights.sync("night-1")
    before, mails = nights.fingerprint(), nights.messages()
    nights.now += timedelta(days=1)
    assert pipeline.pull(nights.services, nights.run("night-2"), "springfield").deliveries
    assert outcomes(nights.sync("night-2")) == [Outcome.DUPLICATE]
    assert (nights.fingerprint(), nights.messages(), attempts(nights)) == (before, mails, 1)
    assert pipeline.pull(nights.services, nights.run("night-3"), "springfield").deliveries == ()


def test_rows_whose_school_exists_by_now_are_applied_by_a_new_attempt(nights: Nights) -> None:
    nights.put([person(1), person(2, schoolId="300")])
    assert outcomes(nights.sync("night-1")) == [Outcome.APPLIED_WITH_ERRORS]
    with nights.owner.begin() as conn:
        school = {"district": "springfield", "school_id": "300", "name": "New", "owner": "source"}
        conn.execute(insert(tables.school).values(school))
        conn.execute(update(tables.district).values(roster_version=tables.district.c.roster_version + 1))
    [again] = nights.sync("night-2")
    assert (again.outcome, again.attempt) == (Outcome.APPLIED, 2)
    assert nights.people() == ["u1", "u2"]
    assert len(nights.messages()) == 3


def test_a_new_attempt_keeps_the_findings_of_the_file(nights: Nights) -> None:
    nights.put([*FILE, person(4, schoolId="300")])
    nights.sync("night-1")
    with nights.owner.begin() as conn:
        school = {"district": "springfield", "school_id": "300", "name": "New", "owner": "source"}
        conn.execute(insert(tables.school).values(school))
        conn.execute(update(tables.district).values(roster_version=tables.district.c.roster_version + 1))
    nights.sync("night-2")
    [stored] = nights.sync("night-2")
    assert [finding.flat for finding in stored.findings] == [(4, "userRole", "value-not-allowed")]
    assert stored.attempt == 2


def test_people_that_a_rollover_ended_come_back_with_the_same_file(nights: Nights) -> None:
    nights.put([person(1)])
    nights.sync("night-1")
    with nights.owner.begin() as conn:
        conn.execute(update(tables.placement).values(status="ended"))
        conn.execute(update(tables.person).values(status="inactive"))
        conn.execute(update(tables.district).values(roster_version=tables.district.c.roster_version + 1))
    assert outcomes(nights.sync("night-2")) == [Outcome.APPLIED]
    assert nights.people() == ["u1"]


def test_a_new_arrival_of_known_bytes_is_told_once_a_day(nights: Nights) -> None:
    nights.put(FILE)
    nights.sync("night-1")
    told = len(nights.messages())
    for hour in (1, 2):
        nights.now += timedelta(hours=hour)
        nights.put(FILE, at=nights.now)
        assert outcomes(nights.sync(f"again-{hour}")) == [Outcome.DUPLICATE]
    assert len(nights.messages()) == told + 1
    nights.now += timedelta(days=1)
    nights.put(FILE, at=nights.now)
    assert outcomes(nights.sync("next-day")) == [Outcome.DUPLICATE]
    assert len(nights.messages()) == told + 2
    assert {state for *_, state in nights.messages()} == {"sent"}


def test_a_refused_file_found_again_is_refused_without_a_second_mail(nights: Nights) -> None:
    nights.put(users_csv(FILE).replace(b"userEmail", b"userEmial"))
    nights.sync("night-1")
    mails = nights.messages()
    [again] = nights.sync("night-2")
    assert (again.outcome, again.attempt) == (Outcome.REFUSED, 1)
    nights.put((nights.inbox / "users.csv").read_bytes(), at=nights.now)
    assert outcomes(nights.sync("night-3")) == [Outcome.REFUSED]
    assert nights.messages() == mails


def test_a_refused_file_left_in_place_is_recalled_once_a_week(nights: Nights) -> None:
    nights.put(users_csv(FILE).replace(b"userEmail", b"userEmial"))
    nights.sync("night-1")
    told = []
    for night in range(2, 17):
        nights.now += timedelta(days=1)
        assert outcomes(nights.sync(f"night-{night}")) == [Outcome.REFUSED]
        told.append(len(nights.messages()) // 2)
    assert told == [1] * 6 + [2] * 7 + [3] * 2
    assert {state for *_, state in nights.messages()} == {"sent"}


def test_a_refused_file_is_judged_again_under_another_configuration(nights: Nights) -> None:
    nights.config = district(nights.inbox, limits={"max_rows": 1})
    nights.put([person(1), person(2)])
    assert outcomes(nights.sync("night-1")) == [Outcome.REFUSED]
    mails = nights.messages()
    nights.config = district(nights.inbox, limits={"max_rows": 1}, email_domains=["springfield.example", "b.example"])
    assert outcomes(nights.sync("night-2")) == [Outcome.REFUSED]
    assert (nights.messages(), attempts(nights)) == (mails, 1)
    nights.config = district(nights.inbox)
    [applied] = nights.sync("night-3")
    assert applied.outcome is Outcome.APPLIED
    assert nights.people() == ["u1", "u2"]


def two_contents(nights: Nights) -> None:
    """An older and a newer content, both applied."""
    nights.put([person(1, userLastName="First")])
    nights.sync("night-1")
    nights.now += timedelta(days=1)
    nights.put([person(1, userLastName="Second")])
    nights.sync("night-2")


def last_name(nights: Nights) -> str | None:
    with nights.owner.connect() as conn:
        return conn.scalar(select(tables.person.c.last_name))


def test_an_earlier_content_left_in_place_is_a_duplicate(nights: Nights) -> None:
    nights.put([person(1, userLastName="First")], "users-1.csv")
    nights.sync("night-1")
    nights.put([person(1, userLastName="Second")], "users-2.csv", nights.now)
    assert outcomes(nights.sync("night-2")) == [Outcome.DUPLICATE, Outcome.APPLIED]
    assert outcomes(nights.sync("night-3")) == [Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert last_name(nights) == "Second"


def test_an_earlier_content_that_arrives_anew_is_held(nights: Nights) -> None:
    two_contents(nights)
    before = nights.fingerprint()
    nights.put([person(1, userLastName="First")], at=nights.now)
    [held] = nights.sync("night-3")
    assert held.outcome is Outcome.HELD
    assert [finding.code for finding in held.findings] == ["hold-older-file"]
    assert nights.fingerprint() == before
    assert ("held", "office@springfield.example", "sent") in nights.messages()
    mails = nights.messages()
    assert outcomes(nights.sync("night-4")) == [Outcome.HELD]
    assert nights.messages() == mails


def test_a_new_content_that_is_more_than_a_day_older_is_held(nights: Nights) -> None:
    nights.put([person(1, userLastName="First")])
    nights.sync("night-1")
    nights.put([person(1, userLastName="Stale")], at=nights.now - timedelta(hours=26))
    assert outcomes(nights.sync("night-2")) == [Outcome.HELD]
    assert last_name(nights) == "First"


def test_force_applies_an_older_content_as_a_new_attempt_with_its_reason(nights: Nights) -> None:
    two_contents(nights)
    nights.put([person(1, userLastName="First")], at=nights.now)
    delivery = nights.sync("night-3")[0].delivery
    assert pipeline.touched_since(nights.services, "springfield", delivery or "") == 1
    [forced] = nights.sync("by-hand", force=True, reason="the second file was a mistake")
    assert forced.outcome is Outcome.APPLIED
    assert last_name(nights) == "First"
    with nights.owner.connect() as conn:
        reasons = conn.scalars(select(tables.attempt.c.forced_reason).where(tables.attempt.c.delivery == delivery))
        assert list(reasons)[-1] == "the second file was a mistake"
    before = nights.fingerprint()
    assert outcomes(nights.sync("by-hand", force=True, reason="again")) == [Outcome.APPLIED]
    assert nights.fingerprint() == before


@pytest.mark.parametrize("state", ["discarded", "superseded", "undone"])
def test_what_was_set_aside_stays_aside(nights: Nights, state: str) -> None:
    nights.put(FILE)
    nights.sync("night-1")
    with nights.owner.begin() as conn:
        conn.execute(update(tables.delivery).values(state=state, decided_by="ops"))
    mails = nights.messages()
    assert outcomes(nights.sync("night-2")) == [Outcome.DUPLICATE]
    assert (nights.states(), nights.messages()) == ([state], mails)


def test_another_version_of_the_rules_judges_an_applied_file_again(nights: Nights) -> None:
    nights.put([person(1), person(2)])
    nights.sync("night-1")
    before, mails = nights.fingerprint(), nights.messages()
    nights.config = district(nights.inbox, policies={"school_creation": True})
    assert outcomes(nights.sync("night-2")) == [Outcome.DUPLICATE]
    assert (nights.fingerprint(), nights.messages(), nights.states()) == (before, mails, ["applied"])


def test_a_remark_that_only_came_with_the_new_rules_makes_a_new_attempt(nights: Nights) -> None:
    nights.put([person(1)])
    nights.sync("night-1")
    with nights.owner.begin() as conn:
        conn.execute(update(tables.person).values(owner="source"))
        conn.execute(update(tables.placement).values(owner="source"))
        conn.execute(update(tables.district).values(roster_version=tables.district.c.roster_version + 1))
    [again] = nights.sync("night-2")
    assert [finding.code for finding in again.findings] == ["person-owned-by-source"]
    assert (again.attempt, again.changes) == (2, 0)

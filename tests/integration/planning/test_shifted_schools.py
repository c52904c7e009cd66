"""What was typed as a schoolId is no key of the counts unless it is a school: it may be a name or an address."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import select

from rostersync.database import tables as t
from tests.support.district_nights import Nights, district, person, teaching

TYPED = ("Ada Quimby", "ada.1@springfield.example", "998")


def stored(nights: Nights) -> list[dict[str, Any]]:
    with nights.owner.connect() as conn:
        return list(conn.scalars(select(t.attempt.c.by_school).order_by(t.attempt.c.ended_at)))


def test_names_and_addresses_in_the_school_column_are_counted_under_one_key(nights: Nights) -> None:
    shifted = [person(n, schoolId=typed) for n, typed in enumerate(TYPED, 1)]
    nights.put([*shifted, person(7), person(8, schoolId="")])
    [result] = nights.sync()
    assert list(result.by_school) == ["(none)", "(unknown)", "100"]
    assert [result.by_school[key]["staff"]["errors"] for key in result.by_school] == [1, 3, 0]
    assert (result.by_school["100"]["staff"]["created"], result.counts["staff"]["errors"]) == (1, 4)
    [kept] = stored(nights)
    assert sorted(kept) == ["(none)", "(unknown)", "100"]
    assert not any(typed in json.dumps([kept, result.summary()]) for typed in TYPED)


def test_a_class_that_is_named_at_no_school_is_counted_there_once(nights: Nights) -> None:
    nights.put([teaching(1, "c1", schoolId="Quimby"), teaching(2, "c1", schoolId="Quimbo")])
    [result] = nights.sync()
    assert list(result.by_school) == ["(unknown)"]
    assert {entity: counts["errors"] for entity, counts in result.by_school["(unknown)"].items()} == {
        "staff": 2,
        "class": 1,
        "enrollment": 2,
    }


def test_a_school_that_the_file_makes_is_a_key(nights: Nights) -> None:
    nights.config = district(nights.inbox, policies={"school_creation": True})
    made = person(1, schoolId="300", schoolName="School 300")
    nights.put(
        [made, person(2, schoolId="300", schoolName="School 300", userRole="Nobody"), person(3, schoolId="", action="")]
    )
    [result] = nights.sync()
    assert list(result.by_school) == ["(none)", "300"]
    assert (result.by_school["300"]["staff"]["created"], result.by_school["300"]["staff"]["errors"]) == (1, 1)


def test_a_removal_at_no_school_is_counted_there(nights: Nights) -> None:
    nights.put([person(1)])
    nights.sync()
    nights.put([{"action": "REMOVE-USER", "schoolId": "Ada Quimby", "userId": "u1"}, person(1)])
    [result] = nights.sync("night-2")
    assert result.by_school["(unknown)"]["staff"]["errors"] == 1
    assert sorted(result.by_school) == ["(unknown)", "100"]

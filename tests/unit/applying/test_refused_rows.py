"""The search for those whom the database refuses, whatever it refuses them for."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rostersync.applying.refused_rows import MAX_REFUSED, Refusal, search
from rostersync.exceptions import PermanentError

WHY = Refusal(sqlstate="23514", table="person", constraint="ck")
PEOPLE = [f"u{number}" for number in range(60)]


class Database:
    """Refuses single people and couples; counts how often it is asked."""

    def __init__(self, bad: set[str], couples: set[tuple[str, str]] | None = None) -> None:
        self.bad, self.couples, self.asked = bad, couples or set(), 0

    def store(self, people: Sequence[str]) -> Refusal | None:
        self.asked += 1
        there = set(people)
        return WHY if self.bad & there or any(there >= set(couple) for couple in self.couples) else None


@given(st.sets(st.sampled_from(PEOPLE), max_size=MAX_REFUSED))
def test_exactly_the_refused_are_named(bad: set[str]) -> None:
    database = Database(bad)
    assert set(search(PEOPLE, database.store)) == bad
    assert database.asked <= 2 + 8 * len(bad)


@given(st.sets(st.tuples(st.sampled_from(PEOPLE), st.sampled_from(PEOPLE)), max_size=8))
def test_of_people_who_cannot_be_stored_together_one_is_named(couples: set[tuple[str, str]]) -> None:
    database = Database(set(), couples)
    refused = search(PEOPLE, database.store)
    rest = [each for each in PEOPLE if each not in refused]
    assert database.store(rest) is None
    for name in refused:
        assert database.store([each for each in PEOPLE if each not in refused or each == name]) is WHY


def test_when_all_can_be_stored_by_now_nobody_is_named() -> None:
    database = Database(set())
    assert (search(PEOPLE, database.store), database.asked) == ({}, 1)


def test_a_fault_that_is_in_no_row_is_ours() -> None:
    asked: list[int] = []

    def refuse(people: Sequence[str]) -> Refusal:
        asked.append(len(people))
        return WHY

    with pytest.raises(PermanentError, match="23514, person, ck"):
        search(PEOPLE, refuse)
    assert asked == [len(PEOPLE), 0]


def test_a_fault_in_nearly_every_row_is_ours() -> None:
    with pytest.raises(PermanentError):
        search(PEOPLE, Database(set(PEOPLE[: MAX_REFUSED + 1])).store)

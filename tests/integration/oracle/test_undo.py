"""Undo on generated nights: the roster is as before, but for what was created and for what a later file touched."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from tests.support import roster_strategies, strategies
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import load, modest, rolled_back, undo
from tests.support.oracle.values import FILE, LIVE, Roster
from tests.support.strategies import NormalizedTable

ENTITY = {
    "schools": "school",
    "people": "person",
    "placements": "placement",
    "classes": "class",
    "enrollments": "enrollment",
}
UNITS = (frozenset({"email", "email_key"}), frozenset({"start_date", "end_date", "status"}))
GONE = ("inactive", "ended")
Records = dict[tuple[str, Any], Any]


@st.composite
def nights(draw: st.DrawFn, files: int) -> tuple[Roster, list[NormalizedTable]]:
    """A roster in which nothing is half gone, and files for it."""
    roster = draw(roster_strategies.rosters())
    end_what_hangs_in_the_air(roster)
    return roster, [draw(strategies.sheets(roster)) for _ in range(files)]


def end_what_hangs_in_the_air(roster: Roster) -> None:
    """No placement at an inactive school or of an inactive person, no class there, nobody enrolled without a placement.

    The other tests' rosters have such: what is half gone already, an undo leaves where it would make more of it.
    """

    def end(records: dict[Any, Any], key: Any, fine: bool, status: str) -> None:
        if not fine:
            records[key] = replace(records[key], status=status)

    schools = {key for key, school in roster.schools.items() if school.status == "active"}
    people = {key for key, person in roster.people.items() if person.status == "active"}
    for key in roster.placements:
        end(roster.placements, key, key[1] in schools and key[0] in people, "ended")
    for class_id, known in roster.classes.items():
        end(roster.classes, class_id, known.school_id in schools, "inactive")
    placed = {key for key, placement in roster.placements.items() if placement.status in LIVE}
    for user_id, class_id in roster.enrollments:
        known = roster.classes[class_id]
        fine = (user_id, known.school_id) in placed and known.status == "active"
        end(roster.enrollments, (user_id, class_id), fine, "ended")
    for user_id, person in roster.people.items():
        fine = person.owner != FILE or any(who == user_id for who, _ in placed)
        end(roster.people, user_id, fine, "inactive")


def apply(conn: Connection, sheet: NormalizedTable, delivery: str, attempt: int = 1) -> None:
    headers, table = sheet
    note(strategies.as_csv(headers, table).decode())
    load(conn, strategies.as_rows(table), headers, delivery=delivery, attempt=attempt)


def records(roster: Roster) -> Records:
    return {(kind, key): record for kind in ENTITY for key, record in getattr(roster, kind).items()}


@modest(6)
@given(night=nights(1))
def test_apply_and_undo_give_the_roster_as_before(
    superuser_engine: Engine, night: tuple[Roster, list[NormalizedTable]]
) -> None:
    roster, [sheet] = night
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        apply(conn, sheet, "A")
        assert undo(conn, "A").left == ()
        assert_as_before(records(roster), records(model_database.read(conn, roster)))


@modest(3)
@given(night=nights(1))
def test_a_file_applied_twice_and_undone_leaves_nothing(
    superuser_engine: Engine, night: tuple[Roster, list[NormalizedTable]]
) -> None:
    roster, [sheet] = night
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        apply(conn, sheet, "A")
        apply(conn, sheet, "A", attempt=2)
        assert undo(conn, "A", (2, 1)).left == ()
        assert_as_before(records(roster), records(model_database.read(conn, roster)))


def assert_as_before(before: Records, after: Records) -> None:
    """Every record is what it was; those that were not there are inactive."""
    assert {key: after.get(key) for key in before} == before
    assert {after[key].status for key in after.keys() - before.keys()} <= set(GONE)


@modest(4)
@given(night=nights(2))
def test_what_a_later_file_touched_stays_and_is_listed(
    superuser_engine: Engine, night: tuple[Roster, list[NormalizedTable]]
) -> None:
    roster, [wrong, newer] = night
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        apply(conn, wrong, "A")
        between = records(model_database.read(conn, roster))
        apply(conn, newer, "B")
        latest = records(model_database.read(conn, roster))
        listed = undo(conn, "A").left
        after = records(model_database.read(conn, roster))
    if between.keys() - latest.keys() or records(roster).keys() - between.keys():
        # Somebody's ID was corrected; what becomes of that has tests of its own.
        return
    for (kind, key), record in after.items():
        parts = (key,) if isinstance(key, str) else key
        told = {each.field for each in listed if (each.entity, each.key) == (ENTITY[kind], parts)}
        states = (each.get((kind, key)) for each in (records(roster), between, latest))
        Story(*states, record).check(told)


@dataclass(frozen=True, slots=True)
class Story:
    """One record before file A, after it, after file B, and after the undo of A."""

    before: Any
    wrong: Any
    latest: Any
    after: Any

    def check(self, told: set[str | None]) -> None:
        """What B touched is as B left it, and listed; the rest is as it was before A, or listed as needed since."""
        if self.wrong is None:
            assert self.after == self.latest
        elif self.before is None:
            assert self.after.status in GONE or "status" in told
            touched = {field.name for field in fields(self.after) if self.differs(field.name, self.wrong, self.latest)}
            assert bool(touched - {"status"}) == bool(told - {"status"})
        else:
            for unit in self.units():
                self.check_unit(unit, told)

    def differs(self, name: str, one: Any, other: Any) -> bool:
        return bool(getattr(one, name) != getattr(other, name))

    def units(self) -> set[frozenset[str]]:
        names = {field.name for field in fields(self.after)}
        together = [unit for unit in UNITS if unit <= names]
        return {*together, *(frozenset({name}) for name in names if not any(name in unit for unit in together))}

    def check_unit(self, unit: frozenset[str], told: set[str | None]) -> None:
        before, wrong, latest, after = (
            {name: getattr(record, name) for name in unit}
            for record in (self.before, self.wrong, self.latest, self.after)
        )
        if before == wrong:
            # Not A's: but who is placed nowhere any more is deactivated with A's placement.
            assert after == latest or after == {"status": "inactive"}
        elif latest == wrong:
            assert after == before or (after == latest and told & unit)
        else:
            assert after == latest or after == {"status": "inactive"}
            assert latest == before or told & unit

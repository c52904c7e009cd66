"""Undo on the roster itself: which values come back, which stay because somebody changed or needs them since."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, update

from rostersync.database import tables as t
from rostersync.model import Correction
from rostersync.undoing import UndoPlan
from rostersync.undoing.changed_records import ids_now
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import load, rolled_back, undo
from tests.support.oracle.values import Roster as ModelRoster
from tests.support.oracle.values import Row, School
from tests.support.strategies import OPTIONAL, REQUIRED, REQUIRED_CLASS

HEADERS = (*REQUIRED, *REQUIRED_CLASS, *OPTIONAL[1])
Left = list[tuple[str, str, str | None, str]]


class Files:
    """Files of one district with three people, applied one after the other; all of it is rolled back."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        roster = ModelRoster(schools={each: School(name=f"School {each}") for each in ("S1", "S2")})
        model_database.write(conn, roster)
        self.file("staff", *(person(n) for n in (1, 2, 3)))

    def file(self, delivery: str, *rows: dict[str, str], attempt: int = 1, creation: bool = False) -> None:
        """Apply these rows as a delivery of this name."""
        given = [
            Row(line=line, email_key=cells.get("userEmail", ""), cells={h: cells.get(h, "") for h in HEADERS})
            for line, cells in enumerate(rows, start=2)
        ]
        planned = load(self.conn, given, HEADERS, delivery=delivery, attempt=attempt, creation=creation)
        assert not [found for found in planned.findings if found.severity == "row"]

    def undo(self, delivery: str, *attempts: int) -> UndoPlan:
        return undo(self.conn, delivery, attempts or (1,))

    def left(self, delivery: str, *attempts: int) -> Left:
        """Undo it: entity, key, field and reason of what was left."""
        found = self.undo(delivery, *attempts).left
        return [(each.entity, "/".join(each.key), each.field, each.reason.value) for each in found]

    def rows(self, table: Any, *names: str) -> list[tuple[Any, ...]]:
        mine = select(*(table.c[name] for name in names)).where(table.c.district == model_database.DISTRICT)
        return sorted(tuple(row) for row in self.conn.execute(mine))

    def active(self) -> list[str]:
        return [user_id for user_id, status in self.rows(t.person, "user_id", "status") if status == "active"]

    def by_hand(self, table: Any, user_id: str, **values: Any) -> None:
        self.conn.execute(update(table).where(table.c.user_id == user_id).values(values))


@pytest.fixture(scope="module")
def one_engine(postgres: Any) -> Iterator[Engine]:
    """One database for all of them: every test is rolled back."""
    from rostersync import database
    from tests.support.servers import fresh_database

    with fresh_database(postgres) as made:
        engine = database.engine(made.superuser_url)
        yield engine
        engine.dispose()


@pytest.fixture
def files(one_engine: Engine) -> Iterator[Files]:
    with rolled_back(one_engine) as conn:
        yield Files(conn)


def person(number: int, user_id: str | None = None, **cells: str) -> dict[str, str]:
    row = {
        "schoolId": "S1",
        "userId": user_id or f"u{number}",
        "userRole": "Teacher",
        "userFirstName": f"Ada{number}",
        "userLastName": "Quimby",
        "userEmail": f"ada.{number}@example.org",
    }
    return row | cells


def teaching(number: int, class_id: str, **cells: str) -> dict[str, str]:
    return person(number, **({"classId": class_id, "className": class_id, "classGrade": "3"} | cells))


def leaving(number: int) -> dict[str, str]:
    return {"action": "REMOVE-USER", "schoolId": "S1", "userId": f"u{number}"}


def test_what_a_newer_file_changed_stays_and_is_listed_with_who_did(files: Files) -> None:
    files.file("wrong", person(1, userLastName="Wrong", userEmail="new@example.org", userRole="Administrator"))
    files.file("newer", person(1, userLastName="Newer", userEmail="new@example.org"))
    [left] = files.undo("wrong").left
    # The role is Teacher again already: nothing of it is to be put back.
    assert (left.key, left.field, left.reason, left.since_delivery) == (("u1",), "last_name", "changed", "newer")
    assert files.rows(t.person, "user_id", "last_name", "email", "role")[0] == (
        "u1",
        "Newer",
        "ada.1@example.org",
        "Teacher",
    )


def test_what_others_have_come_to_use_is_kept(files: Files) -> None:
    files.file("wrong", teaching(4, "c1"), teaching(2, "c2"))
    files.file("newer", teaching(1, "c1"), teaching(4, "c3"))
    assert files.left("wrong") == [
        ("class", "c1", "status", "in-use"),
        ("person", "u4", "status", "in-use"),
        ("placement", "u4/S1", "status", "in-use"),
    ]
    assert files.rows(t.enrollment, "user_id", "class_id", "status") == [
        ("u1", "c1", "active"),
        ("u2", "c2", "ended"),
        ("u4", "c1", "ended"),
        ("u4", "c3", "active"),
    ]
    assert files.rows(t.class_, "class_id", "status") == [("c1", "active"), ("c2", "inactive"), ("c3", "active")]
    assert files.active() == ["u1", "u2", "u3", "u4"]


def test_a_created_person_whom_a_newer_file_changed_is_deactivated_and_the_change_listed(files: Files) -> None:
    files.file("wrong", person(4))
    files.file("newer", person(4, userLastName="Newer"))
    assert files.left("wrong") == [("person", "u4", "last_name", "changed")]
    assert files.active() == ["u1", "u2", "u3"]


def test_who_has_no_placement_left_is_deactivated(files: Files) -> None:
    files.file("wrong", person(1, schoolId="S2"))
    files.file("newer", leaving(1))
    assert files.active() == ["u1", "u2", "u3"]
    assert files.left("wrong") == []
    assert files.active() == ["u2", "u3"]


def test_an_address_that_another_has_by_now_is_left(files: Files) -> None:
    files.file("wrong", person(1, userEmail="new@example.org"), leaving(2))
    files.file("newer", person(8, userEmail="ada.1@example.org"), person(9, userEmail="ada.2@example.org"))
    assert files.left("wrong") == [
        ("person", "u1", "email", "taken"),
        ("person", "u2", "status", "taken"),
        ("placement", "u2/S1", "status", "inactive"),
    ]
    assert files.active() == ["u1", "u3", "u8", "u9"]


def test_an_address_that_another_district_has_by_now_is_left(files: Files) -> None:
    files.file("wrong", person(1, userEmail="new@example.org"))
    other = {"district": model_database.OTHER, "user_id": "x", "role": "Teacher", "first_name": "X", "last_name": "Y"}
    address = {"email": "ada.1@example.org", "email_key": "ada.1@example.org", "owner": "source"}
    files.conn.execute(insert(t.person).values(**other, **address))
    assert files.left("wrong") == [("person", "u1", "email", "taken")]


def test_two_who_swapped_addresses_swap_them_back(files: Files) -> None:
    before = files.rows(t.person, "user_id", "email")
    files.file("wrong", person(1, userEmail="ada.2@example.org"), person(2, userEmail="ada.1@example.org"))
    assert files.rows(t.person, "user_id", "email") != before
    assert files.left("wrong") == []
    assert files.rows(t.person, "user_id", "email") == before


def test_a_created_person_gives_the_address_back_to_the_removed_one(files: Files) -> None:
    files.file("wrong", leaving(1), person(9, userEmail="ada.1@example.org"))
    assert files.left("wrong") == []
    assert files.active() == ["u1", "u2", "u3"]
    files.file("right", leaving(1), person(9, userEmail="ada.1@example.org"))
    files.file("newer", person(9, userEmail="ada.1@example.org", schoolId="S2"))
    assert files.left("right") == [
        ("person", "u1", "status", "taken"),
        ("person", "u9", "status", "in-use"),
        ("placement", "u1/S1", "status", "inactive"),
    ]


def test_a_corrected_id_is_given_back_with_its_assignments(files: Files) -> None:
    files.file("class", teaching(1, "c1"))
    before = [files.rows(table, *table.c.keys()[1:4]) for table in (t.person, t.placement, t.enrollment)]
    files.file("wrong", person(1, "x1"), person(2, "x2", userMiddleName="Wrong"))
    assert files.active() == ["u3", "x1", "x2"]
    assert files.left("wrong") == []
    assert [files.rows(table, *table.c.keys()[1:4]) for table in (t.person, t.placement, t.enrollment)] == before


def test_an_old_id_that_another_has_by_now_is_left(files: Files) -> None:
    files.file("wrong", person(1, "x1"))
    files.file("newer", person(1, userEmail="other@example.org", userFirstName="Other", userLastName="Other"))
    assert files.left("wrong") == [("person", "x1", "user_id", "taken")]
    assert files.active() == ["u1", "u2", "u3", "x1"]


def test_changes_are_found_under_an_id_that_was_corrected_since(files: Files) -> None:
    files.file("wrong", teaching(1, "c1", userMiddleName="Wrong"))
    files.file("newer", person(1, "x1"))
    assert files.left("wrong") == []
    assert ("x1", None) in files.rows(t.person, "user_id", "middle_name")
    assert files.rows(t.enrollment, "user_id", "status") == [("x1", "ended")]


def test_corrections_are_followed_one_after_the_other() -> None:
    def now(*pairs: tuple[str, str]) -> dict[str, str]:
        return ids_now(Correction(change=n, old=old, new=new) for n, (old, new) in enumerate(pairs))

    assert now(("a", "b"), ("b", "c")) == {"a": "c"}
    assert now(("a", "b"), ("b", "a")) == {}
    # Another person got the free ID, and gave it up in turn.
    assert now(("a", "b"), ("a", "c")) == {"a": "b"}
    assert now(("a", "b"), ("c", "a"), ("a", "d")) == {"a": "b", "c": "d"}


def test_other_owners_hand_edits_and_records_that_are_gone_are_left(files: Files) -> None:
    files.file("wrong", *(person(n, userMiddleName="Wrong") for n in (1, 2, 3)), person(4))
    files.by_hand(t.person, "u1", owner="source")
    files.by_hand(t.person, "u2", sticky=["middle_name"])
    for table in (t.placement, t.person):
        files.conn.execute(delete(table).where(table.c.user_id == "u4"))
    assert files.left("wrong") == [
        ("person", "u1", None, "owner"),
        ("person", "u2", "middle_name", "by-hand"),
        ("person", "u4", None, "gone"),
        ("placement", "u4/S1", None, "gone"),
    ]
    middle = files.rows(t.person, "user_id", "middle_name")
    assert middle == [("u1", "Wrong"), ("u2", "Wrong"), ("u3", None)]


def test_a_school_that_the_file_created_is_deactivated_unless_it_is_used(files: Files) -> None:
    rows = [person(1, schoolId=school, schoolName=school) for school in ("S3", "S4")]
    files.file("wrong", *rows, creation=True)
    files.file("newer", person(2, schoolId="S4"))
    assert files.left("wrong") == [("school", "S4", "status", "in-use")]
    assert files.rows(t.school, "school_id", "status")[2:] == [("S3", "inactive"), ("S4", "active")]


def test_dates_are_given_back_together_or_not_at_all(files: Files) -> None:
    files.file("wrong", *(person(n, startDate="2026-12-01", endDate="2026-12-31") for n in (1, 2)))
    files.file("newer", person(2, startDate="2026-12-01", endDate="2027-01-31"))
    assert files.left("wrong") == [("placement", "u2/S1", "status", "changed")]
    assert files.rows(t.placement, "user_id", "status") == [("u1", "active"), ("u2", "planned"), ("u3", "active")]


def test_an_assignment_that_has_begun_since_is_no_change(files: Files) -> None:
    files.file("wrong", person(1, startDate="2026-12-01"), person(4, startDate="2026-12-01"))
    for user_id in ("u1", "u4"):
        files.by_hand(t.placement, user_id, status="active")
    assert files.left("wrong") == []
    assert files.rows(t.placement, "user_id", "start_date", "status")[0] == ("u1", None, "active")
    assert files.active() == ["u1", "u2", "u3"]


def test_attempts_are_undone_newest_first(files: Files) -> None:
    files.file("wrong", person(1, userLastName="Wrong"), person(2, userLastName="Wrong"))
    files.file("newer", person(1, userLastName="Newer"))
    files.file("wrong", person(1, userLastName="Wrong"), person(2, userLastName="Wrong"), attempt=2)
    # Attempt 2 gives "Newer" back, which attempt 1 did not write.
    assert files.left("wrong", 2, 1) == [("person", "u1", "last_name", "changed")]
    assert files.rows(t.person, "user_id", "last_name") == [("u1", "Newer"), ("u2", "Quimby"), ("u3", "Quimby")]


def test_first_assigned_stays_first(files: Files) -> None:
    """Who came first is a class's official teacher: being removed by mistake must not cost the place."""
    files.file("class", teaching(1, "c1"))
    files.conn.execute(update(t.enrollment).values(assigned_at="2026-09-01"))
    before = files.rows(t.enrollment, "user_id", "assigned_at", "status")
    files.file("wrong", {"action": "REMOVE-ENROLLMENT", "schoolId": "S1", "userId": "u1", "classId": "c1"})
    assert files.left("wrong") == []
    assert files.rows(t.enrollment, "user_id", "assigned_at", "status") == before

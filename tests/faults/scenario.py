"""The story that every fault is put into: a district with a roster, a file applied the night before, and tonight's.

Every personal cell holds the word CANARY: wherever it turns up outside the roster, the intake tables, the landing store
and the addressed mails, personal data has leaked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert

from rostersync.database import tables
from tests.support import district_nights as nights

CANARY = "zqcanary"
FILE = f"users-{CANARY}.csv"
"""A file's name may hold a person's, too."""
HERE, NEXT_DOOR = "springfield", "shelbyville"
TONIGHT = nights.START + timedelta(days=1)

Cells = dict[str, str]


def person(number: int | str, **cells: str) -> Cells:
    """A valid row about a person whose every personal cell is a canary."""
    own = {
        "userId": f"{CANARY}{number}",
        "userFirstName": f"{CANARY.title()}{number}",
        "userLastName": f"O'{CANARY.title()}",
        "userEmail": f"{CANARY}.{number}@springfield.example",
    }
    return nights.person(0, **(own | cells))


def teaching(number: int | str, class_id: str, **cells: str) -> Cells:
    """The same with a class."""
    named = ("classId", "className", "classGrade", "primaryTeacher")
    group = {name: cell for name, cell in nights.teaching(0, class_id).items() if name in named}
    return person(number, **(group | cells))


LAST_NIGHT = (
    teaching(1, "c1"),
    teaching(2, "c1", primaryTeacher=""),
    teaching(3, "c2"),
    *(person(number) for number in (4, 5, 6)),
    person(7, schoolId="200"),
)
"""Applied before the fault."""

REMOVED = {"schoolId": "100", "userId": f"{CANARY}5", "action": "REMOVE-USER"}
TONIGHTS = (
    teaching(1, "c1", className="Reading anew"),
    person(2, userLastName=f"{CANARY.title()}-New"),
    teaching(3, "c3"),
    person(4, schoolId="200"),
    REMOVED,
    teaching(8, "c4"),
    person(9),
    person(10, userRole="Janitor"),
    person(11, schoolId="999"),
    person("s1", userLastName="Taken"),
)
"""Creates, changes, moves and ends; three rows have errors, one of them about a person whom the source owns."""


def plant(conn: Connection) -> None:
    """What is there before any file: both districts, and what the enrollment source and a person own."""
    conn.execute(insert(tables.district), [{"code": code, "name": code.title()} for code in (HERE, NEXT_DOOR)])
    for code, owner in ((HERE, "source"), (NEXT_DOOR, "source"), (NEXT_DOOR, "file")):
        first = owner == "source"
        ids = ("100", "200") if first else ("300",)
        conn.execute(insert(tables.school), [_school(code, i, owner) for i in ids])
        _people(conn, code, ids[0], owner, "s" if first else "f")


def _school(code: str, school: str, owner: str) -> dict[str, Any]:
    return {"district": code, "school_id": school, "name": f"School {school}", "owner": owner}


def _people(conn: Connection, code: str, school: str, owner: str, letter: str) -> None:
    own: Mapping[str, Any] = {"district": code, "owner": owner}
    ids = [f"{CANARY}{letter}{number}" for number in (1, 2)]
    for id_ in ids:
        email = f"{id_}@{code}.example"
        names = {"first_name": id_.title(), "last_name": CANARY.title(), "email": email, "email_key": email}
        conn.execute(insert(tables.person).values(user_id=id_, role="Teacher", **names, **own))
        conn.execute(insert(tables.placement).values(user_id=id_, school_id=school, status="active", **own))
    class_id = f"k-{letter}"
    conn.execute(insert(tables.class_).values(class_id=class_id, school_id=school, name="Art", grade="3", **own))
    enrolled = [{"user_id": id_, "class_id": class_id, "status": "active", **own} for id_ in ids]
    conn.execute(insert(tables.enrollment), enrolled)

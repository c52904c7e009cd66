"""The roster of record: schools, staff, a few students and classes that the enrollment source sent before the file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sqlalchemy import Column, Connection, Engine, MetaData, Table, select, update
from sqlalchemy.dialects.postgresql import insert

from rostersync import database
from rostersync.database import tables
from rostersync.planning import lock_district
from rostersync.sample.names import Names
from rostersync.sample.places import SampleDistrict

STAFF, STUDENTS, CLASSES = 4, 3, 3
"""Per school. Few students: they are here only because a file may not touch them."""
GRADES = np.array(["PK", "TK", "K", *(str(n) for n in range(1, 13))], dtype=object)
SUBJECTS = np.array(["Reading", "English Language Arts", "Mathematics", "Science"], dtype=object)


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """Frames with the roster tables' column names, without district, owner and time stamps."""

    schools: pd.DataFrame
    people: pd.DataFrame
    placements: pd.DataFrame
    classes: pd.DataFrame
    enrollments: pd.DataFrame


def of_record(place: SampleDistrict, names: Names, rng: np.random.Generator) -> Roster:
    """The source's records of a district: each school has a principal, teachers with classes, and some students."""
    ids = np.array(list(place.schools), dtype=object)
    people = _people(place, names, rng, ids)
    classes = _classes(ids, rng)
    staff = people[people["role"] == "Teacher"]
    teachers = staff.groupby("school_id")["user_id"].first()
    return Roster(
        schools=pd.DataFrame({"school_id": ids, "name": list(place.schools.values())}),
        people=people.drop(columns="school_id"),
        placements=people[["user_id", "school_id"]].assign(status="active"),
        classes=classes,
        enrollments=pd.DataFrame(
            {
                "user_id": teachers.reindex(classes["school_id"]).to_numpy(),
                "class_id": classes["class_id"],
                "primary_teacher": True,
                "status": "active",
            }
        ),
    )


def _people(place: SampleDistrict, names: Names, rng: np.random.Generator, ids: np.ndarray) -> pd.DataFrame:
    count = len(ids) * (STAFF + STUDENTS)
    drawn = names.people(rng, count)
    seat = np.arange(count) % (STAFF + STUDENTS)
    number = np.arange(1, count + 1)
    role = np.where(seat == 0, "Administrator", np.where(seat < STAFF, "Teacher", "Student"))
    email = [f"{local}{n}@{place.domain}" for local, n in zip(drawn["local"], number, strict=True)]
    address = pd.Series(email, dtype=object).where(role != "Student", None)
    return pd.DataFrame(
        {
            "user_id": [f"{n:06d}" for n in number],
            "role": role,
            "first_name": drawn["first"],
            "last_name": drawn["last"],
            "email": address,
            "email_key": address,
            "school_id": np.repeat(ids, STAFF + STUDENTS),
        }
    )


def _classes(ids: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    count = len(ids) * CLASSES
    school = np.repeat(ids, CLASSES)
    grade = rng.choice(GRADES, size=count)
    subject = SUBJECTS[np.arange(count) % len(SUBJECTS)]
    number = np.arange(count) % CLASSES + 1
    return pd.DataFrame(
        {
            "class_id": [f"{s}-{n:02d}" for s, n in zip(school, number, strict=True)],
            "school_id": school,
            "name": subject + " " + grade,
            "grade": grade,
        }
    )


_TABLES = (
    ("schools", tables.school),
    ("people", tables.person),
    ("placements", tables.placement),
    ("classes", tables.class_),
    ("enrollments", tables.enrollment),
)


def write(engine: Engine, place: SampleDistrict, roster: Roster) -> int:
    """Enter the roster as the source's, under the district's lock; the number of new records. Again: 0.

    `engine` is the enrollment source's: the tasks may not write what the source owns. Records that are there already
    are left as they are. Raises what `database.translated` raises.
    """
    with database.transaction(engine, place.code) as conn:
        known = insert(tables.district).values(code=place.code, name=place.name).on_conflict_do_nothing()
        conn.execute(known)
        lock_district(conn, place.code)
        new = sum(_enter(conn, place.code, table, getattr(roster, name)) for name, table in _TABLES)
        if new:
            here = tables.district.c.code == place.code
            conn.execute(
                update(tables.district).where(here).values(roster_version=tables.district.c.roster_version + 1)
            )
    return new


def _enter(conn: Connection, district: str, table: Table, frame: pd.DataFrame) -> int:
    """COPY into a temporary table, then one INSERT of what is not there yet."""
    named = frame.assign(district=district, owner="source")
    columns = (Column(name, table.c[name].type) for name in named.columns)
    stage = Table(f"sample_{table.name}", MetaData(), *columns, prefixes=["TEMPORARY"], postgresql_on_commit="DROP")
    stage.create(conn)
    listed = ", ".join(f'"{name}"' for name in named.columns)
    with conn.connection.cursor().copy(f'COPY "{stage.name}" ({listed}) FROM STDIN') as copy:
        for row in named.itertuples(index=False, name=None):
            copy.write_row(row)
    keys = [key.name for key in table.primary_key.columns]
    source = select(*stage.c).order_by(*(stage.c[key] for key in keys))
    enter = insert(table).from_select(list(named.columns), source).on_conflict_do_nothing(index_elements=keys)
    return conn.execute(enter, execution_options={"preserve_rowcount": True}).rowcount

"""The roster rules, the plan and the apply, on a real PostgreSQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, func, insert, select

from rostersync.applying import apply
from rostersync.catalogue.findings import message, resolution
from rostersync.configuration import dictionary
from rostersync.database import tables
from rostersync.planning import Plan, PlanContext, lock_district, plan
from tests.support.logins import acting_as

TODAY = date(2026, 11, 23)
DEFAULTS = {
    "action": "",
    "schoolId": "S1",
    "userId": "u1",
    "userRole": "Teacher",
    "userFirstName": "Ada",
    "userLastName": "Lovelace",
    "userEmail": "ada@example.org",
    "classId": "",
    "className": "",
    "classGrade": "",
    "primaryTeacher": "",
}
CLASS = {"classId": "C1", "className": "Reading", "classGrade": "3"}


def row(line: int, **cells: str) -> dict[str, object]:
    """A normalised, accepted row."""
    full: dict[str, object] = {**DEFAULTS, **cells, "line": line, "status": "accepted", "class_part_dropped": False}
    full["status"] = cells.get("status", "accepted")
    full["email_key"] = str(full["userEmail"]).lower()
    return full


def frame(*rows: Mapping[str, object]) -> pd.DataFrame:
    return pd.DataFrame(list(rows)).fillna("")


def seed(conn: Connection) -> None:
    conn.execute(insert(tables.district), [{"code": "d", "name": "D"}, {"code": "e", "name": "E"}])
    schools = [{"district": "d", "school_id": s, "name": s, "owner": "source"} for s in ("S1", "S2")]
    conn.execute(insert(tables.school), schools)


def person(conn: Connection, user_id: str, owner: str = "file", district: str = "d", **values: object) -> None:
    known = {
        "district": district,
        "user_id": user_id,
        "role": "Teacher",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "email": f"{user_id}@example.org",
        "email_key": f"{user_id}@example.org",
        "owner": owner,
    }
    conn.execute(insert(tables.person), {**known, **values})


def placed(conn: Connection, user_id: str, school: str = "S1", owner: str = "file", **values: object) -> None:
    known = {"district": "d", "user_id": user_id, "school_id": school, "owner": owner, "status": "active"}
    conn.execute(insert(tables.placement), {**known, **values})


def run(conn: Connection, *rows: Mapping[str, object], write: bool = True, creation: bool = False) -> Plan:
    context = PlanContext(district="d", dictionary=dictionary.load_dictionary(), today=TODAY, school_creation=creation)
    with acting_as(conn, "roster_sync", "d"):
        lock_district(conn, "d")
        planned = plan(conn, context, frame(*rows))
        if write:
            apply(planned, delivery="d-1", attempt=1, actor="test")
    return planned


def flat(planned: Plan) -> list[tuple[int | None, str | None, str]]:
    return [f.flat for f in planned.findings]


@pytest.fixture
def conn(superuser_engine: Engine):
    with superuser_engine.connect() as connection, connection.begin() as transaction:
        seed(connection)
        yield connection
        transaction.rollback()


def test_a_new_person_with_a_class_is_created_once(conn: Connection) -> None:
    first = run(conn, row(2, **CLASS))
    assert first.findings == ()
    assert first.counts["staff"]["created"] == 1
    assert first.counts["class"]["created"] == 1
    assert first.counts["enrollment"]["created"] == 1
    assert first.counts["school"]["unchanged"] == 1
    assert first.by_school["S1"]["staff"]["created"] == 1
    again = run(conn, row(2, **CLASS))
    assert again.changes == 0
    assert again.counts["enrollment"]["unchanged"] == 1
    assert conn.scalar(select(tables.district.c.roster_version).where(tables.district.c.code == "d")) == 1


def test_an_unknown_school_rejects_just_its_row(conn: Connection) -> None:
    planned = run(conn, row(2), row(3, schoolId="S9", userId="u2", userEmail="b@example.org"))
    assert flat(planned) == [(3, "schoolId", "school-unknown")]
    assert planned.rows.rejected == 1
    assert planned.counts["school"] == {"created": 0, "updated": 0, "unchanged": 1, "removed": 0, "errors": 1}
    assert planned.counts["staff"]["errors"] == 1
    assert conn.scalar(select(func.count()).select_from(tables.person)) == 1


def test_the_nearest_school_is_offered_and_the_districts_own_id_recognised(conn: Connection) -> None:
    schools = [("00310", "active"), ("Elm-1", "active"), ("410", "inactive")]
    rows = [{"district": "d", "school_id": s, "name": s, "owner": "source", "status": status} for s, status in schools]
    conn.execute(insert(tables.school), rows)
    typed = ("310", "elm1", "410x", "Nowhere", "D")
    planned = run(conn, *(row(n, schoolId=school, userId=f"u{n}") for n, school in enumerate(typed, start=2)))
    told = [(f.detail["suggestion"], bool(f.detail["hint"])) for f in planned.findings[1:]]
    assert [f.code for f in planned.findings] == ["cell-leading-zero-lost", *["school-unknown"] * 4]
    assert told == [("Elm-1", False), ("none", False), ("none", False), ("none", True)]


def test_a_taken_address_names_its_holder_inside_the_district_only(conn: Connection) -> None:
    person(conn, "mine")
    placed(conn, "mine")
    person(conn, "theirs", district="e")
    rows = (
        row(2, userEmail="mine@example.org", userLastName="Other"),
        row(3, userId="u2", userEmail="theirs@example.org"),
    )
    planned = run(conn, *rows)
    inside, outside = (f"{message(f)} {resolution(f)}" for f in planned.findings)
    assert "userId mine" in inside
    assert "R-" not in inside
    assert f"reference {planned.findings[1].detail['reference']}" in outside
    assert "theirs" not in outside
    again = run(conn, *rows)
    assert again.findings[1].detail["reference"] == planned.findings[1].detail["reference"]


def test_two_people_may_swap_their_addresses(conn: Connection) -> None:
    for name in ("a", "b"):
        person(conn, name)
        placed(conn, name)
    planned = run(conn, row(2, userId="a", userEmail="b@example.org"), row(3, userId="b", userEmail="a@example.org"))
    assert flat(planned) == [(2, "userEmail", "email-changed"), (3, "userEmail", "email-changed")]
    assert planned.counts["staff"]["updated"] == 2


def test_an_address_of_another_district_is_taken_and_reveals_nothing(conn: Connection) -> None:
    person(conn, "x", district="e", email="ada@example.org", email_key="ada@example.org")
    planned = run(conn, row(2))
    assert flat(planned) == [(2, "userEmail", "email-taken")]
    assert "user_id" not in planned.findings[0].detail


def test_a_rejected_claim_leaves_the_next_one_without_ground(conn: Connection) -> None:
    person(conn, "a")
    person(conn, "b")
    person(conn, "c", owner="source", role="Teacher")
    for name in ("a", "b"):
        placed(conn, name)
    planned = run(conn, row(2, userId="a", userEmail="c@example.org"), row(3, userId="b", userEmail="a@example.org"))
    assert flat(planned) == [(2, "userEmail", "email-taken"), (3, "userEmail", "email-taken")]
    assert planned.findings[0].detail["user_id"] == "c"


def test_a_source_person_may_be_named_but_not_changed(conn: Connection) -> None:
    person(conn, "u1", owner="source", email="ada@example.org", email_key="ada@example.org")
    placed(conn, "u1", owner="source")
    assert [(f.code, str(f.severity)) for f in run(conn, row(2)).findings] == [("person-owned-by-source", "remark")]
    assert [(f.code, str(f.severity)) for f in run(conn, row(2, userFirstName="Eve")).findings] == [
        ("person-owned-by-source", "row")
    ]
    assert [(f.code, str(f.severity)) for f in run(conn, row(2, schoolId="S2")).findings] == [
        ("person-owned-by-source", "row")
    ]


def test_removing_a_person_ends_placement_and_enrollments_and_deactivates(conn: Connection) -> None:
    run(conn, row(2, **CLASS))
    planned = run(conn, row(2, action="REMOVE-USER", userEmail=""))
    assert planned.findings == ()
    assert planned.counts["staff"]["removed"] == 1
    assert planned.counts["enrollment"]["removed"] == 1
    assert conn.scalar(select(tables.person.c.status)) == "inactive"
    again = run(conn, row(2, action="REMOVE-USER", userEmail=""))
    assert again.changes == 0
    back = run(conn, row(2, **CLASS))
    assert (2, "userId", "reactivated") in flat(back)
    assert conn.scalar(select(tables.enrollment.c.status)) == "active"


def test_what_comes_back_is_told_at_the_row_that_asks_for_it(conn: Connection) -> None:
    """A removal that stands above it names the same school, or the same person, and asks for nothing of it."""
    conn.execute(insert(tables.school).values(district="d", school_id="S3", name="S3", owner="file", status="inactive"))
    taught = {"class_id": "C2", "school_id": "S3", "name": "Math", "grade": "4", "owner": "file"}
    conn.execute(insert(tables.class_).values(district="d", status="active", **taught))
    removal = row(2, schoolId="S3", action="REMOVE-CLASS", classId="C2", userEmail="")
    planned = run(conn, removal, row(3, schoolId="S3"), creation=True)
    assert [each for each in flat(planned) if each[2] == "reactivated"] == [(3, "schoolId", "reactivated")]
    [logged] = conn.execute(select(tables.change.c.line).where(tables.change.c.entity == "school")).all()
    assert logged.line == 3


def test_a_placement_beside_a_removal_elsewhere_is_told_at_its_own_row(conn: Connection) -> None:
    run(conn, row(2), row(3, schoolId="S2"))
    run(conn, row(2, action="REMOVE-USER", userEmail=""), row(3, schoolId="S2", action="REMOVE-USER", userEmail=""))
    back = run(conn, row(2, action="REMOVE-USER", userEmail=""), row(3, schoolId="S2"))
    assert [each for each in flat(back) if each[2] == "reactivated"] == [(3, "userId", "reactivated")]


def test_removing_a_class_ends_its_enrollments(conn: Connection) -> None:
    run(conn, row(2, **CLASS), row(3, userId="u2", userEmail="b@example.org", **CLASS))
    planned = run(conn, row(2, action="REMOVE-CLASS", userId="", classId="C1", userEmail=""))
    assert planned.counts["class"]["removed"] == 1
    assert planned.counts["enrollment"]["removed"] == 2
    assert planned.counts["staff"] == dict.fromkeys(planned.counts["staff"], 0)


def test_removing_what_is_not_there_is_an_error(conn: Connection) -> None:
    planned = run(
        conn,
        row(2, action="REMOVE-USER"),
        row(3, action="REMOVE-CLASS", classId="C9"),
        row(4, action="REMOVE-ENROLLMENT", classId="C9"),
    )
    assert [(f.line, f.code) for f in planned.findings] == [(n, "action-target-unknown") for n in (2, 3, 4)]


def test_an_id_correction_renames_the_person(conn: Connection) -> None:
    run(conn, row(2, **CLASS))
    planned = run(conn, row(2, userId="u9", **CLASS))
    assert flat(planned) == [(2, "userId", "id-corrected")]
    assert planned.counts["staff"]["updated"] == 1
    assert conn.scalars(select(tables.enrollment.c.user_id)).all() == ["u9"]
    assert run(conn, row(2, userId="u9", **CLASS)).changes == 0


def test_twins_of_known_ids_are_errors(conn: Connection) -> None:
    person(conn, "00123")
    person(conn, "ABC")
    planned = run(
        conn, row(2, userId="123", userEmail="n@example.org"), row(3, userId="abc", userEmail="m@example.org")
    )
    assert flat(planned) == [(2, "userId", "cell-leading-zero-lost"), (3, "userId", "id-case-differs")]


def test_a_class_of_another_school_is_an_error(conn: Connection) -> None:
    run(conn, row(2, **CLASS))
    planned = run(conn, row(2, schoolId="S2", **CLASS))
    assert flat(planned) == [(2, "classId", "class-other-school")]


def test_dates_decide_the_status(conn: Connection) -> None:
    planned = run(conn, row(2, startDate="2026-12-01", endDate="", **CLASS))
    assert planned.findings == ()
    assert conn.scalar(select(tables.enrollment.c.status)) == "planned"
    assert conn.scalar(select(tables.placement.c.status)) == "active"
    ended = run(conn, row(2, startDate="2026-09-01", endDate="2026-11-22", **CLASS))
    assert flat(ended) == [(2, "endDate", "date-past")]
    assert ended.counts["enrollment"]["removed"] == 1


def test_rejected_rows_count_as_errors_under_their_school_or_none(conn: Connection) -> None:
    bad = row(3, userId="", schoolId="", status="rejected")
    planned = run(conn, row(2), bad, row(4, userId="", status="rejected", **CLASS))
    assert planned.counts["staff"]["errors"] == 2
    assert planned.counts["school"]["errors"] == 1
    assert planned.counts["class"]["errors"] == 1
    assert planned.by_school["(none)"]["staff"]["errors"] == 1
    assert planned.by_school["S1"]["staff"]["errors"] == 1

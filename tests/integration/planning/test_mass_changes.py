"""Each limit of a mass change: below its number, at and above its number, at and above its share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, insert

from rostersync import database
from rostersync.configuration.dictionary import load_dictionary
from rostersync.configuration.district import Holds, Threshold
from rostersync.database import tables as t
from rostersync.embedded_postgres.server import Server
from rostersync.model import Finding
from rostersync.planning import PlanContext, find_holds, lock_district, plan
from tests.support.district_nights import START
from tests.support.logins import acting_as
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import rolled_back
from tests.support.oracle.values import Row
from tests.support.servers import fresh_database

HEADERS = load_dictionary().headers
DISTRICT = "springfield"
ELM_STREET = {"school": "100", "school_name": "Elm Street"}
"""What a finding says of the school that is about to lose too much."""
Cells = Mapping[str, str]


@pytest.fixture(scope="module")
def shared(postgres: Server) -> Iterator[Engine]:
    """One database for all tests of this module, each of which is rolled back."""
    with fresh_database(postgres) as made:
        engine = database.engine(made.superuser_url)
        yield engine
        engine.dispose()


@pytest.fixture
def conn(shared: Engine) -> Iterator[Connection]:
    """A transaction in a district with schools 100 and 200 and no people."""
    with rolled_back(shared) as opened:
        opened.execute(insert(t.district).values(code=DISTRICT, name="Springfield"))
        names = {"100": "Elm Street", "200": "Oak Hill"}
        schools = [{"school_id": i, "name": name, "owner": "source", "district": DISTRICT} for i, name in names.items()]
        opened.execute(insert(t.school), schools)
        yield opened


def staff(number: int, **cells: str) -> dict[str, str]:
    """A row that says just what `employ` entered."""
    return {
        "schoolId": "100",
        "userId": f"u{number}",
        "userRole": "Teacher",
        "userFirstName": f"Ada{number}",
        "userLastName": "Quimby",
        "userEmail": f"ada.{number}@springfield.example",
    } | cells


def employ(
    conn: Connection,
    count: int,
    *,
    first: int = 1,
    school: str = "100",
    status: str = "active",
    owner: str = "file",
) -> None:
    """So many people with a placement at the school."""
    own = {"district": DISTRICT, "owner": owner}
    people = [
        {
            "user_id": f"u{n}",
            "role": "Teacher",
            "first_name": f"Ada{n}",
            "last_name": "Quimby",
            "email": f"ada.{n}@springfield.example",
            "email_key": f"ada.{n}@springfield.example",
            "status": status,
        }
        | own
        for n in range(first, first + count)
    ]
    conn.execute(insert(t.person), people)
    placed = "active" if status == "active" else "ended"
    conn.execute(
        insert(t.placement),
        [{"user_id": person["user_id"], "school_id": school, "status": placed} | own for person in people],
    )


def teach(conn: Connection, people: int, classes: int, *, school: str = "100", prefix: str = "c") -> None:
    """Each of the classes has each of the first people enrolled."""
    own = {"district": DISTRICT, "owner": "file"}
    names = [f"{prefix}{n}" for n in range(1, classes + 1)]
    rows = [{"class_id": c, "school_id": school, "name": c, "grade": "3"} | own for c in names]
    conn.execute(insert(t.class_), rows)
    enrolled = [
        {"user_id": f"u{n}", "class_id": c, "status": "active"} | own for c in names for n in range(1, people + 1)
    ]
    conn.execute(insert(t.enrollment), enrolled)


def judged(conn: Connection, rows: Sequence[Cells], holds: Holds | None = None, **context: Any) -> list[Finding]:
    """What holds these rows back by the limits, which are the default ones unless given."""
    staged = [
        Row(
            line=line,
            status="accepted",
            class_part_dropped=False,
            email_key=cells.get("userEmail", ""),
            cells=dict.fromkeys(HEADERS, "") | dict(cells),
        )
        for line, cells in enumerate(rows, 2)
    ]
    made = PlanContext(district=DISTRICT, dictionary=load_dictionary(), today=START.date(), **context)
    with acting_as(conn, "roster_sync", DISTRICT):
        lock_district(conn, DISTRICT)
        return list(find_holds(plan(conn, made, model_database.frame(staged, HEADERS)), holds or Holds()))


def codes(conn: Connection, rows: Sequence[Cells], holds: Holds | None = None, **context: Any) -> list[str]:
    return [each.code for each in judged(conn, rows, holds, **context)]


def told(findings: Sequence[Finding], code: str) -> list[dict[str, Any]]:
    return [dict(finding.detail) for finding in findings if finding.code == code]


def leaving(number: int, school: str = "100") -> dict[str, str]:
    return {"action": "REMOVE-USER", "schoolId": school, "userId": f"u{number}"}


def closing(name: str, school: str = "100") -> dict[str, str]:
    return {"action": "REMOVE-CLASS", "schoolId": school, "classId": name}


@pytest.mark.parametrize(
    ("people", "leave", "held"),
    [
        (8, 4, False),  # half of them, but fewer than five
        (49, 5, True),  # five, and more than ten per cent
        (50, 5, False),  # five, and just ten per cent
        (100, 10, False),
        (100, 11, True),
    ],
)
def test_removals_of_people(conn: Connection, people: int, leave: int, held: bool) -> None:
    employ(conn, people)
    findings = judged(conn, [leaving(n) for n in range(1, leave + 1)])
    there = [{"entity": "people", "count": leave, "of": people}] if held else []
    assert told(findings, "hold-removals") == there
    assert told(findings, "hold-school") == [each | ELM_STREET for each in there]


def test_only_the_files_active_people_are_compared_with(conn: Connection) -> None:
    employ(conn, 40)
    employ(conn, 40, first=101, status="inactive")
    employ(conn, 40, first=201, owner="source")
    [removals] = told(judged(conn, [leaving(n) for n in range(1, 6)]), "hold-removals")
    assert removals == {"entity": "people", "count": 5, "of": 40}


def test_another_districts_people_are_not_compared_with(conn: Connection) -> None:
    employ(conn, 20)
    conn.execute(insert(t.district).values(code="shelbyville", name="Shelbyville"))
    names = {"role": "Teacher", "first_name": "X", "last_name": "X", "owner": "file", "district": "shelbyville"}
    others = [
        names | {"user_id": f"x{n}", "email": f"x{n}@b.example", "email_key": f"x{n}@b.example"} for n in range(99)
    ]
    conn.execute(insert(t.person), others)
    assert "hold-removals" in codes(conn, [leaving(n) for n in range(1, 6)])


@pytest.mark.parametrize(("classes", "held"), [(49, True), (50, False)])
def test_removals_of_classes(conn: Connection, classes: int, held: bool) -> None:
    employ(conn, 1)
    teach(conn, 1, classes)
    findings = judged(conn, [closing(f"c{n}") for n in range(1, 6)])
    entities = [each["entity"] for each in told(findings, "hold-removals")]
    assert entities == (["classes", "enrollments"] if held else [])


def test_a_cascade_counts_each_enrollment_that_it_ends(conn: Connection) -> None:
    employ(conn, 40)
    teach(conn, 40, 1)
    teach(conn, 20, 1, prefix="d")
    assert told(judged(conn, [closing("d1")]), "hold-removals") == [{"entity": "enrollments", "count": 20, "of": 60}]
    assert codes(conn, [closing("d1")], Holds(removals=Threshold(share=0.4, least=5))) == []


def test_removals_at_one_school_hold_though_the_district_hardly_notices(conn: Connection) -> None:
    employ(conn, 90)
    employ(conn, 9, first=101, school="200")
    assert codes(conn, [leaving(n, "200") for n in range(101, 105)]) == []
    [held] = judged(conn, [leaving(n, "200") for n in range(101, 106)])
    assert (held.code, held.detail["school"], held.detail["count"], held.detail["of"]) == ("hold-school", "200", 5, 9)


def test_one_finding_tells_of_a_school_with_its_greatest_loss(conn: Connection) -> None:
    employ(conn, 10)
    teach(conn, 10, 2)
    [held] = told(judged(conn, [leaving(n) for n in range(1, 6)]), "hold-school")
    assert held == {"entity": "enrollments", "count": 10, "of": 20} | ELM_STREET


@pytest.mark.parametrize(
    ("people", "renamed", "held"),
    [(19, 19, False), (66, 20, True), (67, 20, False), (100, 30, False), (100, 31, True)],
)
def test_updates(conn: Connection, people: int, renamed: int, held: bool) -> None:
    employ(conn, people)
    rows = [staff(n, userMiddleName="Newname") for n in range(1, renamed + 1)]
    findings = judged(conn, [*rows, *(staff(n) for n in range(renamed + 1, people + 1))])
    expected = [{"entity": "people", "count": renamed, "of": people}] if held else []
    assert (told(findings, "hold-updates"), len(findings)) == (expected, int(held))


@pytest.mark.parametrize(
    ("people", "new", "held"), [(2, 24, False), (49, 25, True), (50, 25, False), (60, 30, False), (60, 31, True)]
)
def test_creates(conn: Connection, people: int, new: int, held: bool) -> None:
    employ(conn, people)
    assert codes(conn, [staff(n) for n in range(people + 1, people + new + 1)]) == ["hold-creates"] * held


@pytest.mark.parametrize(("new", "held"), [(500, False), (501, True)])
def test_a_first_delivery(conn: Connection, new: int, held: bool) -> None:
    employ(conn, 3, owner="source")
    assert codes(conn, [staff(n) for n in range(11, 11 + new)]) == ["hold-creates"] * held


@pytest.mark.parametrize(("raised", "held"), [(2, False), (3, True)])
def test_administrators(conn: Connection, raised: int, held: bool) -> None:
    employ(conn, 100)
    rows = [staff(n, userRole="Administrator") for n in range(1, raised + 1)]
    assert codes(conn, rows) == ["hold-admins"] * held


def test_new_administrators_are_administrators_too_except_in_a_first_delivery(conn: Connection) -> None:
    rows = [staff(n, userRole="Administrator") for n in range(101, 104)]
    assert codes(conn, rows) == []
    employ(conn, 100)
    assert codes(conn, rows) == ["hold-admins"]


@pytest.mark.parametrize(("people", "changed", "held"), [(8, 4, False), (49, 5, True), (50, 5, False), (50, 6, True)])
def test_addresses(conn: Connection, people: int, changed: int, held: bool) -> None:
    employ(conn, people)
    rows = [staff(n, userEmail=f"new.{n}@springfield.example") for n in range(1, changed + 1)]
    assert codes(conn, rows) == ["hold-emails"] * held


@pytest.mark.parametrize(("people", "changed", "held"), [(8, 4, False), (49, 5, True), (50, 5, False), (50, 6, True)])
def test_corrected_ids(conn: Connection, people: int, changed: int, held: bool) -> None:
    employ(conn, people)
    rows = [staff(n, userId=f"new-{n}") for n in range(1, changed + 1)]
    assert codes(conn, rows) == ["hold-id-churn"] * held


@pytest.mark.parametrize(("rows", "foreign", "held"), [(4, 4, False), (24, 5, True), (25, 5, False), (25, 6, True)])
def test_unknown_schools(conn: Connection, rows: int, foreign: int, held: bool) -> None:
    file = [staff(n, schoolId="999" if n <= foreign else "100") for n in range(1, rows + 1)]
    assert codes(conn, file) == ["hold-foreign"] * held
    assert codes(conn, file, school_creation=True) == []


def test_a_district_sets_its_own_limits(conn: Connection) -> None:
    employ(conn, 10)
    rows = [leaving(1), staff(11, schoolId="999")]
    strict = Holds(removals=Threshold(share=0, least=1), foreign=Threshold(share=0.4, least=1))
    assert codes(conn, rows, strict) == ["hold-removals", "hold-school", "hold-foreign"]


def test_a_share_that_is_no_binary_number_is_met_exactly() -> None:
    assert not Threshold(share=0.29, least=1).exceeded(29, 100)
    assert Threshold(share=0.29, least=1).exceeded(30, 100)

"""A column of addresses or IDs shifted by a row: one long chain of claims, of which each falls with the one before."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import Connection, Engine, event, insert, select

from rostersync.configuration import dictionary
from rostersync.database import tables
from rostersync.planning import PlanContext, lock_district
from rostersync.planning.rules.single_rows import find_row_violations
from rostersync.planning.rules.unchanged_rows import set_unchanged_rows_apart
from rostersync.planning.rules.unique_values import find_claim_violations
from rostersync.planning.workspace import Workspace, open_workspace
from tests.support.claim_rounds import judge_claims_in_rounds
from tests.support.logins import acting_as

TODAY = date(2026, 11, 23)
HEADERS = ("action", "schoolId", "userId", "userRole", "userFirstName", "userLastName", "userEmail", "userDistrictId")
Judge = Callable[[Workspace], None]
Findings = list[tuple[int, str | None, str, str | None]]


def address(number: int) -> str:
    return f"p{number:05d}@example.org"


def row(line: int, number: int, **cells: str) -> dict[str, object]:
    """An accepted row about a person who is in the roster, with their own address."""
    full: dict[str, object] = dict.fromkeys(HEADERS, "") | {
        "schoolId": "S1",
        "userId": f"u{number:05d}",
        "userRole": "Teacher",
        "userFirstName": "Ada",
        "userLastName": f"Lovelace{number}",
        "userEmail": address(number),
    }
    full |= cells
    full |= {"line": line, "status": "accepted", "class_part_dropped": False, "email_key": str(full["userEmail"])}
    return full


def seed(conn: Connection, people: Sequence[Mapping[str, Any]], placements: Sequence[Mapping[str, Any]]) -> None:
    conn.execute(insert(tables.district), [{"code": "d", "name": "D"}, {"code": "e", "name": "E"}])
    schools = [{"district": "d", "school_id": s, "name": s, "owner": "source"} for s in ("S1", "S2")]
    conn.execute(insert(tables.school), schools)
    conn.execute(insert(tables.person), [*people])
    if placements:
        conn.execute(insert(tables.placement), [*placements])


def person(number: int, **values: Any) -> dict[str, Any]:
    known = {"district": "d", "user_id": f"u{number:05d}", "role": "Teacher", "owner": "file", "status": "active"}
    names = {"first_name": "Ada", "last_name": f"Lovelace{number}", "user_district_id": None, "sticky": []}
    return known | names | {"email": address(number), "email_key": address(number)} | values


def placed(number: int, school: str = "S1", **values: Any) -> dict[str, Any]:
    known = {"district": "d", "user_id": f"u{number:05d}", "school_id": school, "owner": "file", "status": "active"}
    return known | values


def findings(conn: Connection, rows: Sequence[Mapping[str, object]], judge: Judge) -> tuple[Findings, list[int]]:
    """Line, column, code and holder of each claim that is refused, and the lines that stay accepted."""
    context = PlanContext(district="d", dictionary=dictionary.load_dictionary(), today=TODAY)
    nested = conn.begin_nested()
    with acting_as(conn, "roster_sync", "d"):
        lock_district(conn, "d")
        ws = open_workspace(conn, context, pd.DataFrame(list(rows)))
        set_unchanged_rows_apart(ws)
        find_row_violations(ws)
        judge(ws)
        noted = conn.execute(
            select(ws.rule_findings).where(ws.rule_findings.c.code.in_(("email-taken", "secondary-id-taken")))
        ).all()
        accepted = sorted(conn.scalars(select(ws.stage.c.line).where(ws.accepted)))
    nested.rollback()
    return sorted((f.line, f.column, f.code, f.detail.get("user_id")) for f in noted), accepted


@contextmanager
def counted(conn: Connection) -> Iterator[list[str]]:
    """The statements that are executed meanwhile."""
    statements: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(conn, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(conn, "before_cursor_execute", note)


@pytest.fixture
def conn(superuser_engine: Engine) -> Iterator[Connection]:
    with superuser_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


def chain(length: int) -> list[dict[str, object]]:
    """Everybody gets the address of the next one; the last one's is that of somebody who is not in the file."""
    return [row(number + 1, number, userEmail=address(number + 1)) for number in range(1, length + 1)]


def test_a_shifted_column_rejects_everybody_and_names_who_keeps_the_address(conn: Connection) -> None:
    seed(conn, [person(number) for number in range(1, 32)], [placed(number) for number in range(1, 32)])
    expected = [(n + 1, "userEmail", "email-taken", f"u{n + 1:05d}") for n in range(1, 31)]
    assert findings(conn, chain(30), find_claim_violations) == (expected, [])


def test_a_longer_chain_takes_no_more_statements(conn: Connection) -> None:
    seed(conn, [person(number) for number in range(1, 152)], [placed(number) for number in range(1, 152)])
    counts = []
    for length in (10, 150):
        with counted(conn) as statements:
            refused, _ = findings(conn, chain(length), find_claim_violations)
        # The last one of the short chain asks for the address of somebody whom the file does not name.
        assert len(refused) == length
        counts.append(len(statements))
    assert counts[1] == counts[0]


def test_a_chain_that_ends_in_a_free_address_or_in_a_circle_is_accepted(conn: Connection) -> None:
    seed(conn, [person(number) for number in range(1, 31)], [placed(number) for number in range(1, 31)])
    free = chain(30)
    assert findings(conn, free, find_claim_violations) == ([], [row["line"] for row in free])
    circle = [*chain(29), row(31, 30, userEmail=address(1))]
    assert findings(conn, circle, find_claim_violations) == ([], [row["line"] for row in circle])


def test_who_leaves_gives_up_their_address_although_their_own_row_falls(conn: Connection) -> None:
    """2 asks for what 3 (source) keeps and falls; 2 is removed at S1 too, and placed nowhere else: 1 may have it."""
    seed(conn, [person(1), person(2), person(3, owner="source")], [placed(1), placed(2)])
    rows = [
        row(2, 1, userEmail=address(2)),
        row(3, 2, schoolId="S2", userEmail=address(3)),
        row(4, 2, action="REMOVE-USER"),
    ]
    refused = [(3, "userEmail", "email-taken", "u00003")]
    assert findings(conn, rows, find_claim_violations) == (refused, [2, 4])
    # With another placement there is somebody left who keeps it.
    conn.execute(insert(tables.placement), [placed(2, "S2", owner="manual")])
    refused = [(2, "userEmail", "email-taken", "u00002"), *refused]
    assert findings(conn, rows, find_claim_violations) == (refused, [4])


def _random_roster(random_: random.Random, size: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    people, placements = [], []
    for number in range(1, size + 1):
        owner = random_.choices(("file", "source", "manual"), (8, 1, 1))[0]
        values = {"owner": owner, "status": random_.choices(("active", "inactive"), (9, 1))[0]}
        values["district"] = random_.choices(("d", "e"), (9, 1))[0]
        values["user_district_id"] = random_.choice((None, f"D{number}"))
        values["sticky"] = random_.choices(([], ["email"], ["user_district_id"]), (8, 1, 1))[0]
        people.append(person(number, **values))
        for school in random_.sample(("S1", "S2"), random_.randint(0, 2)) if values["district"] == "d" else ():
            status = random_.choice(("active", "planned", "ended"))
            placements.append(placed(number, school, owner=random_.choice(("file", owner)), status=status))
    return people, placements


def _random_file(random_: random.Random, size: int) -> list[dict[str, object]]:
    """One or two rows a person, agreeing; addresses and IDs mostly those of a neighbour; some removals."""
    rows: list[dict[str, object]] = []
    corrected = random_.sample(range(1, size + 1), 1)
    for number in random_.sample(range(1, size + 3), size):
        asked = random_.choice((number, number, number + 1, number + 1, number + 1, number - 1, number + 2))
        cells = {"userEmail": address(max(asked, 1))}
        if random_.random() < 0.6:
            cells["userDistrictId"] = f"D{max(1, number + random_.choice((0, 1, 1, 2)))}"
        if number in corrected:
            cells |= {"userId": f"n{number:05d}", "userEmail": address(number)}
        for school in random_.sample(("S1", "S2"), random_.choice((1, 1, 2))):
            rows.append(row(len(rows) + 2, number, schoolId=school, **cells))
        if random_.random() < 0.3:
            school = random_.choice(("S1", "S2"))
            blank = {"userEmail": "", "userDistrictId": ""}
            rows.append(row(len(rows) + 2, number, action="REMOVE-USER", schoolId=school, **blank))
    return rows


@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.long) for start in (8, 16))])
def test_whatever_is_asked_for_is_judged_as_round_by_round(conn: Connection, start: int) -> None:
    fell = 0
    for seed_ in range(start, start + 8):
        random_ = random.Random(seed_)
        size = random_.randint(3, 12)
        nested = conn.begin_nested()
        seed(conn, *_random_roster(random_, size))
        rows = _random_file(random_, size)
        expected = findings(conn, rows, judge_claims_in_rounds)
        assert findings(conn, rows, find_claim_violations) == expected, f"seed {seed_}"
        fell += len(expected[0])
        nested.rollback()
    assert fell > 8

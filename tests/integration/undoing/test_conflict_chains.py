"""Undoing a file that moved addresses round: somebody keeps what they have, and so keeps everybody after them."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, select, update

from rostersync.database import tables as t
from rostersync.planning.rules.unique_attributes import UNIQUE
from rostersync.undoing import conflicts
from rostersync.undoing.claim_chains import Claim, rounds_of
from rostersync.undoing.workspace import UndoWorkspace
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import load, rolled_back, undo
from tests.support.oracle.values import Roster, Row, School
from tests.support.strategies import OPTIONAL, REQUIRED, REQUIRED_CLASS

HEADERS = (*REQUIRED, *REQUIRED_CLASS, *OPTIONAL[1])
Result = tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]


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
def conn(one_engine: Engine) -> Iterator[Connection]:
    with rolled_back(one_engine) as connection:
        model_database.write(connection, Roster(schools={each: School(name=each) for each in ("S1", "S2")}))
        yield connection


def address(number: int) -> str:
    return f"p{number}@example.org"


def person(number: int, **cells: str) -> dict[str, str]:
    names = {"userRole": "Teacher", "userFirstName": f"Ada{number}", "userLastName": "Quimby"}
    return {"schoolId": "S1", "userId": f"u{number}", "userEmail": address(number)} | names | cells


def file(conn: Connection, delivery: str, rows: list[dict[str, str]]) -> None:
    given = [
        Row(line=line, email_key=cells.get("userEmail", ""), cells={h: cells.get(h, "") for h in HEADERS})
        for line, cells in enumerate(rows, start=2)
    ]
    load(conn, given, HEADERS, delivery=delivery)


def rotated(conn: Connection, size: int) -> None:
    """Everybody has got the address of the next one; the first one's is kept by hand since."""
    file(conn, "first", [person(number) for number in range(size)])
    file(conn, "moved", [person(number, userEmail=address((number + 1) % size)) for number in range(size)])
    conn.execute(update(t.person).where(t.person.c.user_id == "u0").values(sticky=["email"]))


def undone(conn: Connection, delivery: str = "moved") -> Result:
    """What is left, and everybody's address, ID and status, after the undo; which is rolled back."""
    nested = conn.begin_nested()
    left = sorted((x.entity, x.key, x.field or "", x.reason.value) for x in undo(conn, delivery).left)
    p = t.person.c
    people = sorted(map(tuple, conn.execute(select(p.user_id, p.email, p.user_district_id, p.status))))
    nested.rollback()
    return left, people


def statements_of(conn: Connection, work: Callable[[Connection], Any]) -> tuple[Any, int]:
    count = 0

    def note(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(conn, "before_cursor_execute", note)
    try:
        return work(conn), count
    finally:
        event.remove(conn, "before_cursor_execute", note)


def test_who_keeps_an_address_keeps_all_the_next_ones_from_theirs(conn: Connection) -> None:
    rotated(conn, 6)
    left, people = undone(conn)
    kept = [("person", ("u0",), "email", "by-hand")]
    assert left == kept + [("person", (f"u{n}",), "email", "taken") for n in range(1, 6)]
    assert [row[:2] for row in people] == [(f"u{n}", address((n + 1) % 6)) for n in range(6)]


def test_a_longer_chain_takes_no_more_statements(conn: Connection) -> None:
    counts = []
    for size in (5, 60):
        nested = conn.begin_nested()
        rotated(conn, size)
        (left, _), count = statements_of(conn, undone)
        assert len(left) == size
        counts.append(count)
        nested.rollback()
    assert counts[1] == counts[0]


def _settled_in_rounds(u: UndoWorkspace) -> None:
    """The oracle: every rule in every round, until nothing changes."""
    while True:
        left = conflicts._ids_taken(u) + sum(conflicts._claims_taken(u, unique) for unique in UNIQUE)
        if not left + sum(conflicts._leave_dependents(u)):
            return


def _random_nights(conn: Connection, random_: random.Random, size: int) -> None:
    """Addresses and district IDs move round, some people are removed, some come back with them; then hands."""
    file(conn, "first", [person(n, userDistrictId=f"D{n}") for n in range(size)])
    gone = random_.sample(range(size), random_.randint(1, size // 3))
    file(conn, "gone", [{"action": "REMOVE-USER", "schoolId": "S1", "userId": f"u{n}"} for n in gone])
    cells: dict[int, dict[str, str]] = {n: {} for n in range(size)}
    for header, value in (("userEmail", address), ("userDistrictId", "D{}".format)):
        circle = random_.sample(range(size), random_.randint(2, size))
        for number, following in zip(circle, [*circle[1:], circle[0]], strict=True):
            cells[number][header] = value(following)
    again = [person(n, **{"userDistrictId": f"D{n}"} | cells[n]) for n in range(size)]
    removed = [{"action": "REMOVE-USER", "schoolId": "S1", "userId": f"u{n}"} for n in random_.sample(range(size), 2)]
    named = {row["userId"] for row in removed}
    file(conn, "moved", [*(row for row in again if row["userId"] not in named), *removed])
    for number in random_.sample(range(size), 2):
        kept = random_.choice((["email"], ["user_district_id"], ["email", "user_district_id"]))
        change = random_.choice(({"sticky": kept}, {"sticky": kept}, {"status": "inactive"}))
        conn.execute(update(t.person).where(t.person.c.user_id == f"u{number}").values(change))


@pytest.mark.parametrize("start", [0, *(pytest.param(start, marks=pytest.mark.long) for start in (6, 12))])
def test_whatever_was_moved_is_left_as_round_by_round(
    conn: Connection, monkeypatch: pytest.MonkeyPatch, start: int
) -> None:
    taken = 0
    for seed in range(start, start + 6):
        random_ = random.Random(seed)
        nested = conn.begin_nested()
        _random_nights(conn, random_, random_.randint(4, 9))
        with monkeypatch.context() as patched:
            patched.setattr(conflicts, "_resolve_conflicts", _settled_in_rounds)
            expected = undone(conn)
        assert undone(conn) == expected, f"seed {seed}"
        taken += sum(reason == "taken" for *_, reason in expected[0])
        nested.rollback()
    assert taken, "the scenes do not show what they are about"


def test_a_chain_stops_where_somebody_may_not_come_back() -> None:
    chain = [
        Claim("a", "1", "2", comes_back=False, taken=True),
        Claim("b", "2", "3", comes_back=False, taken=False),
        Claim("c", "3", "3", comes_back=True, taken=False),
        Claim("d", "9", "8", comes_back=False, taken=False),
    ]
    assert [([claim.user_id for claim in hit], stops) for hit, stops in rounds_of(chain)] == [
        (["a"], False),
        (["b"], True),
    ]

"""The plan and the apply in SQL against the oracle in memory, on rosters and files that collide often."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from rostersync import dictionary
from rostersync.applying import apply
from rostersync.planning import Plan, PlanContext, lock_district, plan
from tests import model_database, roster_model, strategies
from tests.roster_remarks import LATER
from tests.roster_values import Night, Policies, Roster, Row, Told
from tests.strategies import TODAY

LONG = int(os.environ.get("ROSTER_MODEL_EXAMPLES", "0"))
EXAMPLES = LONG or 100
modest = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not LONG,
    database=None,
    # Shrinking runs thousands of plans: only where somebody waits for it.
    phases=(Phase.generate, Phase.shrink) if LONG else (Phase.generate,),
    # The engine is opened once and every example is rolled back: nothing is left of one in the next.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@contextmanager
def rolled_back(engine: Engine) -> Iterator[Connection]:
    """A transaction of which nothing stays."""
    with engine.connect() as conn, conn.begin() as transaction:
        yield conn
        transaction.rollback()


def load(conn: Connection, rows: list[Row], headers: tuple[str, ...], *, creation: bool = False) -> Plan:
    """Plan and apply the rows."""
    context = PlanContext(
        district=model_database.DISTRICT, dictionary=dictionary.load(), today=TODAY, school_creation=creation
    )
    lock_district(conn, model_database.DISTRICT)
    planned = plan(conn, context, model_database.frame(rows, headers))
    apply(planned, delivery="d-1", attempt=1, actor="test")
    return planned


def assert_same(planned: Plan, after: Roster, expected: Night) -> None:
    """The program came to what the oracle says."""
    found = model_database.told(planned.findings)
    assert errors(found) == errors(expected.findings)
    assert_told(found, expected.findings)
    assert after == expected.roster
    assert {e: dict(b) for e, b in planned.counts.items()} == expected.counts
    assert plain(planned.by_school) == plain(expected.by_school)
    assert rows_of(planned) == expected.rows
    assert bool(planned.changes) == expected.changed


def errors(found: frozenset[Told]) -> set[Told]:
    return {each for each in found if each.severity == "row"}


def assert_told(found: frozenset[Told], expected: frozenset[Told]) -> None:
    """Remarks of accepted rows: told where the oracle allows them, and none of this issue's left out."""
    rejected = {each.line for each in expected if each.severity == "row"}
    said = {each for each in found if each.severity == "remark" and each.line not in rejected}
    allowed = {each for each in expected if each.severity == "remark"}
    assert said <= allowed
    assert {each.code for each in allowed} - {each.code for each in said} <= LATER


def plain(by_school: Any) -> dict[str, Any]:
    """Counts per school without schools at which nothing was counted."""
    counted = {s: {e: dict(b) for e, b in by.items() if any(b.values())} for s, by in by_school.items()}
    return {school: by for school, by in counted.items() if by}


def rows_of(planned: Plan) -> dict[str, int]:
    rows = planned.rows
    return {"read": rows.read, "accepted": rows.accepted, "rejected": rows.rejected, "set_aside": rows.set_aside}


@st.composite
def nights(draw: st.DrawFn) -> tuple[Roster, strategies.Sheet]:
    roster = draw(strategies.rosters())
    return roster, draw(strategies.sheets(roster))


@modest
@given(night=nights())
def test_a_night_comes_to_what_the_oracle_says(engine: Engine, night: tuple[Roster, strategies.Sheet]) -> None:
    roster, (headers, table) = night
    rows = strategies.as_rows(table)
    note(strategies.as_csv(headers, table).decode())
    expected = roster_model.apply(roster, rows, headers=headers, today=TODAY)
    with rolled_back(engine) as conn:
        model_database.write(conn, roster)
        planned = load(conn, rows, headers)
        assert_same(planned, model_database.read(conn, roster), expected)
        assert_adds_up(planned, expected)


def assert_adds_up(planned: Plan, expected: Night) -> None:
    """created + updated + unchanged + removed + errors = distinct entities named or ended; so for rows."""
    assert {entity: sum(by.values()) for entity, by in planned.counts.items()} == expected.distinct
    rows = planned.rows
    assert rows.read == rows.accepted + rows.rejected + rows.set_aside


@modest
@given(night=nights(), creation=st.booleans())
def test_loading_twice_changes_nothing(engine: Engine, night: tuple[Roster, strategies.Sheet], creation: bool) -> None:
    roster, (headers, table) = night
    rows = strategies.as_rows(table)
    note(strategies.as_csv(headers, table).decode())
    with rolled_back(engine) as conn:
        model_database.write(conn, roster)
        load(conn, rows, headers, creation=creation)
        once = model_database.read(conn, roster)
        again = roster_model.apply(
            once, rows, headers=headers, today=TODAY, policies=Policies(school_creation=creation)
        )
        if again.changed:
            return
        assert load(conn, rows, headers, creation=creation).changes == 0
        assert model_database.read(conn, roster) == once

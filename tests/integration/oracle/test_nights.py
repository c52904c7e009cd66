"""The plan and the apply in SQL against the oracle in memory, on rosters and files that collide often."""

from __future__ import annotations

from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import Engine

from rostersync import reading, screening
from rostersync.configuration import dictionary
from rostersync.planning import Plan
from tests.support import strategies
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.comparison import assert_adds_up, assert_same, load, modest, rolled_back
from tests.support.oracle.values import Policies, Roster, Row
from tests.support.strategies import TODAY


@st.composite
def nights(draw: st.DrawFn) -> tuple[Roster, strategies.Sheet]:
    """A roster and a file for it."""
    roster = draw(strategies.rosters())
    return roster, draw(strategies.sheets(roster))


@modest(30)
@given(night=nights(), creation=st.sampled_from((False, False, True)))
def test_a_night_comes_to_what_the_oracle_says(
    superuser_engine: Engine, night: tuple[Roster, strategies.Sheet], creation: bool
) -> None:
    roster, (headers, table) = night
    rows = strategies.as_rows(table)
    note(strategies.as_csv(headers, table).decode())
    policies = Policies(school_creation=creation)
    expected = roster_model.apply(roster, rows, headers=headers, today=TODAY, policies=policies)
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        planned = load(conn, rows, headers, creation=creation)
        assert_same(planned, model_database.read(conn, roster), expected)
        assert_adds_up(planned, expected)


@modest(10)
@given(night=nights())
def test_loading_twice_changes_nothing(superuser_engine: Engine, night: tuple[Roster, strategies.Sheet]) -> None:
    roster, (headers, table) = night
    rows = strategies.as_rows(table)
    note(strategies.as_csv(headers, table).decode())
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        first = load(conn, rows, headers)
        once = model_database.read(conn, roster)
        again = load(conn, rows, headers)
        assert model_database.read(conn, roster) == (expected := expected_again(once, rows, headers))
        # An ID that was corrected is another one for the rows that name it next time: the oracle says what comes.
        assert again.changes == 0 or (expected != once and corrects(first))


def expected_again(once: Roster, rows: list[Row], headers: tuple[str, ...]) -> Roster:
    return roster_model.apply(once, rows, headers=headers, today=TODAY).roster


def corrects(planned: Plan) -> bool:
    return any(found.code == "id-corrected" for found in planned.findings)


@modest(8)
@given(night=nights())
def test_bytes_come_to_what_the_oracle_says_of_their_screened_rows(
    superuser_engine: Engine, night: tuple[Roster, strategies.Sheet]
) -> None:
    roster, (headers, table) = night
    data = strategies.as_csv(headers, table)
    note(data.decode())
    words = dictionary.load()
    screened = screening.screen(reading.read(data, words, max_bytes=1 << 20, max_rows=1000), words)
    assert not screened.refused
    rows = model_database.rows_of(screened.rows)
    expected = roster_model.apply(roster, rows, headers=headers, today=TODAY)
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        planned = load(conn, rows, headers)
        assert_same(planned, model_database.read(conn, roster), expected)
        assert_adds_up(planned, expected)

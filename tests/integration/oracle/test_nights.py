"""The plan and the apply in SQL against the oracle in memory, on rosters and files that collide often."""

from __future__ import annotations

from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import Engine

from rostersync import screening
from rostersync.configuration import dictionary
from rostersync.planning import Plan
from tests.support import roster_strategies, strategies
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.comparison import assert_adds_up, assert_same, load, load_screened, modest, read, rolled_back
from tests.support.oracle.values import Policies, Roster, Row, School
from tests.support.strategies import TODAY
from tests.support.valid_files import Table


@st.composite
def nights(draw: st.DrawFn) -> tuple[Roster, strategies.NormalizedTable]:
    """A roster and a file for it."""
    roster = draw(roster_strategies.rosters())
    return roster, draw(strategies.sheets(roster))


@modest(15)
@given(night=nights(), creation=st.sampled_from((False, False, True)))
def test_a_night_comes_to_what_the_oracle_says(
    superuser_engine: Engine, night: tuple[Roster, strategies.NormalizedTable], creation: bool
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
def test_loading_twice_changes_nothing(
    superuser_engine: Engine, night: tuple[Roster, strategies.NormalizedTable]
) -> None:
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
    superuser_engine: Engine, night: tuple[Roster, strategies.NormalizedTable]
) -> None:
    roster, (headers, table) = night
    data = strategies.as_csv(headers, table)
    note(data.decode())
    screened = screening.screen(read(data), dictionary.load_dictionary())
    assert not screened.refused
    rows = model_database.rows_of(screened)
    expected = roster_model.apply(roster, rows, headers=headers, today=TODAY)
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        planned = load_screened(conn, screened)
        assert_same(planned, model_database.read(conn, roster), expected)
        assert_adds_up(planned, expected)


REMOVALS = ("REMOVE-USER", "REMOVE-ENROLLMENT", "REMOVE-CLASS")


@st.composite
def grown_files(draw: st.DrawFn) -> tuple[Table, Table]:
    """People of two schools with some classes each, and rows that come to the file the next night."""
    table = [
        _taught(f"p{number}", class_id)
        for number in range(draw(st.integers(2, 5)))
        for class_id in sorted(draw(st.sets(st.sampled_from(("", "K1", "K2", "K3", "K4")), min_size=1, max_size=3)))
    ]
    more = [_taught(f"p{draw(st.integers(0, 9))}", draw(st.sampled_from(("K1", "K4"))), primaryTeacher="")]
    if draw(st.booleans()):
        named = dict(draw(st.sampled_from([*table, *more])))
        word = draw(st.sampled_from(REMOVALS[: 3 if named["classId"] else 1]))
        more.append(named | {"action": word, "schoolId": draw(st.sampled_from((named["schoolId"], "S1", "S9")))})
    return table, more


def _taught(user_id: str, class_id: str, **cells: str) -> dict[str, str]:
    """A row about a person at the school of the class; K4 is at S2, and who has no class is at S1."""
    said = {"userId": user_id, "schoolId": "S2" if class_id == "K4" else "S1", "userRole": "Teacher"}
    said |= {"userFirstName": "Ada", "userLastName": "Lovelace", "userEmail": f"{user_id}@example.org"}
    named = {"classId": class_id, "className": "Reading", "classGrade": "1"} if class_id else {}
    return dict.fromkeys(HEADERS, "") | said | named | cells


HEADERS = (*strategies.REQUIRED, *strategies.REQUIRED_CLASS)


@modest(12)
@given(grown=grown_files())
def test_the_same_file_with_a_few_more_rows_comes_to_what_the_oracle_says(
    superuser_engine: Engine, grown: tuple[Table, Table]
) -> None:
    """Most rows ask for nothing new the second night, and some of them share a person or a class with those that do."""
    table, more = grown
    roster = Roster(schools={school: School(name=school) for school in ("S1", "S2")})
    note(strategies.as_csv(HEADERS, [*table, *more]).decode())
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, roster)
        load(conn, strategies.as_rows(table), HEADERS)
        once = model_database.read(conn, roster)
        rows = strategies.as_rows([*table, *more])
        expected = roster_model.apply(once, rows, headers=HEADERS, today=TODAY)
        planned = load(conn, rows, HEADERS)
        assert_same(planned, model_database.read(conn, once), expected)
        assert_adds_up(planned, expected)

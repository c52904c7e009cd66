"""Raw SQL with each login: another district is invisible and unwritable, and no district is an exception."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import sql

from tests.faults.markers import fault
from tests.support.tenancy import (
    CELLS,
    HERE,
    LISTINGS,
    MAY,
    NO_DISTRICT,
    NO_RIGHT,
    ROLES,
    SOME_COLUMN,
    STATEMENTS,
    THERE,
    Logins,
)

pytestmark = fault(
    "F30", "Every login, every table: another district is neither seen nor written; none set is an exception."
)

READERS = [(role, table) for role in ROLES for table in CELLS if "S" in MAY[role].get(table, "")]
READERS += [("roster_owner", table) for table in CELLS]


@pytest.mark.parametrize(("role", "table"), READERS)
def test_without_a_district_cells_are_an_exception_and_never_no_rows(logins: Logins, role: str, table: str) -> None:
    for words in (
        f"SELECT * FROM {table}",
        f"SELECT count(*) FROM {table}",
        f"SELECT * FROM {table} WHERE district = '{HERE}'",
        f"SELECT * FROM {table} WHERE district = 'nowhere'",
        f"SELECT 1 WHERE EXISTS (SELECT FROM {table})",
    ):
        assert logins.answer(role, words, None) == NO_DISTRICT
        assert logins.answer(role, words, "") == NO_DISTRICT


@pytest.mark.parametrize("table", CELLS)
def test_an_empty_table_raises_too(logins: Logins, table: str) -> None:
    empty = f"TRUNCATE {table} CASCADE"
    with logins.as_("postgres", None) as conn:
        conn.execute(empty)
        conn.execute("SET LOCAL ROLE roster_sync")
        with pytest.raises(psycopg.DatabaseError) as caught:
            conn.execute(f"SELECT * FROM {table}")
    assert caught.value.sqlstate == NO_DISTRICT


def test_a_district_that_was_set_is_gone_with_its_transaction(logins: Logins) -> None:
    assert logins.answer("roster_sync", "SELECT * FROM roster.school", HERE) == 3
    assert logins.answer("roster_sync", "SELECT * FROM roster.school", None) == NO_DISTRICT


@pytest.mark.parametrize(("role", "table"), READERS)
def test_another_districts_rows_are_invisible(logins: Logins, role: str, table: str) -> None:
    assert logins.answer(role, f"SELECT * FROM {table} WHERE district = '{THERE}'") == 0
    with logins.as_(role) as conn:
        assert conn.execute(f"SELECT DISTINCT district FROM {table}").fetchall() == [(HERE,)]


OWN = {"roster_source": "source", "roster_manual": "manual"}
"""Whose records a login inserts; all others try the file's."""


def planting(table: str, role: str, code: str) -> str:
    """The rows of this table that the test's database was planted with, for a district, as this login may own them."""
    owner = OWN.get(role, "file")
    if table == "roster.school":
        return f"INSERT INTO {table} (district, school_id, name, owner) VALUES ('{code}', 'N', 'N', '{owner}')"
    words = STATEMENTS[table].replace("%(d)s", f"'{code}'")
    return words.replace("ARRAY['source', 'file', 'manual']", f"ARRAY['{owner}']")


@pytest.mark.parametrize("table", [*CELLS, *LISTINGS])
@pytest.mark.parametrize("role", [*ROLES, "roster_owner"])
def test_another_districts_rows_are_unwritable(logins: Logins, role: str, table: str) -> None:
    may = "SIUD" if role == "roster_owner" else MAY[role].get(table, "")
    assert logins.answer(role, planting(table, role, THERE)) == ("RLS" if "I" in may else NO_RIGHT)
    key, column = "code" if table == "roster.district" else "district", SOME_COLUMN[table]
    change = f"UPDATE {table} SET {column} = {column} WHERE {key} = "
    assert logins.answer(role, f"{change}'{THERE}'") == (0 if "U" in may else NO_RIGHT)
    assert logins.answer(role, f"DELETE FROM {table} WHERE {key} = '{THERE}'") == (0 if "D" in may else NO_RIGHT)


def test_no_record_moves_to_another_district(logins: Logins) -> None:
    move = f"UPDATE roster.school SET district = '{THERE}' WHERE school_id = 'S-source'"
    assert logins.answer("roster_source", move) == "RLS"
    assert logins.answer("roster_sync", move) == NO_RIGHT


@pytest.mark.parametrize("table", LISTINGS)
def test_listings_are_read_for_all_districts_on_behalf_of_none(logins: Logins, table: str) -> None:
    assert logins.answer("roster_sync", f"SELECT * FROM {table}", None) == 2
    change = f"UPDATE {table} SET {SOME_COLUMN[table]} = {SOME_COLUMN[table]}"
    assert logins.answer("roster_sync", change, None) in (NO_DISTRICT, NO_RIGHT)


def test_the_district_is_computed_once_for_a_statement(logins: Logins) -> None:
    """What a policy costs is counted in calls, because time on a shared machine says nothing."""
    rows = """
        INSERT INTO roster.school (district, school_id, name, owner)
        SELECT 'here', 'N' || n, 'N', 'file' FROM generate_series(1, 2000) n
    """
    plans = ("SELECT * FROM roster.school", "SELECT * FROM roster.school WHERE district = 'here'", rows)

    def count(conn: psycopg.Connection[tuple[int]]) -> int:
        called = "SELECT coalesce(sum(calls), 0) FROM pg_stat_xact_user_functions WHERE funcname = 'current_district'"
        return int((conn.execute(called).fetchone() or (0,))[0])

    with logins.as_("postgres") as conn:
        conn.execute("SET LOCAL track_functions = 'all'")
        conn.execute("SET LOCAL ROLE roster_sync")
        conn.execute(rows.replace("'N' ||", "'M' ||"))
        for words in plans:
            before = count(conn)
            conn.execute(sql.SQL(words))
            assert 0 < count(conn) - before < 20

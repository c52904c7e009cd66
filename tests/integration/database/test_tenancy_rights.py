"""Raw SQL with each login: the verbs it may use, and that nobody defines anything or becomes somebody else."""

from __future__ import annotations

import psycopg
import pytest
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege

from tests.faults.markers import fault
from tests.support.tenancy import CELLS, CHANGEABLE, HERE, MAY, NO_RIGHT, ROLES, SOME_COLUMN, TABLES, Logins, refused

pytestmark = fault("F30", "Every login, every table, every verb in raw SQL: what is not granted is refused.")


def without_rows(table: str, columns: str) -> str:
    """An INSERT of nothing: only the right is asked."""
    return f"INSERT INTO {table} ({columns}) SELECT {', '.join('NULL' for _ in columns.split(','))} WHERE false"


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_each_login_may_do_with_each_table_what_is_written_here_and_no_more(
    logins: Logins, role: str, table: str
) -> None:
    may = MAY[role].get(table, "")
    column = SOME_COLUMN[table]
    attempts = {
        "S": f"SELECT count(*) FROM {table}",
        "I": without_rows(table, column),
        "U": f"UPDATE {table} SET {column} = DEFAULT WHERE false",
        "D": f"DELETE FROM {table} WHERE false",
    }
    assert {verb: not refused(logins.answer(role, words)) for verb, words in attempts.items()} == {
        verb: verb in may for verb in attempts
    }
    never = (
        f"TRUNCATE {table}",
        f"DROP TABLE {table} CASCADE",
        f"ALTER TABLE {table} ADD COLUMN more int",
        f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} OWNER TO {role}",
        f"CREATE INDEX ON {table} ({column})",
        f"CREATE POLICY mine ON {table} USING (true)",
        f"CREATE TRIGGER mine BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION roster.check_owner()",
        f"CREATE RULE mine AS ON INSERT TO {table} DO INSTEAD NOTHING",
        f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE" if not set("UD") & set(may) else "DROP SCHEMA roster CASCADE",
    )
    assert {words: logins.answer(role, words) for words in never} == dict.fromkeys(never, NO_RIGHT)
    # A grant of what one does not have to give grants nothing; PostgreSQL says so by an error or by a warning.
    logins.answer(role, f"GRANT ALL ON {table} TO PUBLIC")
    assert refused(logins.answer(role, f"TRUNCATE {table}"))


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("table", TABLES)
def test_copy_is_no_way_around(logins: Logins, role: str, table: str) -> None:
    may = MAY[role].get(table, "")
    with logins.as_(role) as conn:
        open_to_it = ("intake.run_districts", "intake.outbox_epoch")  # they belong to no district
        wrong = FeatureNotSupported if "I" in may and table not in open_to_it else InsufficientPrivilege
        if "I" not in may or table not in open_to_it:
            with pytest.raises(wrong), conn.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                copy.write("")
    with logins.as_(role) as conn, conn.cursor() as cursor:
        if "S" not in may:
            with pytest.raises(InsufficientPrivilege), cursor.copy(f"COPY {table} TO STDOUT") as copy:
                copy.read()
        elif table in CELLS:
            with cursor.copy(f"COPY (SELECT district FROM {table}) TO STDOUT") as copy:
                assert {bytes(row).decode().strip() for row in copy} == {HERE}


@pytest.mark.parametrize("table", sorted(CHANGEABLE))
def test_the_tasks_change_no_column_but_these(logins: Logins, table: str) -> None:
    with logins.as_("postgres") as conn:
        described = conn.execute(f"SELECT * FROM {table} WHERE false").description or ()
        columns = {column.name for column in described}
    answers = {
        column: logins.answer("roster_sync", f"UPDATE {table} SET {column} = DEFAULT WHERE false") for column in columns
    }
    assert {column for column, came in answers.items() if not refused(came)} == CHANGEABLE[table]
    assert {"owner", "sticky", "district", "code"} & CHANGEABLE[table] == set()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE roster.mine (a int)",
        "CREATE TABLE public.mine (a int)",
        "CREATE SCHEMA mine",
        "CREATE FUNCTION roster.current_district() RETURNS text LANGUAGE sql AS 'SELECT NULL::text'",
        "CREATE OR REPLACE FUNCTION roster.taken_elsewhere(text[]) RETURNS SETOF text LANGUAGE sql AS 'SELECT 1'",
        "ALTER FUNCTION roster.check_owner() OWNER TO CURRENT_USER",
        "DROP FUNCTION roster.current_district() CASCADE",
        "DROP POLICY district ON roster.person",
        "CREATE ROLE mine",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "GRANT roster_owner TO CURRENT_USER",
        "GRANT roster_peek TO CURRENT_USER",
        "SET ROLE roster_owner",
        "SET ROLE roster_peek",
        "SET ROLE postgres",
        "SET SESSION AUTHORIZATION roster_owner",
        "SET session_replication_role = replica",
        "ALTER DATABASE roster OWNER TO CURRENT_USER",
        "COPY roster.school TO PROGRAM 'cat'",
        "SELECT pg_read_file('PG_VERSION')",
    ],
)
@pytest.mark.parametrize("role", ROLES)
def test_nobody_defines_anything_or_becomes_somebody_else(logins: Logins, role: str, statement: str) -> None:
    assert refused(logins.answer(role, statement))


@pytest.mark.parametrize("role", ROLES)
def test_no_login_acts_as_another_of_them(logins: Logins, role: str) -> None:
    others = [other for other in ROLES if other != role]
    assert [logins.answer(role, f"SET ROLE {other}") for other in others] == [NO_RIGHT] * len(others)


def test_no_table_is_forgotten_and_each_is_under_forced_row_level_security(logins: Logins) -> None:
    listed = """
        SELECT c.oid::regclass::text, c.relrowsecurity AND c.relforcerowsecurity
        FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace IN ('roster'::regnamespace, 'intake'::regnamespace)
    """
    with logins.as_("postgres") as conn:
        found = dict(conn.execute(listed).fetchall())
    without = {"intake.run_districts", "intake.outbox_epoch", "intake.alembic_version"}
    assert found == {table: table not in without for table in TABLES}


def test_the_two_functions_that_run_with_other_rights_cannot_be_deceived_by_a_search_path(logins: Logins) -> None:
    lent = """
        SELECT oid::regprocedure::text, proowner::regrole::text, proconfig FROM pg_proc
        WHERE prosecdef AND pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
    """
    path = ["search_path=pg_catalog, pg_temp"]
    expected = [
        ("roster.refresh_statistics()", "roster_owner", path),
        ("roster.taken_elsewhere(text[])", "roster_peek", path),
    ]
    with logins.as_("postgres") as conn:
        assert sorted(conn.execute(lent).fetchall()) == expected


def test_without_row_security_there_are_errors_and_not_all_rows(logins: Logins) -> None:
    assert logins.answer("roster_sync", "SET LOCAL row_security = off", HERE, "SELECT * FROM roster.person") == "RLS"


def test_temporary_tables_are_for_those_who_stage_and_the_database_for_our_logins(logins: Logins) -> None:
    make = "CREATE TEMPORARY TABLE staged (a int) ON COMMIT DROP"
    assert [refused(logins.answer(role, make)) for role in ROLES] == [False, False, True, True, True]
    url = logins.server.url_of("airflow", logins.made.name).replace("+psycopg", "")
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(url)

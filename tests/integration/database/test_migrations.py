"""The migrated schema is the one of rostersync.database.tables, and upgrading is safe to repeat."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from rostersync import database
from rostersync.database.tables import metadata
from rostersync.embedded_postgres.server import Server
from rostersync.exceptions import SchemaMismatch
from tests.support.servers import fresh_database


def _differences(engine: Engine) -> list[Any]:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "schema" or name in ("roster", "intake")

    settings_ = {"include_schemas": True, "version_table_schema": "intake", "include_name": ours}
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts=settings_)
        return compare_metadata(context, metadata)


def test_the_migrated_schema_has_no_difference_to_the_tables(owner_engine: Engine) -> None:
    assert _differences(owner_engine) == []


def test_checks_defaults_and_computed_columns_are_those_of_the_tables(owner_engine: Engine) -> None:
    """Alembic compares none of them: PostgreSQL's wording of both is compared, the migrated schemas renamed away."""
    with owner_engine.connect() as connection:
        migrated = _definitions(connection)
        for name in ("roster", "intake"):
            connection.execute(text(f"ALTER SCHEMA {name} RENAME TO migrated_{name}"))
            connection.execute(text(f"CREATE SCHEMA {name}"))
        metadata.create_all(connection, checkfirst=False)
        expected = _definitions(connection)
        connection.rollback()
    assert any("CASE" in words for _, _, words in expected)
    assert migrated == expected


def _definitions(connection: Connection) -> list[tuple[str, str, str]]:
    query = """
        SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace IN ('roster'::regnamespace, 'intake'::regnamespace)
            AND conrelid::regclass::text NOT LIKE '%alembic%'
        UNION ALL
        SELECT adrelid::regclass::text, attname, pg_get_expr(adbin, adrelid) FROM pg_attrdef
        JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum JOIN pg_class c ON c.oid = adrelid
        WHERE relnamespace IN ('roster'::regnamespace, 'intake'::regnamespace)
        ORDER BY 1, 2, 3
    """
    return [(table, name, words) for table, name, words in connection.execute(text(query))]


def test_four_upgrades_at_once_end_at_one_revision(postgres: Server) -> None:
    with fresh_database(postgres, template="template0") as made, ThreadPoolExecutor(4) as pool:
        engines = [database.engine(made.owner_url) for _ in range(4)]
        revisions = set(pool.map(database.upgrade_schema, engines))
        database.check_revision(engines[0])
        for engine in engines:
            engine.dispose()
    assert len(revisions) == 1


def test_a_database_without_schema_is_a_mismatch(postgres: Server) -> None:
    with fresh_database(postgres, template="template0") as made:
        empty = database.engine(made.url)
        with pytest.raises(SchemaMismatch):
            database.check_revision(empty)
        empty.dispose()


def test_another_revision_is_a_mismatch(owner_engine: Engine, engine: Engine) -> None:
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE intake.alembic_version SET version_num = '9999'"))
    with pytest.raises(SchemaMismatch, match="9999"):
        database.check_revision(engine)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM roster.person",
        "TRUNCATE intake.finding",
        "DROP TABLE roster.school CASCADE",
        "CREATE TABLE roster.extra (a int)",
        "CREATE TABLE public.extra (a int)",
        "ALTER TABLE roster.person DISABLE TRIGGER ALL",
        "UPDATE intake.alembic_version SET version_num = '1'",
        "CREATE ROLE another",
    ],
)
def test_the_tasks_role_may_not(engine: Engine, statement: str) -> None:
    with engine.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.execute(text(statement))
    assert isinstance(caught.value.orig, psycopg.errors.InsufficientPrivilege)


def test_the_tasks_role_may_stage_and_write(engine: Engine) -> None:
    with database.transaction(engine, "d") as connection:
        connection.execute(text("CREATE TEMPORARY TABLE staged (a int) ON COMMIT DROP"))
        connection.execute(text("INSERT INTO roster.district (code, name) VALUES ('d', 'District')"))
        connection.execute(text("UPDATE roster.district SET roster_version = roster_version + 1"))
        assert connection.execute(text("SELECT roster_version FROM roster.district")).scalar() == 1

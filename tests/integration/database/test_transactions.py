"""Database errors come out as ours, and hold nothing of what was in the statement."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, text

from rostersync import database
from rostersync.database import engines
from rostersync.embedded_postgres import server
from rostersync.exceptions import (
    ConfigurationError,
    DatabaseUnavailable,
    DistrictBusy,
    RosterSyncError,
    SchemaMismatch,
    StatementRefused,
    TransientError,
)
from rostersync.settings import Settings, from_environment
from tests.support.servers import RosterDatabase


def _raised(engine: Engine, *statements: str) -> RosterSyncError:
    with pytest.raises(RosterSyncError) as caught:
        _execute(engine, *statements)
    return caught.value


def _execute(engine: Engine, *statements: str) -> None:
    with database.translated(), engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("SELECT 'Canary'::int", StatementRefused),
        (
            "SELECT set_config('rostersync.district', 'Canary', true); INSERT INTO roster.district VALUES ('Canary')",
            StatementRefused,
        ),
        ("SELECT * FROM roster.canary", SchemaMismatch),
        ("SELECT canary FROM roster.school", SchemaMismatch),
        ("DELETE FROM roster.school WHERE name = 'Canary'", ConfigurationError),
        ("SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5), 'Canary'", DatabaseUnavailable),
        ("DO $$ BEGIN RAISE 'Canary' USING ERRCODE = '40P01'; END $$", DatabaseUnavailable),
        ("DO $$ BEGIN RAISE 'Canary' USING ERRCODE = '53300'; END $$", DatabaseUnavailable),
        ("SELECT pg_terminate_backend(pg_backend_pid()), 'Canary'", DatabaseUnavailable),
    ],
)
def test_an_error_is_sorted_and_tells_no_cell(engine: Engine, statement: str, kind: type[RosterSyncError]) -> None:
    error = _raised(engine, *statement.split("; ")) if "DO" not in statement else _raised(engine, statement)
    assert type(error) is kind
    assert "canary" not in repr(error).lower()
    assert error.__cause__ is None
    assert error.__suppress_context__


def test_a_constraint_is_named_and_its_values_are_not(engine: Engine) -> None:
    set_district = "SELECT set_config('rostersync.district', 'canary', true)"
    twice = "INSERT INTO roster.district (code, name) VALUES ('canary', 'x')"
    error = _raised(engine, set_district, twice, twice)
    assert "pk_district" in error.message
    assert "canary" not in str(error)


def test_errors_of_the_driver_itself_are_sorted_too(roster_database: RosterDatabase) -> None:
    url = roster_database.url.replace("+psycopg", "")
    with pytest.raises(StatementRefused), database.translated(), psycopg.connect(url) as connection:
        connection.execute("SELECT 'Canary'::int")


def test_a_lock_that_is_not_free_in_time_means_a_busy_district(engine: Engine, owner_engine: Engine) -> None:
    with owner_engine.begin() as other:
        other.execute(text("SELECT pg_advisory_xact_lock(5)"))
        error = _raised(engine, "SET LOCAL lock_timeout = '50ms'", "SELECT pg_advisory_xact_lock(5)")
    assert isinstance(error, DistrictBusy)


def test_an_unreachable_server_is_tried_again(roster_database: RosterDatabase) -> None:
    away = database.engine("postgresql+psycopg://roster_sync:x@127.0.0.1:1/roster")
    assert isinstance(_raised(away, "SELECT 1"), DatabaseUnavailable)


@pytest.mark.parametrize("wrong", ["password", "database"])
def test_a_wrong_url_needs_a_person(roster_database: RosterDatabase, wrong: str) -> None:
    url = roster_database.url
    url = url + "_not" if wrong == "database" else url.replace("roster_sync:", "roster_sync:not")
    made = database.engine(url)
    assert isinstance(_raised(made, "SELECT 1"), ConfigurationError)


def test_our_own_errors_pass_through_and_others_too() -> None:
    for error in (TransientError("x"), ValueError("x")):
        with pytest.raises(type(error)), database.translated():
            raise error


def test_parameters_are_hidden_in_what_sqlalchemy_says(engine: Engine) -> None:
    with pytest.raises(Exception, match="SQL parameters hidden") as caught, engine.connect() as connection:
        connection.execute(text("SELECT 1 FROM roster.district WHERE roster_version = :v"), {"v": "Canary"})
    assert "[parameters: [{" not in str(caught.value)


def test_a_session_is_in_utc_and_waits_for_nothing_for_ever(engine: Engine) -> None:
    with engine.connect() as connection:
        found = [connection.execute(text(f"SHOW {name}")).scalar() for name in engines.SESSION]
    assert found == list(engines.SESSION.values())


def test_a_lost_connection_in_the_pool_is_replaced(engine: Engine) -> None:
    with engine.connect() as connection:
        pid = connection.execute(text("SELECT pg_backend_pid()")).scalar()
    with engine.connect() as first, engine.connect() as second:
        first_pid = first.execute(text("SELECT pg_backend_pid()")).scalar()
        assert first_pid == pid
        second.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
        first.invalidate()
    with database.translated(), engine.connect() as connection:
        assert connection.execute(text("SELECT 1")).scalar() == 1


def test_the_tasks_role_passes_and_the_owner_and_the_superuser_do_not(
    engine: Engine, owner_engine: Engine, roster_database: RosterDatabase, postgres: server.Server
) -> None:
    database.check_role(engine)
    superuser = database.engine(postgres.url_of("postgres", roster_database.name))
    for refused in (owner_engine, superuser):
        with pytest.raises(ConfigurationError):
            database.check_role(refused)
    superuser.dispose()


def test_without_urls_the_embedded_server_is_used(own_environment: Path) -> None:
    settings = from_environment()
    try:
        owner, tasks = database.owner_engine(settings), database.roster_engine(settings)
        assert database.upgrade_schema(owner)
        database.check_revision(tasks)
        owner.dispose()
        tasks.dispose()
    finally:
        server.remove(own_environment / "postgres")


def test_migrations_of_your_own_server_need_the_owners_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", "postgresql+psycopg://a:b@127.0.0.1:1/c")
    settings: Settings = from_environment()
    with pytest.raises(ConfigurationError, match="ROSTERSYNC_OWNER_URL"):
        database.owner_engine(settings)

"""`rostersync db check`: it finds the protections in place, and each one that is taken away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from rostersync.cli import app as cli
from rostersync.database import isolation_check, tables
from tests.support.servers import RosterDatabase

Check = Callable[[], tuple[int, list[str]]]


@pytest.fixture
def check(
    roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    """Runs the command on this test's database: exit code, and the lines that are not ok."""
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    monkeypatch.setenv("ROSTERSYNC_OWNER_URL", roster_database.owner_url)
    monkeypatch.setenv("ROSTERSYNC_SOURCE_URL", roster_database.source_url)

    def run() -> tuple[int, list[str]]:
        code = cli.run(["db", "check"])
        lines = capsys.readouterr().out.splitlines()
        assert any(line.startswith("ok") for line in lines)
        return code, [line for line in lines if not line.startswith("ok")]

    return run


def test_a_migrated_database_holds_and_keeps_nothing_of_it(check: Check, superuser_engine: Engine) -> None:
    assert check() == (0, [])
    with superuser_engine.connect() as conn:
        # The outbox has its epoch from the migration on.
        for table in set(tables.metadata.sorted_tables) - {tables.outbox_epoch}:
            assert conn.execute(table.select()).all() == []


@pytest.mark.parametrize(
    ("weakened", "sentence"),
    [
        ("ALTER TABLE roster.school DISABLE ROW LEVEL SECURITY", "invisible"),
        ("ALTER TABLE intake.change DISABLE ROW LEVEL SECURITY", "exception"),
        ("CREATE POLICY all_of_it ON intake.finding FOR SELECT USING (true)", "invisible"),
        ("CREATE POLICY all_of_it ON intake.delivery FOR INSERT WITH CHECK (true)", "unwritable"),
        ("ALTER TABLE roster.person DISABLE TRIGGER owner_of_changed", "another owner"),
        ("ALTER TABLE roster.class DISABLE TRIGGER owner_of_new", "another owner"),
        ("GRANT DELETE ON roster.placement TO roster_sync", "deletes"),
        ("GRANT TRUNCATE ON roster.placement TO roster_read", "deletes"),
        ("GRANT DELETE ON roster.person TO roster_sweep", "deletes"),
        ("GRANT UPDATE ON intake.change TO roster_sweep", "writes nothing"),
        ("CREATE POLICY all_of_it ON intake.report FOR DELETE USING (true)", "one district's rows"),
        ("GRANT CREATE ON SCHEMA roster TO roster_source", "defines"),
        ("CREATE POLICY listing ON intake.arrival FOR SELECT USING (true)", "invisible"),
        ("GRANT UPDATE (recipient) ON intake.message TO roster_sync", "addressed"),
        ("GRANT UPDATE ON intake.report_drop TO roster_sync", "addressed"),
        ("ALTER TABLE roster.person DISABLE TRIGGER key_of_address", "addressed"),
        ("GRANT EXECUTE ON FUNCTION lo_create(oid) TO roster_sync", "large object"),
        ("GRANT EXECUTE ON FUNCTION lo_from_bytea(oid, bytea) TO PUBLIC", "large object"),
        ("ALTER FUNCTION roster.taken_elsewhere(text[]) OWNER TO roster_owner", "taken in another district"),
    ],
)
def test_a_protection_that_is_gone_is_found(
    check: Check, superuser_engine: Engine, weakened: str, sentence: str
) -> None:
    with superuser_engine.begin() as conn:
        conn.execute(text(weakened))
    code, told = check()
    assert code == 5
    assert sentence in " ".join(told)


@pytest.mark.parametrize("url", ["ROSTERSYNC_SOURCE_URL", "ROSTERSYNC_MANUAL_URL", "ROSTERSYNC_SWEEP_URL"])
def test_a_login_that_is_too_strong_is_a_matter_of_configuration(
    check: Check, roster_database: RosterDatabase, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv(url, roster_database.owner_url)
    code, told = check()
    assert (code, "too many rights" in " ".join(told)) == (4, True)


def test_a_log_that_would_hold_personal_data_is_a_matter_of_configuration(
    check: Check, superuser_engine: Engine, roster_database: RosterDatabase
) -> None:
    with superuser_engine.begin() as conn:
        conn.execute(text(f"ALTER DATABASE {roster_database.name} SET log_error_verbosity = 'verbose'"))
    code, told = check()
    assert (code, "log_error_verbosity is verbose" in " ".join(told)) == (4, True)


def test_every_table_with_a_district_is_tried() -> None:
    with_district = {table for table in tables.metadata.sorted_tables if "district" in table.c}
    assert with_district == {*isolation_check.CELLS, *isolation_check.LISTINGS}

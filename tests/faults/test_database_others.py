"""F19-F21, F23, F25-F28, F30: others hold locks, fill the disk, take people over, migrate, or take rights away."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import errors

from rostersync.database import UPGRADE_LOCK
from rostersync.embedded_postgres.programs import give
from tests.faults.baseline import BENCH, Ground
from tests.faults.fault_bench import NIGHT, Bench
from tests.faults.markers import fault
from tests.faults.scenario import CANARY, HERE, NEXT_DOOR
from tests.faults.small_disk import small_disk
from tests.faults.test_database_away import stopped
from tests.faults.test_process_death import assert_undisturbed

DISTRICT_LOCK = f"SELECT pg_advisory_xact_lock(hashtextextended('rostersync/{HERE}', 0))"
WAITERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'rostersync' AND wait_event_type = 'Lock'"


@contextmanager
def somebody(bench: Bench, *statements: str) -> Iterator[psycopg.Connection]:
    """An open session that has done this much; rolled back at the end."""
    with psycopg.connect(bench.superuser) as conn:
        for statement in statements:
            conn.execute(statement)
        yield conn
        conn.rollback()


def await_waiter(bench: Bench) -> None:
    deadline = time.monotonic() + 60
    while bench.sql(WAITERS) == [(0,)]:
        assert time.monotonic() < deadline, "no task waits for a lock"
        time.sleep(0.02)


@fault("F19", "Somebody's open session holds a row: the task gives up in time and says who is in the way.")
def test_f19(bench: Bench) -> None:
    with somebody(bench, f"SELECT FROM roster.person WHERE user_id = '{CANARY}2' FOR UPDATE") as conn:
        ended = bench.night(lock_seconds=1.0)
        assert ended.error == "district-busy"
        assert f"{conn.info.backend_pid}" in ended.words
    assert bench.roster == bench.before
    bench.fine()
    assert_undisturbed(bench)


@fault("F20", "A deadlock with a stranger's transaction: rolled back as a whole, and it may be tried again.")
def test_f20(bench: Bench) -> None:
    held = f"UPDATE roster.placement SET updated_at = now() WHERE user_id = '{CANARY}5'"
    with somebody(bench, held) as conn:
        pid = bench.begin()
        await_waiter(bench)
        conn.execute(f"UPDATE roster.person SET updated_at = now() WHERE user_id = '{CANARY}2' AND district = '{HERE}'")
    ended = bench.end(pid)
    assert (ended.error, "40P01" in ended.words) == ("database-unavailable", True)
    assert bench.roster == bench.before
    bench.fine()
    assert_undisturbed(bench)


@fault("F21", "The server's default is SERIALIZABLE: tasks ask for READ COMMITTED, and what they waited for is seen.")
def test_f21(bench: Bench) -> None:
    bench.sql(f"ALTER DATABASE {BENCH} SET default_transaction_isolation = 'serializable'")
    with psycopg.connect(bench.superuser) as conn:
        conn.execute(DISTRICT_LOCK)
        pid = bench.begin()
        await_waiter(bench)
        conn.execute(f"UPDATE roster.district SET roster_version = roster_version + 1 WHERE code = '{HERE}'")
    bench.elsewhere.append(bench.roster)
    bench.well(bench.end(pid))
    assert bench.after is not None
    assert (bench.roster.here, bench.roster.version) == (bench.after.here, bench.after.version + 1)


MIGRATING = f"SELECT pg_advisory_xact_lock({UPGRADE_LOCK})"
"""What `rostersync db upgrade` begins with."""
FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END$$;
CREATE TRIGGER full_disk BEFORE INSERT ON intake.change EXECUTE FUNCTION full_disk();
"""


@fault("F23", "The database's disk is full (a tablespace on a small tmpfs; by a trigger where none may be mounted).")
def test_f23(bench: Bench, ground: Ground) -> None:
    with small_disk(ground.server.home / "small", 32) as mounted:
        full = filled(bench, ground) if mounted else bench.sql(FULL)
        ended = bench.night()
        assert (ended.error, "53100" in ended.words) == ("database-unavailable", True), full
        assert (bench.roster, len(bench.smtp.accepted)) == (bench.before, len(ground.mailed))
        bench.sql("DROP TABLE IF EXISTS filler")
        bench.sql("DROP FUNCTION IF EXISTS full_disk CASCADE")
        bench.fine()
        assert_undisturbed(bench)
        if mounted:
            move(bench, ground, "pg_default")
            bench.sql("DROP TABLESPACE small")


def move(bench: Bench, ground: Ground, tablespace: str) -> None:
    """The bench's database to another disk: nobody may be connected meanwhile."""
    ground.owner.dispose()
    admin = ground.server.admin_url.replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as conn:
        conn.execute(f"ALTER DATABASE {BENCH} ALLOW_CONNECTIONS false")
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [BENCH])
        conn.execute(f"ALTER DATABASE {BENCH} SET TABLESPACE {tablespace}")
        conn.execute(f"ALTER DATABASE {BENCH} ALLOW_CONNECTIONS true")


def filled(bench: Bench, ground: Ground) -> str:
    """The database on the small disk, to the brim."""
    folder = ground.server.home / "small" / "tables"
    folder.mkdir()
    give(folder.parent)
    give(folder)
    bench.sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
    move(bench, ground, "small")
    bench.sql("CREATE TABLE filler (words text)")
    for rows in (1000, 100, 10, 1):
        try:
            while True:
                bench.sql("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, %s)", rows)
        except errors.DiskFull as full:
            told = str(full)
    return told


@fault("F25", "Another district takes the same address meanwhile: that row is an error, the others apply.")
def test_f25(bench: Bench) -> None:
    address = f"{CANARY}.8@springfield.example"
    bench.own_story = True
    with stopped(bench, "upsert.after_plan") as pid:
        bench.others(
            "INSERT INTO roster.person (district, user_id, role, first_name, last_name, email, email_key, owner)"
            " VALUES (%s, 'x1', 'Teacher', 'X', 'Y', %s, %s, 'source')",
            *(NEXT_DOOR, address, address),
        )
    bench.well(bench.end(pid))
    errors_found = bench.sql("SELECT code FROM intake.finding WHERE stage = 'roster' AND severity = 'row' AND line = 7")
    assert errors_found == [("email-taken",)]
    assert f"{CANARY}9" in bench.nights.people()
    assert f"{CANARY}8" not in bench.nights.people()


@fault(
    "F26", "The enrollment source takes a person over between validate and upsert: the row changes nothing of theirs."
)
def test_f26(bench: Bench) -> None:
    bench.own_story = True
    bench.fine(steps=NIGHT[:2])
    bench.others(
        "UPDATE roster.person SET owner = 'source', last_name = 'Source' WHERE district = %s AND user_id = %s",
        *(HERE, f"{CANARY}2"),
    )
    bench.fine()
    assert bench.sql("SELECT last_name FROM roster.person WHERE user_id = %s", f"{CANARY}2") == [("Source",)]
    told = bench.sql("SELECT code FROM intake.finding WHERE stage = 'roster' AND line = 3")
    assert told in ([("person-owned-by-source",)], [("person-handed-over",)])


@fault("F27", "A migration while a task is writing: it waits for the task; the task finishes as ever.")
def test_f27_waits(bench: Bench) -> None:
    with stopped(bench, "upsert.after_write") as pid, pytest.raises(errors.LockNotAvailable):
        bench.sql(f"SET lock_timeout = '300ms'; {MIGRATING}")
    bench.well(bench.end(pid))
    assert_undisturbed(bench)


@fault(
    "F27", "A task while a migration is under way: it waits, then gives up, names the migration, and is tried again."
)
def test_f27_is_waited_for(bench: Bench) -> None:
    with somebody(bench, "SET application_name = 'roster-owner'", MIGRATING):
        ended = bench.night(session={"lock_timeout": "1s"})
        assert (ended.error, "roster-owner" in ended.words) == ("district-busy", True)
        assert bench.roster == bench.before
    bench.fine()
    assert_undisturbed(bench)


@fault("F28", "Another schema than this code's: the run refuses to start and names both.")
@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_f28(bench: Bench, revision: str) -> None:
    [(own,)] = bench.sql("SELECT version_num FROM intake.alembic_version")
    bench.sql("UPDATE intake.alembic_version SET version_num = %s", revision)
    ended = bench.night(steps=["check", *NIGHT])
    assert ended.error == "schema-mismatch"
    assert revision in ended.words
    assert own in ended.words
    bench.sql("UPDATE intake.alembic_version SET version_num = %s", own)
    bench.fine(steps=["check", *NIGHT])
    assert_undisturbed(bench)


@fault("F30", "Rights were taken away: the run fails and says so, never 'no changes'.")
@pytest.mark.parametrize("right", ["SELECT ON roster.person", "UPDATE ON roster.class", "INSERT ON intake.attempt"])
def test_f30(bench: Bench, right: str) -> None:
    bench.sql(f"REVOKE {right} FROM roster_sync")
    ended = bench.night()
    assert (ended.error, ended.results) == ("configuration", None)
    assert bench.roster == bench.before
    bench.sql(f"GRANT {right} TO roster_sync")
    bench.fine()
    assert_undisturbed(bench)

"""F08, F15-F18, F22, F24: the database is away, slow, full of others, or lets nobody write."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.faults import postgres_outage as powering
from tests.faults.baseline import BENCH, Ground
from tests.faults.fault_bench import Bench
from tests.faults.markers import fault
from tests.faults.proxy import Passing, Proxy, running_proxy
from tests.faults.test_process_death import assert_undisturbed


@contextmanager
def stopped(bench: Bench, point: str) -> Iterator[int]:
    """A task that stands still at this point; afterwards it goes on."""
    pid = bench.begin(point=point, signal="STOP")
    assert bench.end(pid).code is None
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.fixture
def line(bench: Bench, ground: Ground) -> Iterator[Proxy]:
    """A proxy in front of PostgreSQL that tonight's tasks go through."""
    with running_proxy("127.0.0.1", ground.server.port) as proxy:
        bench.defaults["database"] = proxy.url(bench.url)
        yield proxy


class LostAnswer:
    """The rule that lets the COMMIT of the apply through to the server, and its answer not back."""

    def __init__(self) -> None:
        self.applying: set[int] = set()
        self.committed: set[int] = set()

    def __call__(self, passing: Passing) -> str | None:
        if passing.up and b"INSERT INTO intake.attempt" in passing.data:
            self.applying.add(passing.connection)
        if passing.up and passing.connection in self.applying and b"COMMIT" in passing.data:
            self.committed.add(passing.connection)
        return "cut" if not passing.up and passing.connection in self.committed else None


@fault("F08", "COMMIT sent, the answer lost: the next try finds the delivery applied and applies nothing again.")
def test_f08(bench: Bench, line: Proxy) -> None:
    line.rule = LostAnswer()
    ended = bench.night()
    assert (ended.error, line.cut.is_set()) == ("database-unavailable", True)
    assert bench.roster == bench.after
    line.rule = lambda passing: None
    bench.fine()
    assert_undisturbed(bench)


@fault("F15", "The database host dies (all server processes at once, recovery from the log): a commit stays.")
def test_f15_after(bench: Bench, ground: Ground) -> None:
    bench.sql(f"ALTER DATABASE {BENCH} SET synchronous_commit = on")
    bench.killed(point="upsert.after_commit")
    with powering.away(ground.server, "immediate"):
        pass
    assert bench.roster == bench.after
    bench.fine()
    assert_undisturbed(bench)


@fault("F15", "The database host dies before the commit: nothing is left of the try.")
def test_f15_before(bench: Bench, ground: Ground) -> None:
    with stopped(bench, "upsert.before_commit") as pid, powering.away(ground.server, "immediate"):
        pass
    assert bench.end(pid).error == "database-unavailable"
    assert bench.roster == bench.before
    bench.fine()
    assert_undisturbed(bench)


@fault("F16", "The database is down when the task starts: it may be tried again; the file stays where it is.")
def test_f16(bench: Bench, ground: Ground) -> None:
    with powering.away(ground.server):
        ended = bench.night()
    assert (ended.code, ended.error) == (0, "database-unavailable")
    assert bench.nights.states() == ["applied"]
    bench.fine()
    assert_undisturbed(bench)


@fault("F17", "The database restarts in the middle of the transaction: rolled back, the whole apply is run again.")
def test_f17(bench: Bench, ground: Ground) -> None:
    with stopped(bench, "upsert.after_write") as pid, powering.away(ground.server):
        pass
    assert bench.end(pid).error == "database-unavailable"
    assert bench.roster == bench.before
    bench.fine()
    assert_undisturbed(bench)


@fault("F18", "The line to the database is slow: the night takes longer and comes to the same.")
def test_f18_latency(bench: Bench, line: Proxy) -> None:
    line.latency = 0.004
    bench.fine()
    assert_undisturbed(bench)


SLOW = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(3); RETURN NULL; END';
CREATE TRIGGER slow AFTER INSERT ON roster.person EXECUTE FUNCTION slow();
"""


@fault("F18", "A statement takes too long: broken off, rolled back, said so, and it may be tried again.")
def test_f18_timeout(bench: Bench) -> None:
    bench.sql(SLOW)
    ended = bench.night(session={"statement_timeout": "700ms"})
    assert (ended.error, "57014" in ended.words) == ("database-unavailable", True)
    assert bench.roster == bench.before
    bench.sql("DROP FUNCTION slow CASCADE")
    bench.fine()
    assert_undisturbed(bench)


@fault("F22", "Too many connections: it may be tried again.")
def test_f22(bench: Bench) -> None:
    bench.sql(f"ALTER DATABASE {BENCH} CONNECTION LIMIT 0")
    ended = bench.night()
    assert ended.error == "database-unavailable"
    bench.sql(f"ALTER DATABASE {BENCH} CONNECTION LIMIT -1")
    bench.fine()
    assert_undisturbed(bench)


@fault("F24", "Read-only (failed over to a replica): it may be tried again, and is never told as 'no changes'.")
def test_f24(bench: Bench) -> None:
    bench.sql(f"ALTER ROLE roster_sync IN DATABASE {BENCH} SET default_transaction_read_only = on")
    ended = bench.night()
    assert (ended.error, ended.results) == ("database-unavailable", None)
    bench.sql(f"ALTER ROLE roster_sync IN DATABASE {BENCH} RESET default_transaction_read_only")
    bench.fine()
    assert_undisturbed(bench)

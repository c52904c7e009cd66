"""F29: the roster database comes back from a backup, with an outbox that knows nothing of what was sent since."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.faults.baseline import BENCH, Ground
from tests.faults.fault_bench import Bench
from tests.faults.markers import fault
from tests.support.servers import create_database, drop_database

BACKUP = "fault_backup"
Point = Callable[[], None]


@pytest.fixture
def backup(bench: Bench, ground: Ground) -> Iterator[tuple[Point, Point]]:
    """Two deeds: make a backup, and put it back in the place of the database."""

    def copied(source: str, target: str) -> None:
        ground.owner.dispose()
        # Whoever looks at it meanwhile would come back at once, and PostgreSQL copies only what nobody is connected to.
        bench.sql_of_cluster(f"ALTER DATABASE {source} ALLOW_CONNECTIONS false")
        bench.sql_of_cluster("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", source)
        drop_database(ground.server, target)
        create_database(ground.server, target, template=source)
        bench.sql_of_cluster(f"ALTER DATABASE {source} ALLOW_CONNECTIONS true")

    yield lambda: copied(BENCH, BACKUP), lambda: copied(BACKUP, BENCH)
    drop_database(ground.server, BACKUP)


def mail_states(bench: Bench) -> list[str]:
    return sorted(state for _, _, state in bench.nights.messages())


@fault("F29", "Restored to before the mails were sent: what may have been sent is parked, nothing is sent twice.")
def test_f29_mails(bench: Bench, backup: tuple[Point, Point]) -> None:
    make, restore = backup
    bench.killed(point="email.before_send")
    make()
    bench.fine()
    taken = len(bench.smtp.accepted)
    restore()
    assert mail_states(bench).count("queued") == 2
    bench.fine(run="night-3", steps=["pull", "validate", "upsert", "email", "relay"])
    assert len(bench.smtp.accepted) == taken
    assert mail_states(bench).count("unknown") == 2
    assert bench.roster == bench.after


@fault("F29", "Restored to before the night: the file is applied again, and nobody gets a second report of it.")
def test_f29_night(bench: Bench, backup: tuple[Point, Point]) -> None:
    make, restore = backup
    make()
    bench.fine()
    restore()
    assert bench.roster == bench.before
    bench.fine(run="night-3", steps=["pull", "validate", "upsert", "email", "relay"])
    assert bench.roster == bench.after
    assert bench.nights.states() == ["applied", "applied"]

"""Fixtures of the faults, and the table of what came of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.faults.markers import EVERY_TIME, long

if TYPE_CHECKING:
    from rostersync.embedded_postgres.server import Server
    from tests.faults.baseline import Ground
    from tests.faults.fault_bench import Bench
    from tests.faults.fork_client import Parent
    from tests.faults.scripted_sftp import ScriptedSftp
    from tests.support.servers import SmtpServer

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the rest of this folder to `make faults`."""
    for item in items:
        if HERE in item.path.parents and {mark.args[0] for mark in item.iter_markers("fault")}.isdisjoint(EVERY_TIME):
            item.add_marker(long)


@pytest.fixture(scope="session")
def parent() -> Iterator[Parent]:
    """The preloaded process that forks the victims."""
    from tests.faults.fork_client import running_parent

    with running_parent() as made:
        yield made


@pytest.fixture(scope="session")
def mailserver() -> Iterator[SmtpServer]:
    """One SMTP server for all faults; it forgets between them."""
    from tests.support.servers import running_smtp

    with running_smtp() as server:
        yield server


@pytest.fixture(scope="session")
def ground(
    postgres: Server, parent: Parent, mailserver: SmtpServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ground]:
    """The night before as a template, and what an undisturbed night comes to."""
    from tests.faults.baseline import prepared

    with prepared(postgres, parent, mailserver, tmp_path_factory.mktemp("faults")) as made:
        yield made


@pytest.fixture
def bench(ground: Ground, record_property: Callable[[str, object], None]) -> Iterator[Bench]:
    """What a fault is injected into. Afterwards the oracle judges: the same promises after every fault."""
    from tests.faults.observer import Observer
    from tests.faults.oracle import judge

    with ground.bench() as made:
        mails = len(made.smtp.accepted)
        observer = Observer(made.superuser)
        observer.start()
        try:
            yield made
        finally:
            observer.stop()
        record_property("mails accepted", len(made.smtp.accepted) - mails)
        record_property("looks at the roster", observer.looks)
        assert judge(made, observer.seen, server_log(ground)) == []


@pytest.fixture
def sftp(bench: Bench) -> Iterator[ScriptedSftp]:
    """A scripted SFTP server over the district's inbox, from which the district's file then comes."""
    from tests.faults.scripted_sftp import running_scripted_sftp

    with running_scripted_sftp(bench.nights.inbox) as server:
        bench.defaults |= {
            "sftp": server.order(),
            "config": {"source": {"sftp": "springfield", "directory": "/", "pattern": "users*.csv"}},
        }
        yield server


def server_log(ground: Ground) -> Path:
    """Where the database server writes."""
    return ground.server.home / "data" / "server.log"

"""The first look at all inboxes of a run, and what `pull` makes of it: it waits only for what was not seen before."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from rostersync import pipeline
from rostersync.configuration.districts import District
from rostersync.database import tables
from rostersync.model import Outcome, RemoteFile
from rostersync.operations.first_looks import LookLimits, take_first_looks
from rostersync.transports import FolderTransport, SftpCredentials, Transport, open_transport
from tests.support.district_nights import Nights, district, person
from tests.support.servers import SftpServer

PAUSE = 30.0
QUICK = LookLimits(host_seconds=3.0, whole_seconds=20.0)
"""Short beside twenty silent hosts one after another, and enough for a login on a busy machine."""


@pytest.fixture
def waiting(nights: Nights) -> Nights:
    """A complete file lies in the inbox, and a pause is made between two looks at a file."""
    nights.settle_seconds = PAUSE
    nights.put([person(1)])
    return nights


def look(nights: Nights, run: str = "night-1", **fields: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    looks = take_first_looks(nights.services, nights.run(run, **fields), ["springfield"])
    return looks.seen, looks.not_seen


def noted(nights: Nights) -> int:
    with nights.owner.connect() as conn:
        return conn.scalar(select(func.count()).select_from(tables.inbox_look)) or 0


def test_pull_does_not_wait_for_a_file_that_is_as_it_was_at_the_first_look(waiting: Nights) -> None:
    assert look(waiting) == (("springfield",), ())
    waiting.now += timedelta(seconds=PAUSE)
    [result] = waiting.sync()
    assert (result.outcome, waiting.slept) == (Outcome.APPLIED, [])


def test_pull_waits_the_rest_of_the_pause_when_the_first_look_was_just_now(waiting: Nights) -> None:
    look(waiting)
    waiting.now += timedelta(seconds=12)
    [result] = waiting.sync()
    assert (result.outcome, waiting.slept) == (Outcome.APPLIED, [18.0])


def test_a_first_look_of_a_clock_that_is_ahead_prolongs_no_pause(waiting: Nights) -> None:
    look(waiting)
    waiting.now -= timedelta(minutes=10)
    waiting.sync()
    assert waiting.slept == [PAUSE]


def test_pull_waits_when_there_was_no_first_look(waiting: Nights) -> None:
    waiting.sync()
    assert waiting.slept == [PAUSE]


@pytest.mark.parametrize("change", ["it grew", "it was written again", "another one came"])
def test_pull_waits_for_what_the_first_look_did_not_see(waiting: Nights, change: str) -> None:
    look(waiting)
    waiting.now += timedelta(seconds=PAUSE)
    if change == "it grew":
        waiting.put([person(1), person(2)], at=waiting.now - timedelta(hours=1, seconds=PAUSE))
    elif change == "it was written again":
        waiting.put([person(1)], at=waiting.now)
    else:
        waiting.put([person(2)], "users-2.csv")
    results = waiting.sync()
    assert waiting.slept == [PAUSE]
    assert {result.outcome for result in results} == {Outcome.APPLIED}


def test_a_file_that_grows_again_after_the_first_look_waits_for_the_next_run(waiting: Nights) -> None:
    """It grew before the pull, and it grows still."""
    look(waiting)
    waiting.now += timedelta(seconds=PAUSE)
    waiting.put([person(1), person(2)])
    growing = replace(waiting.services, sleep=lambda _: waiting.put([person(1), person(2), person(3)]))
    [result] = pipeline.sync(growing, waiting.run(), "springfield")
    assert (result.outcome, waiting.people()) == (Outcome.WAITING, [])


def test_an_empty_file_waits_for_its_upload_whatever_the_first_look_saw(nights: Nights) -> None:
    nights.settle_seconds = PAUSE
    nights.put(b"")
    look(nights)
    nights.now += timedelta(minutes=2)
    [result] = nights.sync()
    assert (result.outcome, nights.slept) == (Outcome.WAITING, [])


def test_looking_twice_keeps_the_earlier_moment(waiting: Nights) -> None:
    """A task that is cleared looks again."""
    look(waiting)
    waiting.now += timedelta(seconds=PAUSE)
    look(waiting)
    waiting.sync()
    assert waiting.slept == []


def test_a_dry_run_notes_nothing(waiting: Nights) -> None:
    assert look(waiting, dry_run=True) == ((), ())
    assert (noted(waiting), waiting.looks) == (0, 0)


def test_nothing_is_looked_at_where_no_pause_is_made(nights: Nights) -> None:
    nights.put([person(1)])
    assert look(nights) == ((), ())
    assert nights.looks == 0


def test_what_was_looked_at_is_swept_with_the_raw_files(waiting: Nights, superuser_engine: Any) -> None:
    from rostersync import ledger

    look(waiting)
    kind = next(kind for kind in ledger.KINDS if kind.name == "first_looks")
    assert kind.days(waiting.config.retention) == waiting.config.retention.raw_files
    with waiting.owner.begin() as conn:
        assert ledger.sweep_kind(conn, kind, "springfield", waiting.now).swept == 0
        assert ledger.sweep_kind(conn, kind, "springfield", waiting.now + timedelta(seconds=1)).swept == 1


# Several districts, some of them in trouble.


@contextmanager
def silent_server() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []
        listener.settimeout(0.05)
        ended = threading.Event()

        def take() -> None:
            while not ended.is_set():
                try:
                    taken.append(listener.accept()[0])
                except TimeoutError:
                    continue

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            ended.set()
            thread.join()
            for connection in taken:
                connection.close()


class Country:
    """Districts by code: an inbox folder each, or a server; and how many looks there were at one time."""

    def __init__(self, nights: Nights) -> None:
        self.nights = nights
        self.configs: dict[str, District] = {}
        self.servers: dict[str, SftpCredentials] = {}
        self.now, self.most = 0, 0
        self._lock = threading.Lock()
        self.seconds = 0.0

    def folder(self, code: str) -> Path:
        inbox = self.nights.folder / code
        inbox.mkdir()
        (inbox / "users.csv").write_bytes(b"x")
        self.configs[code] = district(inbox, code=code)
        return inbox

    def server(self, code: str, credentials: SftpCredentials, connection: str = "") -> None:
        source = {"sftp": connection or code, "directory": "/", "pattern": "users*.csv"}
        self.configs[code] = district(Path(), code=code, source=source)
        self.servers[connection or code] = credentials

    def _district(self, code: str) -> District:
        return self.configs[code]

    @contextmanager
    def _open(self, config: District) -> Iterator[Transport]:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        try:
            time.sleep(self.seconds)
            with open_transport(config.source, self.servers.__getitem__) as transport:
                yield transport
        finally:
            with self._lock:
                self.now -= 1

    def look(self, limits: LookLimits = QUICK) -> tuple[tuple[str, ...], tuple[str, ...]]:
        services = replace(self.nights.services, district=self._district, open_transport=self._open, settle_seconds=5.0)
        looks = take_first_looks(services, self.nights.run(), list(self.configs), limits)
        return looks.seen, looks.not_seen

    def noted(self) -> list[str]:
        with self.nights.owner.connect() as conn:
            return sorted(conn.scalars(select(tables.inbox_look.c.district)))


@pytest.fixture
def country(emptied: Nights) -> Country:
    return Country(emptied)


def test_a_server_that_says_nothing_delays_nobody_and_fails_nothing(country: Country, sftp_server: SftpServer) -> None:
    (sftp_server.root / "users.csv").write_bytes(b"x")
    with silent_server() as port:
        for number in range(20):
            country.server(f"silent-{number}", sftp_server.credentials(port=port), "silent")
        country.server("alive", sftp_server.credentials())
        country.folder("here")
        begun = time.monotonic()
        seen, not_seen = country.look()
        assert time.monotonic() - begun < 20 * QUICK.host_seconds / 4
    assert sorted(seen) == ["alive", "here"] == country.noted()
    assert sorted(not_seen) == sorted(f"silent-{number}" for number in range(20))


def test_many_silent_servers_take_no_more_than_the_whole_time(country: Country, sftp_server: SftpServer) -> None:
    with silent_server() as port:
        for number in range(40):
            country.server(f"silent-{number}", sftp_server.credentials(port=port))
        begun = time.monotonic()
        seen, not_seen = country.look(LookLimits(host_seconds=0.5, whole_seconds=0.8))
        assert time.monotonic() - begun < 3
    assert (seen, len(not_seen)) == ((), 40)


def test_what_is_refused_or_missing_or_badly_configured_is_left_to_its_pull(
    country: Country, sftp_server: SftpServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    country.server("locked-out", sftp_server.credentials(password="wrong"))
    country.folder("gone").joinpath("users.csv").unlink()
    (country.nights.folder / "gone").rmdir()
    country.folder("here").joinpath("users.csv").rename(country.nights.folder / "here" / "users-quimby.csv")
    country.server("unknown", sftp_server.credentials())
    country.servers.pop("unknown")
    seen, not_seen = country.look()
    assert (seen, sorted(not_seen)) == (("here",), ["gone", "locked-out", "unknown"])
    assert country.noted() == ["here"]
    assert "quimby" not in caplog.text
    assert "source-refused" in caplog.text


def test_one_host_is_looked_at_by_one_login_at_a_time(country: Country, sftp_server: SftpServer) -> None:
    country.seconds = 0.02
    for number in range(5):
        country.server(f"d{number}", sftp_server.credentials(), "shared")
    seen, _ = country.look(LookLimits(host_seconds=5.0, whole_seconds=10.0))
    assert (sorted(seen), country.most) == ([f"d{number}" for number in range(5)], 1)


def test_no_more_than_sixteen_hosts_are_looked_at_at_a_time(country: Country, sftp_server: SftpServer) -> None:
    country.seconds = 0.2
    for number in range(24):
        country.server(f"d{number:02}", sftp_server.credentials())
    seen, _ = country.look(LookLimits(host_seconds=8.0, whole_seconds=20.0))
    assert len(seen) == 24
    assert 2 <= country.most <= 16


def test_an_inbox_that_two_districts_share_is_not_looked_at(country: Country, monkeypatch: pytest.MonkeyPatch) -> None:
    from rostersync.configuration import districts

    country.folder("one")
    country.folder("two")
    monkeypatch.setattr(districts, "districts_with_shared_inboxes", lambda _account: {"two": ["three"]})
    assert country.look() == (("one",), ("two",))


def test_a_file_is_told_by_name_size_and_time(waiting: Nights) -> None:
    look(waiting)
    [file] = FolderTransport(waiting.inbox, "users*.csv").list()
    with waiting.owner.connect() as conn:
        row = conn.execute(select(tables.inbox_look)).one()
    assert RemoteFile(name=row.name, size=row.size_bytes, modified_at=row.modified_at) == file
    assert (row.district, row.dag_id, row.run_id, row.seen_at) == (
        "springfield",
        waiting.run().dag_id,
        "night-1",
        waiting.now,
    )


def test_sync_of_three_districts_makes_one_pause(
    command: Callable[..., tuple[int, str, str]], source_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the second and the third district nothing is left to wait for: the clock goes on while the first one waits."""
    from rostersync import sample
    from rostersync.cli import environment

    sample.write_demo(source_engine)
    slept: list[float] = []
    with_no_pause = environment.Services.__init__

    def with_pause(self: Any, **parts: Any) -> None:
        with_no_pause(self, **parts)
        object.__setattr__(self, "settle_seconds", PAUSE)
        object.__setattr__(self, "sleep", slept.append)
        start = self.clock()
        object.__setattr__(self, "clock", lambda: start + timedelta(seconds=sum(slept)))

    monkeypatch.setattr(environment.Services, "__init__", with_pause)
    code, _, _ = command("sync")
    assert (code, slept) == (2, [PAUSE])

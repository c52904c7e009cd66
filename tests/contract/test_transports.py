"""Every transport answers the same questions in the same way."""

from __future__ import annotations

import hashlib
import io
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest

from rostersync.configuration.districts import Source
from rostersync.exceptions import (
    ConfigurationError,
    FileChangedWhileRead,
    HostKeyChanged,
    SourceRefused,
    SourceUnreachable,
)
from rostersync.model import Landed
from rostersync.transports import SftpCredentials, Transport, credentials_from_environment, open_transport, sftp
from tests.support.servers import SftpServer

UNSEEN = ("users.txt", ".users.csv", "users.csv.part", "users.csv.done", "USERS.CSV", "two\nlines.csv", "a\\b.csv")
OLD, NEW = 1_790_000_000, 1_790_000_060


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """A folder that a test fills, and how the transport under test sees it."""

    folder: Path
    source: Source
    credentials: SftpCredentials | None

    def open(self) -> AbstractContextManager[Transport]:
        return open_transport(self.source, self._find)

    def _find(self, connection: str) -> SftpCredentials:
        assert connection == "district_1"
        assert self.credentials is not None
        return self.credentials

    def put(self, name: str, content: bytes = b"data", *, at: int = NEW) -> None:
        (self.folder / name).write_bytes(content)
        os.utime(self.folder / name, (at, at))


@pytest.fixture(params=["folder", "sftp"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Inbox]:
    if request.param == "folder":
        folder = tmp_path / "inbox"
        folder.mkdir()
        yield Inbox(folder=folder, source=Source(file=str(folder), pattern="*.csv"), credentials=None)
        return
    server: SftpServer = request.getfixturevalue("sftp_server")
    folder = server.root / "outgoing" / "roster"
    folder.mkdir(parents=True)
    source = Source(sftp="district_1", directory="/outgoing/roster/", pattern="*.csv")
    yield Inbox(folder=folder, source=source, credentials=server.credentials())


def test_files_come_oldest_first_then_by_name(inbox: Inbox) -> None:
    inbox.put("b.csv", b"12345", at=OLD)
    inbox.put("c.csv", at=NEW)
    inbox.put("a.csv", at=NEW)
    with inbox.open() as transport:
        files = transport.list()
    assert [(file.name, file.size) for file in files] == [("b.csv", 5), ("a.csv", 4), ("c.csv", 4)]
    assert files[0].modified_at == datetime.fromtimestamp(OLD, UTC)


def test_only_regular_finished_files_with_plain_matching_names_are_seen(inbox: Inbox, tmp_path: Path) -> None:
    outside = tmp_path / "secret.csv"
    outside.write_bytes(b"secret")
    for name in UNSEEN:
        inbox.put(name)
    (inbox.folder / "folder.csv").mkdir()
    (inbox.folder / "link.csv").symlink_to(outside)
    os.mkfifo(inbox.folder / "pipe.csv")
    inbox.put("users.csv")
    with inbox.open() as transport:
        assert [file.name for file in transport.list()] == ["users.csv"]
        for name in ("link.csv", "folder.csv", "pipe.csv", "../users.csv", "none.csv"):
            assert transport.stat(name) is None
        for name in ("link.csv", "none.csv"):
            with pytest.raises(FileChangedWhileRead):
                transport.fetch(name, io.BytesIO())


@pytest.mark.parametrize(
    ("pattern", "workbooks", "seen"),
    [
        ("users.csv", True, ["users.csv", "users.xlsx"]),
        ("users.csv", False, ["users.csv"]),
        ("users-*.csv", True, ["users-errors.csv", "users-errors.xlsx"]),
        ("users.xlsx", True, ["users.xlsx"]),
    ],
)
def test_a_workbook_is_seen_where_its_csv_would_be(
    inbox: Inbox, pattern: str, workbooks: bool, seen: list[str]
) -> None:
    for name in ("users.csv", "users.xlsx", "users.XLSX", "users-errors.csv", "users-errors.xlsx", "users.csv.xlsx"):
        inbox.put(name)
    source = inbox.source.model_copy(update={"pattern": pattern})
    with open_transport(source, inbox._find, workbooks=workbooks) as transport:
        assert [file.name for file in transport.list()] == seen


def test_an_unfinished_upload_is_not_seen_whatever_the_pattern(inbox: Inbox) -> None:
    for name in ("users.csv.part", "users.csv.filepart", "users.csv.TMP", "users.csv.done"):
        inbox.put(name)
    everything = inbox.source.model_copy(update={"pattern": "*"})
    with Inbox(folder=inbox.folder, source=everything, credentials=inbox.credentials).open() as transport:
        assert transport.list() == []


def test_an_empty_inbox_is_an_empty_list(inbox: Inbox) -> None:
    with inbox.open() as transport:
        assert transport.list() == []


@pytest.mark.parametrize("size", [0, 1, 3_000_001])
def test_bytes_arrive_unchanged(inbox: Inbox, size: int) -> None:
    content = os.urandom(size)
    inbox.put("users.csv", content)
    sink = io.BytesIO()
    with inbox.open() as transport:
        transport.fetch("users.csv", sink)
        assert transport.stat("users.csv") == transport.list()[0]
    assert sink.getvalue() == content


def test_bytes_behind_what_is_read_ahead_arrive_too(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "BYTES_AHEAD", 100_000)
    content = os.urandom(1_000_001)
    inbox.put("users.csv", content)
    sink = io.BytesIO()
    with inbox.open() as transport:
        transport.fetch("users.csv", sink)
    assert sink.getvalue() == content


def test_a_done_marker_is_seen(inbox: Inbox) -> None:
    inbox.put("users.csv")
    with inbox.open() as transport:
        assert not transport.has_done_marker("users.csv")
        inbox.put("users.csv.done", b"")
        assert transport.has_done_marker("users.csv")


@pytest.mark.parametrize("folder", ["reports", "reports/of/staff/", "/"])
def test_a_report_is_dropped_whole_and_again_over_the_old_one(inbox: Inbox, tmp_path: Path, folder: str) -> None:
    """Inside the inbox, or anywhere on the server."""
    there = inbox.folder / folder
    if folder == "/":
        there, folder = (tmp_path / "apart", str(tmp_path / "apart"))
        if inbox.credentials:
            there, folder = tmp_path / "sftp-root" / "apart", "/apart"
    for content in (b"first, longer", os.urandom(1_000_001), b"last"):
        with inbox.open() as transport:
            transport.drop(folder, "d-1-users-errors.csv", content)
            assert transport.list() == []
        assert [(path.name, path.read_bytes()) for path in there.iterdir()] == [("d-1-users-errors.csv", content)]


def test_a_folder_that_cannot_be_made_is_refused(inbox: Inbox) -> None:
    inbox.put("reports", b"a file in its place")
    with inbox.open() as transport, pytest.raises((SourceRefused, SourceUnreachable)):
        transport.drop("reports", "d-1-users-errors.csv", b"list")
    assert (inbox.folder / "reports").read_bytes() == b"a file in its place"


def test_read_files_move_aside_and_never_over_another(inbox: Inbox) -> None:
    for content in (b"first", b"second"):
        inbox.put("users.csv", content)
        inbox.put("users.csv.done", b"")
        read = Landed(district="maple", sha256=hashlib.sha256(content).hexdigest(), size=len(content))
        with inbox.open() as transport:
            [file] = transport.list()
            assert transport.move(file, read)
            assert transport.list() == []
            assert not transport.has_done_marker("users.csv")
            assert not transport.move(file, read)
    moved = sorted((inbox.folder / "processed").iterdir())
    assert sorted(path.read_bytes() for path in moved) == [b"first", b"second"]


def test_a_missing_folder_needs_a_person(inbox: Inbox) -> None:
    inbox.folder.rmdir()
    with inbox.open() as transport, pytest.raises(SourceRefused):
        transport.list()


def test_a_relative_folder_is_below_the_states_inbox(own_environment: Path) -> None:
    folder = own_environment / "inbox" / "maple"
    folder.mkdir(parents=True)
    (folder / "users.csv").write_bytes(b"x")
    with open_transport(Source(file="maple")) as transport:
        assert [file.name for file in transport.list()] == ["users.csv"]


def _list(server: SftpServer, **changed: object) -> list[str]:
    with open_transport(Source(sftp="d", directory="."), lambda _: server.credentials(**changed)) as transport:
        return [file.name for file in transport.list()]


def test_a_private_key_logs_in(sftp_server: SftpServer) -> None:
    key = sftp_server.client_key.export_private_key().decode()
    (sftp_server.root / "users.csv").write_bytes(b"x")
    assert _list(sftp_server, password=None, private_key=key) == ["users.csv"]


@pytest.mark.parametrize("changed", [{"password": "wrong"}, {"user": "somebody"}])
def test_a_refused_login_is_tried_once_and_needs_a_person(sftp_server: SftpServer, changed: dict[str, str]) -> None:
    with pytest.raises(SourceRefused) as caught:
        _list(sftp_server, **changed)
    assert sftp_server.logins == 1
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
def test_another_host_key_is_refused_before_the_password_is_sent(sftp_server: SftpServer, kind: str) -> None:
    other = asyncssh.generate_private_key(kind)
    pinned = " ".join(other.export_public_key().decode().split()[:2])
    with pytest.raises(HostKeyChanged) as caught:
        _list(sftp_server, host_key=pinned)
    assert other.get_fingerprint() in caught.value.message
    assert sftp_server._key.get_fingerprint() in caught.value.message
    assert sftp_server.logins == 0


@pytest.mark.parametrize("host_key", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "nonsense AAAA", "ssh-rsa %%%"])
def test_an_unusable_pinned_key_is_a_configuration_error(sftp_server: SftpServer, host_key: str) -> None:
    with pytest.raises(ConfigurationError):
        _list(sftp_server, host_key=host_key)


def test_an_unusable_private_key_is_a_configuration_error(sftp_server: SftpServer) -> None:
    with pytest.raises(ConfigurationError):
        _list(sftp_server, private_key="no key")


def test_a_server_that_is_away_is_tried_again(sftp_server: SftpServer) -> None:
    credentials = sftp_server.credentials()
    sftp_server.stop()
    with pytest.raises(SourceUnreachable), open_transport(Source(sftp="d"), lambda _: credentials):
        pass


def test_a_server_that_falls_silent_is_tried_again(sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "SILENCE_SECONDS", 0.3)
    (sftp_server.root / "users.csv").write_bytes(b"x" * 100_000)
    with open_transport(Source(sftp="d"), lambda _: sftp_server.credentials()) as transport:
        sftp_server.stalled.set()
        began = time.monotonic()
        with pytest.raises(SourceUnreachable):
            transport.fetch("users.csv", io.BytesIO())
        sftp_server.stalled.clear()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "value",
    [
        "sftp://us%2Fer:p%40ss@sftp.example.org:2022?host_key=ssh-x%20A+b/c=",
        '{"host": "sftp.example.org", "port": 2022, "user": "us/er", "password": "p@ss", "host_key": "ssh-x A+b/c="}',
    ],
)
def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ROSTERSYNC_SFTP_DISTRICT_1", value)
    found = credentials_from_environment("district-1")
    assert (found.host, found.port, found.user) == ("sftp.example.org", 2022, "us/er")
    assert (found.password, found.host_key) == ("p@ss", "ssh-x A+b/c=")
    assert "p@ss" not in repr(found)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ftp://a:secret@b?host_key=c",
        "sftp://a:secret@b",
        "{",
        "{}",
        '{"host": "a", "user": "b", "host_key": "c", "x": 1}',
    ],
)
def test_unusable_credentials_name_the_variable_and_show_nothing(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ROSTERSYNC_SFTP_DISTRICT_1", value)
    with pytest.raises(ConfigurationError, match="ROSTERSYNC_SFTP_DISTRICT_1") as caught:
        credentials_from_environment("district_1")
    assert "secret" not in str(caught.value)

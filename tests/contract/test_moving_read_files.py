"""Moving a file that was read: only that very file, never another one, never through a link."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from rostersync.configuration.districts import Source
from rostersync.exceptions import SourceRefused
from rostersync.model import Landed, RemoteFile
from rostersync.transports import SftpCredentials, Transport, open_transport
from tests.support.servers import SftpServer

OLD, NEW = 1_790_000_000, 1_790_000_060


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """A folder that a test fills; `neighbour` is another district's inbox on the same disk."""

    folder: Path
    neighbour: Path
    source: Source
    credentials: SftpCredentials | None

    def open(self) -> AbstractContextManager[Transport]:
        return open_transport(self.source, self._find)

    def _find(self, _: str) -> SftpCredentials:
        assert self.credentials is not None
        return self.credentials

    def put(self, content: bytes, name: str = "users.csv", *, at: int = NEW) -> None:
        (self.folder / name).write_bytes(content)
        os.utime(self.folder / name, (at, at))

    def read(self, transport: Transport, name: str = "users.csv") -> tuple[RemoteFile, Landed]:
        """The file as it was listed, and its bytes as they were landed."""
        [listed] = [file for file in transport.list() if file.name == name]
        sink = io.BytesIO()
        transport.fetch(name, sink)
        digest = hashlib.sha256(sink.getvalue()).hexdigest()
        return listed, Landed(district="maple", sha256=digest, size=listed.size)

    def processed(self) -> list[bytes]:
        folder = self.folder / "processed"
        return sorted(path.read_bytes() for path in folder.iterdir()) if folder.is_dir() else []

    def left(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in sorted(self.folder.iterdir()) if path.is_file()}


@pytest.fixture(params=["folder", "sftp"])
def inbox(request: pytest.FixtureRequest, tmp_path: Path) -> Inbox:
    root = tmp_path
    credentials = None
    if request.param == "sftp":
        server: SftpServer = request.getfixturevalue("sftp_server")
        root, credentials = server.root, server.credentials()
    folder, neighbour = root / "maple", root / "birch"
    folder.mkdir()
    neighbour.mkdir()
    source = Source(sftp="d", directory="/maple") if credentials else Source(file=str(folder))
    return Inbox(folder=folder, neighbour=neighbour, source=source, credentials=credentials)


def test_the_file_that_was_read_is_moved_with_its_marker(inbox: Inbox) -> None:
    inbox.put(b"first")
    inbox.put(b"", "users.csv.done")
    with inbox.open() as transport:
        assert transport.move(*inbox.read(transport))
    assert (inbox.processed(), inbox.left()) == ([b"first"], {})


@pytest.mark.parametrize(
    ("newer", "at"),
    [
        pytest.param(b"a longer one", NEW + 60, id="other size and time"),
        pytest.param(b"other", NEW + 60, id="same size"),
        pytest.param(b"a longer one", NEW, id="same time"),
        pytest.param(b"other", NEW, id="same size, in the same second"),
    ],
)
def test_an_upload_between_reading_and_moving_stays_to_be_read(inbox: Inbox, newer: bytes, at: int) -> None:
    inbox.put(b"first")
    with inbox.open() as transport:
        read = inbox.read(transport)
        inbox.put(newer, at=at)
        assert not transport.move(*read)
        assert [file.name for file in transport.list()] == ["users.csv"]
    assert (inbox.processed(), inbox.left()) == ([], {"users.csv": newer})


def test_a_marker_of_a_newer_upload_is_left_with_it(inbox: Inbox) -> None:
    inbox.put(b"first")
    with inbox.open() as transport:
        read = inbox.read(transport)
        inbox.put(b"second", at=NEW + 60)
        inbox.put(b"", "users.csv.done", at=NEW + 61)
        assert not transport.move(*read)
        assert transport.has_done_marker("users.csv")


def test_a_file_that_is_gone_meanwhile_is_no_failure(inbox: Inbox) -> None:
    inbox.put(b"first")
    with inbox.open() as transport:
        read = inbox.read(transport)
        (inbox.folder / "users.csv").unlink()
        assert not transport.move(*read)
    assert (inbox.processed(), inbox.left()) == ([], {})


def test_of_a_file_above_the_limit_the_landed_part_is_compared(inbox: Inbox) -> None:
    inbox.put(b"first, too large")
    with inbox.open() as transport:
        listed, _ = inbox.read(transport)
        part = Landed(district="maple", sha256=hashlib.sha256(b"first,").hexdigest(), size=6)
        assert transport.move(listed, part)
    assert inbox.processed() == [b"first, too large"]


@pytest.mark.parametrize("where", ["neighbour", "nowhere"])
def test_a_link_in_the_place_of_the_folder_for_read_files_is_refused(inbox: Inbox, where: str) -> None:
    """Otherwise a district puts its own file into another district's inbox."""
    (inbox.folder / "processed").symlink_to(inbox.neighbour if where == "neighbour" else inbox.folder / "none")
    inbox.put(b"first")
    with inbox.open() as transport:
        read = inbox.read(transport)
        with pytest.raises(SourceRefused):
            transport.move(*read)
    assert list(inbox.neighbour.iterdir()) == []
    assert inbox.left() == {"users.csv": b"first"}


@pytest.mark.parametrize("folder", ["reports", "reports/staff"])
def test_a_report_is_not_dropped_through_a_link(inbox: Inbox, folder: str) -> None:
    (inbox.folder / "reports").symlink_to(inbox.neighbour)
    with inbox.open() as transport, pytest.raises(SourceRefused):
        transport.drop(folder, "d-1-users-errors.csv", b"list")
    assert list(inbox.neighbour.iterdir()) == []


def test_a_link_planted_under_a_reports_unfinished_name_is_not_followed(inbox: Inbox) -> None:
    victim = inbox.neighbour / "users.csv"
    victim.write_bytes(b"theirs")
    (inbox.folder / "reports").mkdir()
    (inbox.folder / "reports" / "d-1-users-errors.csv.part").symlink_to(victim)
    with inbox.open() as transport:
        transport.drop("reports", "d-1-users-errors.csv", b"list")
    assert victim.read_bytes() == b"theirs"
    assert (inbox.folder / "reports" / "d-1-users-errors.csv").read_bytes() == b"list"


def test_a_marker_vouches_only_for_a_file_that_is_not_newer(inbox: Inbox) -> None:
    inbox.put(b"first", at=OLD)
    inbox.put(b"", "users.csv.done", at=OLD)
    with inbox.open() as transport:
        assert transport.has_done_marker("users.csv")
        inbox.put(b"sec", at=NEW)
        assert not transport.has_done_marker("users.csv")


def test_a_link_is_no_marker(inbox: Inbox) -> None:
    inbox.put(b"first", at=OLD)
    (inbox.neighbour / "note").write_bytes(b"")
    (inbox.folder / "users.csv.done").symlink_to(inbox.neighbour / "note")
    with inbox.open() as transport:
        assert not transport.has_done_marker("users.csv")


def test_what_a_killed_move_left_is_read_under_its_name_again(inbox: Inbox) -> None:
    inbox.put(b"unread", ".rostersync-moving-0a1b2c3d-users.csv")
    inbox.put(b"", ".rostersync-moving-none")
    with inbox.open() as transport:
        transport.restore_interrupted_moves()
        assert [file.name for file in transport.list()] == ["users.csv"]
    assert inbox.left()["users.csv"] == b"unread"


def test_what_a_killed_move_left_never_takes_a_newer_files_place(inbox: Inbox) -> None:
    inbox.put(b"overtaken", ".rostersync-moving-0a1b2c3d-users.csv", at=OLD)
    inbox.put(b"newest")
    with inbox.open() as transport:
        transport.restore_interrupted_moves()
    assert (inbox.left(), inbox.processed()) == ({"users.csv": b"newest"}, [b"overtaken"])

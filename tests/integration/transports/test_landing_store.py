"""The landing store keeps bytes unchanged, under their hash, once."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path
from typing import BinaryIO

import fsspec
import pytest

from rostersync.configuration.districts import Source
from rostersync.exceptions import (
    FileChangedWhileRead,
    LandedBytesMissing,
    LandingUnavailable,
    LedgerMismatch,
    SourceUnreachable,
)
from rostersync.model import RemoteFile
from rostersync.transports import FolderTransport, open_transport
from rostersync.transports.landing_store import LandingStore
from tests.support.servers import SftpServer

CONTENT = "userId;Jos\u00e9\r\n\x00".encode("cp1252") * 1000
SHA = hashlib.sha256(CONTENT).hexdigest()
LIMIT = 1_000_000


@pytest.fixture
def inbox(tmp_path: Path) -> FolderTransport:
    """A folder with one file."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "users.csv").write_bytes(CONTENT)
    return FolderTransport(folder)


@pytest.fixture(params=["folder", "file-url", "memory", "nested"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A landing store of each kind."""
    root = tmp_path / "landing"
    kinds = {"folder": str(root), "file-url": f"file://{root}", "nested": f"dir::file://{root}"}
    return kinds.get(request.param, f"memory://landing-{tmp_path.name}")


def _seen(transport: FolderTransport) -> RemoteFile:
    [remote] = transport.list()
    return remote


def test_bytes_come_back_unchanged_and_landing_twice_is_harmless(url: str, inbox: FolderTransport) -> None:
    store = LandingStore(url)
    assert not store.exists("maple", SHA)
    first = store.land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    again = store.land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    assert first == again
    assert (first.district, first.sha256, first.size) == ("maple", SHA, len(CONTENT))
    assert store.read("maple", SHA) == CONTENT
    assert store.exists("maple", SHA)
    assert not store.exists("birch", SHA)


def test_a_file_from_sftp_lands(sftp_server: SftpServer, tmp_path: Path) -> None:
    (sftp_server.root / "users.csv").write_bytes(CONTENT)
    store = LandingStore(str(tmp_path / "landing"))
    with open_transport(Source(sftp="d"), lambda _: sftp_server.credentials()) as transport:
        [remote] = transport.list()
        landed = store.land("maple", transport, remote, max_bytes=LIMIT)
        short = store.land("maple", transport, remote, max_bytes=10)
        assert transport.list() == [remote]
    assert store.read("maple", landed.sha256) == CONTENT
    assert store.read("maple", short.sha256) == CONTENT[:11]


def test_missing_bytes_and_changed_bytes_are_missing(tmp_path: Path, inbox: FolderTransport) -> None:
    store = LandingStore(str(tmp_path / "landing"))
    with pytest.raises(LandedBytesMissing):
        store.read("maple", SHA)
    store.land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    (tmp_path / "landing" / "maple" / SHA).write_bytes(b"other")
    with pytest.raises(LandedBytesMissing):
        store.read("maple", SHA)
    store.land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    assert store.read("maple", SHA) == CONTENT


def test_missing_bytes_are_missing_in_any_store(url: str) -> None:
    with pytest.raises(LandedBytesMissing):
        LandingStore(url).read("maple", SHA)


def test_all_folders_are_private_and_nothing_else_is_left(tmp_path: Path, inbox: FolderTransport) -> None:
    root = tmp_path / "state" / "landing"
    LandingStore(str(root)).land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    for folder in (root.parent, root, root / "maple"):
        assert folder.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in root.rglob("*") if path.is_file()] == [SHA]
    assert sorted(path.name for path in (root / "maple").iterdir()) == [SHA]


def test_above_the_limit_one_byte_more_lands_for_the_reader_to_refuse(tmp_path: Path, inbox: FolderTransport) -> None:
    store = LandingStore(str(tmp_path / "landing"))
    landed = store.land("maple", inbox, _seen(inbox), max_bytes=100)
    assert store.read("maple", landed.sha256) == CONTENT[:101]
    exact = store.land("maple", inbox, _seen(inbox), max_bytes=len(CONTENT))
    assert exact.sha256 == SHA


class _Changing(FolderTransport):
    """An inbox into which somebody writes during the download."""

    def fetch(self, name: str, sink: BinaryIO) -> None:
        super().fetch(name, sink)
        with (self.directory / name).open("ab") as upload:
            upload.write(b"more")


class _Breaking(FolderTransport):
    def fetch(self, name: str, sink: BinaryIO) -> None:
        sink.write(b"half")
        raise SourceUnreachable("gone")


def test_a_file_that_grows_during_the_download_does_not_land(tmp_path: Path, inbox: FolderTransport) -> None:
    root = tmp_path / "landing"
    growing = _Changing(inbox.directory)
    with pytest.raises(FileChangedWhileRead):
        LandingStore(str(root)).land("maple", growing, _seen(growing), max_bytes=LIMIT)
    assert list((root / "maple").iterdir()) == []


def test_a_file_that_changed_since_it_was_seen_does_not_land(tmp_path: Path, inbox: FolderTransport) -> None:
    remote = _seen(inbox)
    os.utime(inbox.directory / "users.csv", (1, 1))
    store = LandingStore(str(tmp_path / "landing"))
    with pytest.raises(FileChangedWhileRead):
        store.land("maple", inbox, remote, max_bytes=LIMIT)
    (inbox.directory / "users.csv").unlink()
    with pytest.raises(FileChangedWhileRead):
        store.land("maple", inbox, remote, max_bytes=LIMIT)


def test_a_transfer_that_breaks_off_leaves_nothing(tmp_path: Path, inbox: FolderTransport) -> None:
    root = tmp_path / "landing"
    with pytest.raises(SourceUnreachable):
        LandingStore(str(root)).land("maple", _Breaking(inbox.directory), _seen(inbox), max_bytes=LIMIT)
    assert list((root / "maple").iterdir()) == []


def test_what_killed_tasks_left_is_swept_a_day_later(tmp_path: Path, inbox: FolderTransport) -> None:
    folder = tmp_path / "landing" / "maple"
    for name, age in ((".old.part", 90_000), (".new.part", 60)):
        (folder / name).mkdir(parents=True)
        (folder / name / "file").write_bytes(b"half")
        os.utime(folder / name, (time.time() - age,) * 2)
    LandingStore(str(tmp_path / "landing")).land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    assert sorted(path.name for path in folder.iterdir()) == sorted([".new.part", SHA])


def test_a_store_that_cannot_be_written_is_tried_again_and_is_not_the_districts_fault(
    tmp_path: Path, inbox: FolderTransport
) -> None:
    (tmp_path / "landing").write_bytes(b"a file where a folder should be")
    with pytest.raises(LandingUnavailable) as caught:
        LandingStore(str(tmp_path / "landing")).land("maple", inbox, _seen(inbox), max_bytes=LIMIT)
    assert type(caught.value) is LandingUnavailable


def test_a_store_that_keeps_other_bytes_is_noticed(monkeypatch: pytest.MonkeyPatch, inbox: FolderTransport) -> None:
    memory = fsspec.filesystem("memory")
    monkeypatch.setattr(type(memory), "put_file", lambda self, _source, target: self.pipe_file(target, b"other"))
    with pytest.raises(LandingUnavailable):
        LandingStore("memory://liar").land("maple", inbox, _seen(inbox), max_bytes=LIMIT)


def test_a_note_is_kept_beside_the_files_and_replaced(url: str) -> None:
    store = LandingStore(url)
    assert store.recall("epoch") is None
    for content in (b"1", b"22"):
        store.remember("epoch", content)
        assert LandingStore(url).recall("epoch") == content
    assert store.recall("another") is None


@pytest.mark.parametrize(
    ("district", "sha256"), [("../maple", SHA), ("maple", "../../etc/passwd"), ("", SHA), (".", SHA)]
)
def test_only_codes_and_hashes_make_a_path(tmp_path: Path, district: str, sha256: str) -> None:
    with pytest.raises(LedgerMismatch):
        LandingStore(str(tmp_path)).read(district, sha256)

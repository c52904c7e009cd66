"""The landing store: every file exactly as it was read, under `<district>/<sha256>`.

The store is a folder, or any fsspec URL, so that workers need no shared disk. Landing twice is harmless.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol, cast

from rostersync import fault_points
from rostersync.exceptions import FileChangedWhileRead, LandedBytesMissing, LandingUnavailable, LedgerMismatch
from rostersync.model import Landed, RemoteFile
from rostersync.settings import private_folder, state_path

CHUNK = 1 << 20
ABANDONED_SECONDS = 86_400
_SHA256 = re.compile(r"[0-9a-f]{64}")
NOTES = ".notes"
"""Folder for what the program itself notes; no district's code begins with a dot."""


class Inbox(Protocol):
    """The part of a transport that landing needs."""

    def stat(self, name: str) -> RemoteFile | None:
        """A file as it is now; None when it is gone."""

    def fetch(self, name: str, sink: BinaryIO) -> None:
        """Write a file's bytes to `sink`."""


class LandingStore:
    """A folder (path or `file://` URL) or anything else fsspec has a URL for."""

    def __init__(self, url: str) -> None:
        self._shelf = _Folder(Path(url.removeprefix("file://"))) if _is_local(url) else _Remote(url)

    def land(self, district: str, transport: Inbox, remote: RemoteFile, *, max_bytes: int) -> Landed:
        """Copy a file of an inbox into the store; what is there now.

        At most `max_bytes` + 1 bytes are landed: enough for the reader to refuse the file as too large.
        Raises FileChangedWhileRead when the file is not, before and after, the one that was seen; LandingUnavailable
        when the store cannot be written; what the transport raises.
        """
        _check_unchanged(transport, remote)
        with self._shelf.part(district) as path:
            sink = _Sink(path, max_bytes + 1)
            with contextlib.closing(sink), contextlib.suppress(_Enough):
                transport.fetch(remote.name, cast(BinaryIO, sink))
            _check_unchanged(transport, remote)
            if sink.size != min(remote.size, max_bytes + 1):
                raise FileChangedWhileRead("Other bytes came than the listing promised.")
            landed = Landed(district=district, sha256=sink.digest.hexdigest(), size=sink.size)
            fault_points.point("landing.before_put")
            with _sorted_out("written"):
                self._shelf.put(path, landed)
            fault_points.point("landing.after_put")
        return landed

    def read(self, district: str, sha256: str) -> bytes:
        """The bytes, checked against their hash. Raises LandedBytesMissing, LandingUnavailable."""
        try:
            with _sorted_out("read"):
                data = self._shelf.read(_key(district, sha256))
        except FileNotFoundError:
            raise LandedBytesMissing(f"District {district}: {sha256[:12]} is not in the landing store.") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LandedBytesMissing(f"District {district}: the bytes of {sha256[:12]} were changed in the store.")
        return data

    def exists(self, district: str, sha256: str) -> bool:
        """Whether the store has these bytes."""
        with _sorted_out("read"):
            return self._shelf.exists(_key(district, sha256))

    def kept(self, district: str) -> dict[str, datetime]:
        """sha256 → when these bytes were written, of everything the store has of this district."""
        with _sorted_out("read"):
            return {name: at for name, at in self._shelf.listed(_name(district)) if _SHA256.fullmatch(name)}

    def remove(self, district: str, sha256: str) -> None:
        """Delete bytes for good; those that are gone already are no trouble."""
        with contextlib.suppress(FileNotFoundError), _sorted_out("written"):
            self._shelf.remove(_key(district, sha256))

    def remember(self, name: str, content: bytes) -> None:
        """Keep a small note of the program's own, in place of the one of this name. Raises TransientError."""
        with _sorted_out("written"):
            self._shelf.write(f"{NOTES}/{name}", content)

    def recall(self, name: str) -> bytes | None:
        """The note of this name, None when there is none. Raises TransientError."""
        try:
            with _sorted_out("read"):
                return self._shelf.read(f"{NOTES}/{name}")
        except FileNotFoundError:
            return None

    def notes(self, folder: str) -> list[str]:
        """The names of a folder's notes (`remember("folder/name", …)`). Raises TransientError."""
        with _sorted_out("read"):
            return [name for name, _ in self._shelf.listed(f"{NOTES}/{folder}")]

    def erase(self, name: str) -> None:
        """Delete a note; one that is gone already is no trouble. Raises TransientError."""
        with contextlib.suppress(FileNotFoundError), _sorted_out("written"):
            self._shelf.remove(f"{NOTES}/{name}")

    def forget(self, folder: str, before: datetime) -> None:
        """Delete the notes of a folder (`remember("folder/name", …)`) that are older. Raises TransientError."""
        with _sorted_out("written"):
            old = [name for name, at in self._shelf.listed(f"{NOTES}/{folder}") if at < before]
            for name in old:
                with contextlib.suppress(FileNotFoundError):
                    self._shelf.remove(f"{NOTES}/{folder}/{name}")


class _Enough(Exception):
    """More bytes than the limit have come."""


class _Sink:
    """A private file that hashes what it is given; it fails as our store, not as the district's inbox."""

    def __init__(self, path: Path, limit: int) -> None:
        self._limit = limit
        self.size = 0
        self.digest = hashlib.sha256()
        with _sorted_out("written"):
            self._out: IO[bytes] = path.open("xb")

    def write(self, chunk: bytes) -> int:
        taken = chunk[: self._limit - self.size]
        with _sorted_out("written"):
            self._out.write(taken)
        fault_points.point("landing.fetching")
        self.digest.update(taken)
        self.size += len(taken)
        if len(taken) < len(chunk):
            raise _Enough
        return len(chunk)

    def close(self) -> None:
        """Bytes on the disk before anybody is told that they landed."""
        with _sorted_out("written"), self._out:
            self._out.flush()
            os.fsync(self._out.fileno())


class _Folder:
    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def part(self, district: str) -> Iterator[Path]:
        with _sorted_out("written"):
            folder = private_folder(private_folder(self._root) / _name(district))
        with _private_part(folder) as path:
            yield path

    def put(self, part: Path, landed: Landed) -> None:
        folder = self._root / landed.district
        part.replace(folder / landed.sha256)
        _sync_directory(folder)

    def write(self, key: str, content: bytes) -> None:
        target = self._root / key
        folder = private_folder(target.parent)
        with _private_part(folder) as part:
            part.write_bytes(content)
            part.replace(target)
        _sync_directory(folder)

    def read(self, key: str) -> bytes:
        return (self._root / key).read_bytes()

    def exists(self, key: str) -> bool:
        return (self._root / key).is_file()

    def listed(self, folder: str) -> Iterator[tuple[str, datetime]]:
        place = self._root / folder
        for path in place.iterdir() if place.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # somebody erased it meanwhile
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def remove(self, key: str) -> None:
        (self._root / key).unlink()


class _Remote:
    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs  # 0.1 s, and a folder needs none of it

        filesystem, root = url_to_fs(url)
        self._fs: Any = filesystem
        self._root = str(root).rstrip("/")

    @contextlib.contextmanager
    def part(self, district: str) -> Iterator[Path]:
        _name(district)
        with _sorted_out("written"):
            folder = private_folder(state_path("landing-parts"))
        with _private_part(folder) as path:
            yield path

    def put(self, part: Path, landed: Landed) -> None:
        """One put, then size and hash are read back: not every store says what it really kept."""
        target = f"{self._root}/{_key(landed.district, landed.sha256)}"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._fs.put_file(str(part), target)
        digest = hashlib.sha256()
        with self._fs.open(target, "rb") as kept:
            while chunk := kept.read(CHUNK):
                digest.update(chunk)
        if self._fs.size(target) != landed.size or digest.hexdigest() != landed.sha256:
            raise LandingUnavailable("The landing store kept other bytes than were sent.")

    def write(self, key: str, content: bytes) -> None:
        target = f"{self._root}/{key}"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(target, content)

    def read(self, key: str) -> bytes:
        return bytes(self._fs.cat_file(f"{self._root}/{key}"))

    def exists(self, key: str) -> bool:
        return bool(self._fs.exists(f"{self._root}/{key}"))

    def listed(self, folder: str) -> Iterator[tuple[str, datetime]]:
        self._fs.invalidate_cache()
        place = f"{self._root}/{folder}"
        for path in self._fs.ls(place, detail=False) if self._fs.isdir(place) else ():
            with contextlib.suppress(FileNotFoundError):  # somebody erased it meanwhile
                at: datetime = self._fs.modified(path)
                yield str(path).rpartition("/")[2], at if at.tzinfo else at.replace(tzinfo=UTC)

    def remove(self, key: str) -> None:
        self._fs.rm_file(f"{self._root}/{key}")


def _is_local(url: str) -> bool:
    return "://" not in url or url.startswith("file://")


def _check_unchanged(transport: Inbox, remote: RemoteFile) -> None:
    if transport.stat(remote.name) != remote:
        raise FileChangedWhileRead("Size or time of the file changed, or it is gone.")


def _key(district: str, sha256: str) -> str:
    if not _SHA256.fullmatch(sha256):
        raise LedgerMismatch("A landed file is named by the SHA-256 of its bytes.")
    return f"{_name(district)}/{sha256}"


def _name(district: str) -> str:
    """The district is part of a path: nothing but its code may come in."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", district):
        raise LedgerMismatch("A landed file belongs to a district's code.")
    return district


@contextlib.contextmanager
def _private_part(folder: Path) -> Iterator[Path]:
    """A free name in a folder of mode 0700 that is gone afterwards, unless it was renamed.

    What killed tasks left is swept a day later.
    """
    for left in folder.glob(".*.part"):
        with contextlib.suppress(FileNotFoundError):
            if left.stat().st_mtime < time.time() - ABANDONED_SECONDS:
                shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=".", suffix=".part", dir=folder) as made:
        yield Path(made) / "file"


def _sync_directory(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextlib.contextmanager
def _sorted_out(done: str) -> Iterator[None]:
    """Troubles of the store pass (disk full, network); a missing file stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise LandingUnavailable(f"The landing store cannot be {done}: {reason}.") from None

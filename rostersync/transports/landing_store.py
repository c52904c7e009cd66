"""The landing store: every file exactly as it was read, under `<district>/<sha256>`.

The store is a folder, or any fsspec URL, so that workers need no shared disk. Landing twice is harmless.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO, Protocol, cast

from rostersync import fault_points
from rostersync.exceptions import FileChangedWhileRead, LandedBytesMissing
from rostersync.model import Landed, RemoteFile
from rostersync.transports.landing_backends import (
    SHA256,
    FolderBackend,
    RemoteBackend,
    checked_code,
    storage_key,
    store_failures,
)

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
        self._shelf = FolderBackend(Path(url.removeprefix("file://"))) if _is_local(url) else RemoteBackend(url)

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
            fault_points.reached("landing.before_put")
            with store_failures("written"):
                self._shelf.put(path, landed)
            fault_points.reached("landing.after_put")
        return landed

    def read(self, district: str, sha256: str) -> bytes:
        """The bytes, checked against their hash. Raises LandedBytesMissing, LandingUnavailable."""
        try:
            with store_failures("read"):
                data = self._shelf.read(storage_key(district, sha256))
        except FileNotFoundError:
            raise LandedBytesMissing(f"District {district}: {sha256[:12]} is not in the landing store.") from None
        if hashlib.sha256(data).hexdigest() != sha256:
            raise LandedBytesMissing(f"District {district}: the bytes of {sha256[:12]} were changed in the store.")
        return data

    def exists(self, district: str, sha256: str) -> bool:
        """Whether the store has these bytes."""
        with store_failures("read"):
            return self._shelf.exists(storage_key(district, sha256))

    def kept(self, district: str) -> dict[str, datetime]:
        """sha256 → when these bytes were written, of everything the store has of this district."""
        with store_failures("read"):
            return {name: at for name, at in self._shelf.listed(checked_code(district)) if SHA256.fullmatch(name)}

    def remove(self, district: str, sha256: str) -> None:
        """Delete bytes for good; those that are gone already are no trouble."""
        with contextlib.suppress(FileNotFoundError), store_failures("written"):
            self._shelf.remove(storage_key(district, sha256))

    def remember(self, name: str, content: bytes) -> None:
        """Keep a small note of the program's own, in place of the one of this name. Raises TransientError."""
        with store_failures("written"):
            self._shelf.write(f"{NOTES}/{name}", content)

    def recall(self, name: str) -> bytes | None:
        """The note of this name, None when there is none. Raises TransientError."""
        try:
            with store_failures("read"):
                return self._shelf.read(f"{NOTES}/{name}")
        except FileNotFoundError:
            return None

    def notes(self, folder: str) -> list[str]:
        """The names of a folder's notes (`remember("folder/name", …)`). Raises TransientError."""
        with store_failures("read"):
            return [name for name, _ in self._shelf.listed(f"{NOTES}/{folder}")]

    def erase(self, name: str) -> None:
        """Delete a note; one that is gone already is no trouble. Raises TransientError."""
        with contextlib.suppress(FileNotFoundError), store_failures("written"):
            self._shelf.remove(f"{NOTES}/{name}")

    def forget(self, folder: str, before: datetime) -> None:
        """Delete the notes of a folder (`remember("folder/name", …)`) that are older. Raises TransientError."""
        with store_failures("written"):
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
        with store_failures("written"):
            self._out: IO[bytes] = path.open("xb")

    def write(self, chunk: bytes) -> int:
        taken = chunk[: self._limit - self.size]
        with store_failures("written"):
            self._out.write(taken)
        fault_points.reached("landing.fetching")
        self.digest.update(taken)
        self.size += len(taken)
        if len(taken) < len(chunk):
            raise _Enough
        return len(chunk)

    def close(self) -> None:
        """Bytes on the disk before anybody is told that they landed."""
        with store_failures("written"), self._out:
            self._out.flush()
            os.fsync(self._out.fileno())


def _is_local(url: str) -> bool:
    return "://" not in url or url.startswith("file://")


def _check_unchanged(transport: Inbox, remote: RemoteFile) -> None:
    if transport.stat(remote.name) != remote:
        raise FileChangedWhileRead("Size or time of the file changed, or it is gone.")

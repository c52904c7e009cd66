"""Where the landing store keeps its bytes: a folder, or whatever fsspec has a URL for.

Both take `<district>/<sha256>` or a note's path as key. FileNotFoundError says that there is nothing under a key.
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
from typing import Any

from rostersync.exceptions import LandingUnavailable, LedgerMismatch
from rostersync.model import Landed
from rostersync.settings import private_folder, state_path

CHUNK = 1 << 20
ABANDONED_SECONDS = 86_400
SHA256 = re.compile(r"[0-9a-f]{64}")


class FolderBackend:
    """A folder of mode 0700; bytes get their name by a rename, when they are on the disk."""

    def __init__(self, root: Path) -> None:
        self._root = root

    @contextlib.contextmanager
    def part(self, district: str) -> Iterator[Path]:
        """A private file to write to, near its final place; gone afterwards unless it was put."""
        with store_failures("written"):
            folder = private_folder(private_folder(self._root) / checked_code(district))
        with _private_part(folder) as path:
            yield path

    def put(self, part: Path, landed: Landed) -> None:
        """Name the file of `part` by its hash."""
        folder = self._root / landed.district
        part.replace(folder / landed.sha256)
        _sync_directory(folder)

    def write(self, key: str, content: bytes) -> None:
        """Replace what is under the key."""
        target = self._root / key
        folder = private_folder(target.parent)
        with _private_part(folder) as part:
            part.write_bytes(content)
            part.replace(target)
        _sync_directory(folder)

    def read(self, key: str) -> bytes:
        """What is under the key."""
        return (self._root / key).read_bytes()

    def exists(self, key: str) -> bool:
        """Whether anything is under the key."""
        return (self._root / key).is_file()

    def listed(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Names in a folder, and when each was written."""
        place = self._root / folder
        for path in place.iterdir() if place.is_dir() else ():
            with contextlib.suppress(FileNotFoundError):  # somebody erased it meanwhile
                yield path.name, datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def remove(self, key: str) -> None:
        """Delete what is under the key."""
        (self._root / key).unlink()


class RemoteBackend:
    """Anything fsspec has a URL for; what was put is read back."""

    def __init__(self, url: str) -> None:
        from fsspec.core import url_to_fs  # 0.1 s, and a folder needs none of it

        filesystem, root = url_to_fs(url)
        self._fs: Any = filesystem
        self._root = str(root).rstrip("/")

    @contextlib.contextmanager
    def part(self, district: str) -> Iterator[Path]:
        """A private file to write to, near its final place; gone afterwards unless it was put."""
        checked_code(district)
        with store_failures("written"):
            folder = private_folder(state_path("landing-parts"))
        with _private_part(folder) as path:
            yield path

    def put(self, part: Path, landed: Landed) -> None:
        """One put, then size and hash are read back: not every store says what it really kept."""
        target = f"{self._root}/{storage_key(landed.district, landed.sha256)}"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._fs.put_file(str(part), target)
        digest = hashlib.sha256()
        with self._fs.open(target, "rb") as kept:
            while chunk := kept.read(CHUNK):
                digest.update(chunk)
        if self._fs.size(target) != landed.size or digest.hexdigest() != landed.sha256:
            raise LandingUnavailable("The landing store kept other bytes than were sent.")

    def write(self, key: str, content: bytes) -> None:
        """Replace what is under the key."""
        target = f"{self._root}/{key}"
        self._fs.makedirs(target.rpartition("/")[0], exist_ok=True)
        self._fs.pipe_file(target, content)

    def read(self, key: str) -> bytes:
        """What is under the key."""
        return bytes(self._fs.cat_file(f"{self._root}/{key}"))

    def exists(self, key: str) -> bool:
        """Whether anything is under the key."""
        return bool(self._fs.exists(f"{self._root}/{key}"))

    def listed(self, folder: str) -> Iterator[tuple[str, datetime]]:
        """Names in a folder, and when each was written."""
        self._fs.invalidate_cache()
        place = f"{self._root}/{folder}"
        for path in self._fs.ls(place, detail=False) if self._fs.isdir(place) else ():
            with contextlib.suppress(FileNotFoundError):  # somebody erased it meanwhile
                at: datetime = self._fs.modified(path)
                yield str(path).rpartition("/")[2], at if at.tzinfo else at.replace(tzinfo=UTC)

    def remove(self, key: str) -> None:
        """Delete what is under the key."""
        self._fs.rm_file(f"{self._root}/{key}")


def storage_key(district: str, sha256: str) -> str:
    """Where bytes of a district lie. Raises LedgerMismatch for what is neither a code nor a hash."""
    if not SHA256.fullmatch(sha256):
        raise LedgerMismatch("A landed file is named by the SHA-256 of its bytes.")
    return f"{checked_code(district)}/{sha256}"


def checked_code(district: str) -> str:
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
def store_failures(done: str) -> Iterator[None]:
    """Troubles of the store pass (disk full, network); a missing file stays what it is."""
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        raise LandingUnavailable(f"The landing store cannot be {done}: {reason}.") from None

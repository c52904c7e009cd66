"""A directory of this machine (or a mounted one) as an inbox."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from rostersync.exceptions import FileChangedWhileRead, SourceRefused, SourceUnreachable
from rostersync.model import RemoteFile
from rostersync.transports.protocol import DONE, PROCESSED, UNFINISHED, in_order, is_deliverable, moved_name


class FolderTransport:
    """The files of `directory` whose names match `pattern`."""

    def __init__(self, directory: Path, pattern: str = "users.csv") -> None:
        self.directory = directory
        self.pattern = pattern

    def list(self) -> list[RemoteFile]:
        """See Transport."""
        with _sorted_out():
            found = [self.stat(path.name) for path in self.directory.iterdir()]
        return in_order([file for file in found if file is not None])

    def stat(self, name: str) -> RemoteFile | None:
        """See Transport."""
        if not is_deliverable(name, self.pattern):
            return None
        with _sorted_out():
            try:
                return _remote(name, (self.directory / name).lstat())
            except FileNotFoundError:
                return None

    def fetch(self, name: str, sink: BinaryIO) -> None:
        """See Transport. A link or a pipe put in the file's place meanwhile is not followed and not waited for."""
        if self.stat(name) is None:
            raise FileChangedWhileRead("The file is gone, or is no regular file any more.")
        with _sorted_out():
            try:
                opened = os.open(self.directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                raise FileChangedWhileRead("The file is gone.") from None
        with _sorted_out(), os.fdopen(opened, "rb") as source:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise FileChangedWhileRead("The file is no regular file any more.")
            shutil.copyfileobj(source, sink, 1 << 20)

    def has_done_marker(self, name: str) -> bool:
        """See Transport."""
        return (self.directory / (name + DONE)).is_file()

    def move(self, name: str) -> None:
        """See Transport."""
        file = self.stat(name)
        if file is None:
            return
        target = self.directory / PROCESSED
        with _sorted_out():
            target.mkdir(exist_ok=True)
            attempt = 0
            while (target / moved_name(file, attempt)).exists():
                attempt += 1
            (self.directory / name).rename(target / moved_name(file, attempt))
            (self.directory / (name + DONE)).unlink(missing_ok=True)

    def drop(self, folder: str, name: str, content: bytes) -> None:
        """See Transport. A link in the folder's place is not followed: the district may write there, too."""
        with _sorted_out("reports"):
            (self.directory / folder).mkdir(parents=True, exist_ok=True)
            inside = os.open(self.directory / folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with _sorted_out("reports"):
                _write(inside, name, content)
        finally:
            os.close(inside)


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file of this open folder under a name for unfinished ones, then rename it."""
    part = name + UNFINISHED[0]
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(part, flags, 0o640, dir_fd=folder), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)


def _remote(name: str, status: os.stat_result) -> RemoteFile | None:
    if not stat.S_ISREG(status.st_mode):
        return None
    return RemoteFile(name=name, size=status.st_size, modified_at=datetime.fromtimestamp(int(status.st_mtime), UTC))


@contextmanager
def _sorted_out(which: str = "inbox") -> Iterator[None]:
    """A missing or closed directory, or a link, needs a person; everything else of a file system may pass."""
    try:
        yield
    except (FileNotFoundError, FileExistsError, NotADirectoryError):
        raise SourceRefused(f"The {which} folder does not exist.") from None
    except PermissionError:
        raise SourceRefused(f"The {which} folder, or a file in it, may not be read or written.") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SourceRefused(f"The {which} folder, or a file in it, is a link.") from None
        raise SourceUnreachable(f"The {which} folder cannot be used ({os.strerror(error.errno or 0)}).") from None

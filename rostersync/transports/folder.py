"""A directory of this machine (or a mounted one) as an inbox."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from rostersync.errors import FileChangedWhileRead, SourceRefused, SourceUnreachable
from rostersync.model import RemoteFile
from rostersync.transports.protocol import DONE, PROCESSED, in_order, is_deliverable, moved_name


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


def _remote(name: str, status: os.stat_result) -> RemoteFile | None:
    if not stat.S_ISREG(status.st_mode):
        return None
    return RemoteFile(name=name, size=status.st_size, modified_at=datetime.fromtimestamp(int(status.st_mtime), UTC))


@contextmanager
def _sorted_out() -> Iterator[None]:
    """A missing or closed directory needs a person; everything else of a file system may pass."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise SourceRefused("The inbox folder does not exist.") from None
    except PermissionError:
        raise SourceRefused("The inbox folder, or a file in it, may not be read.") from None
    except OSError as error:
        raise SourceUnreachable(f"The inbox folder cannot be read ({os.strerror(error.errno or 0)}).") from None

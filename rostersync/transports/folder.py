"""A directory of this machine (or a mounted one) as an inbox."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from rostersync.exceptions import FileChangedWhileRead, SourceRefused, SourceUnreachable
from rostersync.model import PROCESSED, Landed, RemoteFile
from rostersync.transports.moving import move_read_file, restore_interrupted_moves
from rostersync.transports.near_names import is_near
from rostersync.transports.protocol import DONE, UNFINISHED, in_order, is_deliverable

_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""A link is not followed and a pipe not waited for."""


class FolderTransport:
    """The files of `directory` whose names match one of the patterns; none: `users.csv`."""

    def __init__(self, directory: Path, *patterns: str) -> None:
        self.directory = directory
        self.patterns = patterns or ("users.csv",)

    def list(self) -> list[RemoteFile]:
        """See Transport."""
        with _sorted_out():
            found = [self.stat(path.name) for path in self.directory.iterdir()]
        return in_order([file for file in found if file is not None])

    def near_names(self) -> Sequence[RemoteFile]:
        """See Transport."""
        near = [self.status(name) for name in self.names() if is_near(name, self.patterns)]
        return in_order([file for file in near if file is not None])

    def stat(self, name: str) -> RemoteFile | None:
        """See Transport."""
        if not is_deliverable(name, self.patterns):
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
                opened = os.open(self.directory / name, _READ_ONLY)
            except FileNotFoundError:
                raise FileChangedWhileRead("The file is gone.") from None
        with _sorted_out(), os.fdopen(opened, "rb") as source:
            if not stat.S_ISREG(os.fstat(opened).st_mode):
                raise FileChangedWhileRead("The file is no regular file any more.")
            shutil.copyfileobj(source, sink, 1 << 20)

    def has_done_marker(self, name: str) -> bool:
        """See Transport."""
        marker, file = self._regular(name + DONE), self._regular(name)
        return marker is not None and file is not None and file.st_mtime_ns <= marker.st_mtime_ns

    def move(self, file: RemoteFile, landed: Landed) -> bool:
        """See Transport."""
        return move_read_file(self, file, landed)

    def restore_interrupted_moves(self) -> None:
        """See Transport."""
        restore_interrupted_moves(self)

    def names(self) -> Iterable[str]:
        """See InboxFiles."""
        with _sorted_out():
            return [path.name for path in self.directory.iterdir()]

    def status(self, name: str) -> RemoteFile | None:
        """See InboxFiles."""
        found = self._regular(name)
        return None if found is None else _remote(name, found)

    def digest(self, name: str, size: int) -> str:
        """See InboxFiles."""
        digest = hashlib.sha256()
        with _sorted_out(), os.fdopen(os.open(self.directory / name, _READ_ONLY), "rb") as source:
            while size > 0 and (chunk := source.read(min(size, 1 << 20))):
                digest.update(chunk)
                size -= len(chunk)
        return digest.hexdigest()

    def rename(self, old: str, new: str) -> bool:
        """See InboxFiles."""
        with _opened_folder(self.directory) as inbox:
            return _rename(inbox, old, inbox, new)

    def make_processed(self) -> None:
        """See InboxFiles."""
        with _opened_folder(self.directory) as inbox, _opened_inside(inbox, PROCESSED):
            return

    def move_to_processed(self, name: str, new: str) -> bool:
        """See InboxFiles."""
        with _opened_folder(self.directory) as inbox, _opened_inside(inbox, PROCESSED) as processed:
            return _rename(inbox, name, processed, new)

    def remove(self, name: str) -> None:
        """See InboxFiles."""
        with _sorted_out():
            (self.directory / name).unlink(missing_ok=True)

    def drop(self, folder: str, name: str, content: bytes) -> None:
        """See Transport. No link on the way is followed: the district may write in its inbox, too."""
        path = Path(folder)
        top = path.parent if path.is_absolute() else self.directory
        with _sorted_out("reports"):
            top.mkdir(parents=True, exist_ok=True)
        with _opened_folder(top, "reports") as above:
            inside = path.name if path.is_absolute() else str(path)
            with _opened_inside(above, inside, "reports") as opened, _sorted_out("reports"):
                _write(opened, name, content)

    def _regular(self, name: str) -> os.stat_result | None:
        with _sorted_out():
            try:
                found = (self.directory / name).lstat()
            except FileNotFoundError:
                return None
        return found if stat.S_ISREG(found.st_mode) else None


@contextmanager
def _opened_folder(folder: Path, which: str = "inbox") -> Iterator[int]:
    """A folder that the configuration names: links above it are the operators' own."""
    with _sorted_out(which):
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def _opened_inside(folder: int, path: str, which: str = "inbox") -> Iterator[int]:
    """A folder below an open one, made with its missing parents. A link in the place of any of them is refused."""
    opened = os.dup(folder)
    try:
        for part in Path(path).parts:
            with _sorted_out(which):
                with suppress(FileExistsError):
                    os.mkdir(part, dir_fd=opened)
                below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=opened)
            os.close(opened)
            opened = below
        yield opened
    finally:
        os.close(opened)


def _rename(folder: int, old: str, target: int, new: str) -> bool:
    """Rename between open folders, never over another file: a link under the new name fails where one is there."""
    with _sorted_out():
        try:
            os.link(old, new, src_dir_fd=folder, dst_dir_fd=target, follow_symlinks=False)
            os.unlink(old, dir_fd=folder)
        except (FileExistsError, FileNotFoundError):
            return False
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            return _rename_without_hard_links(folder, old, target, new)
    return True


_NO_HARD_LINKS = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


def _rename_without_hard_links(folder: int, old: str, target: int, new: str) -> bool:
    """Some mounted file systems have none: looking first leaves a gap of microseconds."""
    if _is_taken(target, new):
        return False
    try:
        os.rename(old, new, src_dir_fd=folder, dst_dir_fd=target)
    except FileNotFoundError:
        return False
    return True


def _is_taken(folder: int, name: str) -> bool:
    try:
        os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file of this open folder under a name for unfinished ones, then rename it."""
    part = name + UNFINISHED[0]
    with suppress(FileNotFoundError):
        os.unlink(part, dir_fd=folder)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o640, dir_fd=folder), "wb") as file:
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

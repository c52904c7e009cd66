"""What every transport can do, and which names it shows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import BinaryIO, Protocol

from rostersync.model import Landed, RemoteFile

UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".temp", ".crdownload")
DONE = ".done"
"""`users.csv.done` beside `users.csv` says: the upload is complete."""


class Transport(Protocol):
    """A district's open inbox. Only regular files directly inside it, with plain names that match a pattern."""

    def list(self) -> list[RemoteFile]:
        """What is there, oldest first, then by name. Raises SourceRefused, SourceUnreachable."""

    def near_names(self) -> Sequence[RemoteFile]:
        """Files whose names do not match and were probably meant to (`near_names.is_near`); they are not read."""

    def stat(self, name: str) -> RemoteFile | None:
        """A file as it is now; None when it is gone or is no regular file."""

    def fetch(self, name: str, sink: BinaryIO) -> None:
        """Write the file's bytes to `sink`, unchanged. Raises FileChangedWhileRead when it is gone."""

    def has_done_marker(self, name: str) -> bool:
        """Whether the sender says that this file, as it is now, is complete: by a marker that is not older than it."""

    def move(self, file: RemoteFile, landed: Landed) -> bool:
        """Put a file that was read into the folder `processed` of the inbox, never over another one.

        False when it is gone, or another one has its name by now: that one stays. Raises SourceRefused,
        SourceUnreachable.
        """

    def restore_interrupted_moves(self) -> None:
        """Let files be seen again whose move was interrupted. Raises SourceRefused, SourceUnreachable."""

    def drop(self, folder: str, name: str, content: bytes) -> None:
        """Put a report into a folder: inside the inbox, or elsewhere when it begins with a slash; made when missing.

        It has its name only when it is whole; a repetition replaces it. Raises SourceRefused, SourceUnreachable.
        """


def is_deliverable(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name in an inbox is one to read: it matches one of the patterns and is plain, not hidden, no unfinished
    upload and no marker.
    """
    if not name.isprintable() or "/" in name or "\\" in name or name.startswith("."):
        return False
    matches = any(fnmatchcase(name, pattern) for pattern in patterns)
    return matches and not name.lower().endswith((*UNFINISHED, DONE))


def in_order(files: list[RemoteFile]) -> list[RemoteFile]:
    """Oldest first, then by name: the order in which deliveries are judged."""
    return sorted(files, key=lambda file: (file.modified_at, file.name))


def moved_name(file: RemoteFile, attempt: int) -> str:
    """A name in `processed` that tells when the file was made; `attempt` counts from 0 while names are taken."""
    stamp = file.modified_at.strftime("%Y%m%dT%H%M%SZ")
    return f"{stamp}-{file.name}" if attempt == 0 else f"{stamp}-{attempt}-{file.name}"

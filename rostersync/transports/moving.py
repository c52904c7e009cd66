"""Moving a file that was read out of an inbox: the very file, whatever its sender uploads meanwhile.

The file first gets a private name; under that name nobody replaces it, and it can be compared with what was read.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from rostersync import fault_points
from rostersync.exceptions import RosterSyncError
from rostersync.model import Landed, RemoteFile
from rostersync.transports.protocol import DONE, moved_name

PRIVATE = ".rostersync-moving-"
"""Begins a private name. It is hidden, so that no look at the inbox takes the file for a delivery."""
_PRIVATE_NAME = re.compile(re.escape(PRIVATE) + r"[0-9a-f]{8}-(?P<name>.+)")


class InboxFiles(Protocol):
    """What moving needs of an inbox. Names are plain ones, directly inside it."""

    def names(self) -> Iterable[str]:
        """Every name in the inbox, hidden ones too."""

    def status(self, name: str) -> RemoteFile | None:
        """A file whatever its name is; None when it is gone or is no regular file."""

    def digest(self, name: str, size: int) -> str:
        """SHA-256 of the file's first `size` bytes."""

    def rename(self, old: str, new: str) -> bool:
        """Give a file another name that nobody has; False when it is gone or the new name is taken."""

    def make_processed(self) -> None:
        """Make the folder for read files. Raises SourceRefused when something else is in its place, a link too."""

    def move_to_processed(self, name: str, new: str) -> bool:
        """As `rename`, from the inbox into the folder for read files."""

    def remove(self, name: str) -> None:
        """Delete a file; one that is gone is no trouble."""


def move_read_file(inbox: InboxFiles, file: RemoteFile, landed: Landed) -> bool:
    """Move a file of the inbox to `processed` when it is still the one that was read; False when it is not.

    Raises SourceRefused, SourceUnreachable; the file then keeps or gets back its name.
    """
    if inbox.status(file.name) != file:
        return False
    inbox.make_processed()
    private = f"{PRIVATE}{secrets.token_hex(4)}-{file.name}"
    if not inbox.rename(file.name, private):
        return False
    fault_points.reached("pull.amid_move")
    try:
        if inbox.status(private) == replace(file, name=private) and inbox.digest(private, landed.size) == landed.sha256:
            _put_aside(inbox, private, file)
            _remove_marker(inbox, file.name)
            return True
    except RosterSyncError:
        _put_back(inbox, private, file.name)
        raise
    _put_back(inbox, private, file.name)
    return False


def restore_interrupted_moves(inbox: InboxFiles) -> None:
    """Give files back the names that a killed task took from them: whether they were read is found out again."""
    for private in list(inbox.names()):
        if found := _PRIVATE_NAME.fullmatch(private):
            _put_back(inbox, private, found["name"])


def _put_aside(inbox: InboxFiles, private: str, file: RemoteFile) -> None:
    """Into `processed`, never over another file; a task that restored the name meanwhile has the file back."""
    attempt = 0
    while not inbox.move_to_processed(private, moved_name(file, attempt)) and inbox.status(private) is not None:
        attempt += 1


def _put_back(inbox: InboxFiles, private: str, name: str) -> None:
    """Under its name again; a newer upload that has this name has replaced it, as its sender meant it to."""
    file = inbox.status(private)
    if file is None or inbox.rename(private, name) or inbox.status(private) is None:
        return
    inbox.make_processed()
    _put_aside(inbox, private, replace(file, name=name))


def _remove_marker(inbox: InboxFiles, name: str) -> None:
    """The marker of a file that was moved; one that came with a newer file stays with it."""
    if inbox.status(name) is None:
        inbox.remove(name + DONE)

"""A district's SFTP server as an inbox. With `sftp_login`, the only importer of paramiko."""

from __future__ import annotations

import hashlib
import shutil
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

import paramiko

from rostersync.exceptions import FileChangedWhileRead, SourceRefused
from rostersync.model import PROCESSED, Landed, RemoteFile
from rostersync.transports.credentials import SftpCredentials
from rostersync.transports.moving import move_read_file, restore_interrupted_moves
from rostersync.transports.near_names import is_near
from rostersync.transports.protocol import DONE, UNFINISHED, in_order, is_deliverable
from rostersync.transports.sftp_login import log_in, source_errors, trust_pinned_key

SILENCE_SECONDS = 60.0
"""How long a server may say nothing in the middle of a transfer."""
REQUESTS_AHEAD = 64
"""Enough for full speed (measured: 7 × that of one at a time); more makes some servers choke."""
BYTES_AHEAD = 1 << 30
"""Read ahead no further: the list of requests is made at once, and for a sparse file of terabytes it would take all
memory. Behind that, one request at a time.
"""


class SftpTransport:
    """The files of `directory` on an open SFTP session whose names match one of the patterns."""

    def __init__(self, client: paramiko.SFTPClient, directory: str, patterns: Sequence[str]) -> None:
        self._client = client
        self._directory = directory.rstrip("/") or "/"
        self._patterns = patterns

    def list(self) -> list[RemoteFile]:
        """See Transport."""
        with source_errors("The inbox"):
            entries = self._client.listdir_attr(self._directory)
        files = [_remote(entry.filename, entry) for entry in entries if is_deliverable(entry.filename, self._patterns)]
        return in_order([file for file in files if file is not None])

    def near_names(self) -> Sequence[RemoteFile]:
        """See Transport."""
        near = [self.status(name) for name in self.names() if is_near(name, self._patterns)]
        return in_order([file for file in near if file is not None])

    def stat(self, name: str) -> RemoteFile | None:
        """See Transport."""
        if not is_deliverable(name, self._patterns):
            return None
        found = self._lstat(self._path(name))
        return None if found is None else _remote(name, found)

    def fetch(self, name: str, sink: BinaryIO) -> None:
        """See Transport."""
        file = self.stat(name)
        if file is None:
            raise FileChangedWhileRead("The file is gone, or is no regular file any more.")
        with source_errors("A file of the inbox"), self._opened(name) as source:
            if _remote(name, source.stat()) != file:
                raise FileChangedWhileRead("Another file has its name by now.")
            source.prefetch(min(file.size, BYTES_AHEAD), REQUESTS_AHEAD)
            shutil.copyfileobj(source, sink, source.MAX_REQUEST_SIZE)

    def _opened(self, name: str) -> paramiko.SFTPFile:
        try:
            return self._client.open(self._path(name), "rb")
        except FileNotFoundError:
            raise FileChangedWhileRead("The file is gone.") from None

    def has_done_marker(self, name: str) -> bool:
        """See Transport."""
        marker, file = self.status(name + DONE), self.status(name)
        return marker is not None and file is not None and file.modified_at <= marker.modified_at

    def move(self, file: RemoteFile, landed: Landed) -> bool:
        """See Transport. The bytes are read once more: servers tell times in seconds, an upload may be as quick."""
        return move_read_file(self, file, landed)

    def restore_interrupted_moves(self) -> None:
        """See Transport."""
        restore_interrupted_moves(self)

    def names(self) -> Iterable[str]:
        """See InboxFiles."""
        with source_errors("The inbox"):
            return self._client.listdir(self._directory)

    def status(self, name: str) -> RemoteFile | None:
        """See InboxFiles."""
        found = self._lstat(self._path(name))
        return None if found is None else _remote(name, found)

    def digest(self, name: str, size: int) -> str:
        """See InboxFiles."""
        digest = hashlib.sha256()
        with source_errors("A file of the inbox"), self._client.open(self._path(name), "rb") as source:
            source.prefetch(min(size, BYTES_AHEAD), REQUESTS_AHEAD)
            while size > 0 and (chunk := source.read(min(size, source.MAX_REQUEST_SIZE))):
                digest.update(chunk)
                size -= len(chunk)
        return digest.hexdigest()

    def rename(self, old: str, new: str) -> bool:
        """See InboxFiles. Most servers refuse a plain rename to a name that is taken; not all do."""
        if self._lstat(self._path(new)) is not None or self._lstat(self._path(old)) is None:
            return False
        with source_errors("A file of the inbox"):
            self._client.rename(self._path(old), self._path(new))
        return True

    def make_processed(self) -> None:
        """See InboxFiles."""
        with source_errors("The folder for read files"):
            self._make_inside(self._directory, PROCESSED)

    def move_to_processed(self, name: str, new: str) -> bool:
        """See InboxFiles."""
        self.make_processed()
        return self.rename(name, f"{PROCESSED}/{new}")

    def remove(self, name: str) -> None:
        """See InboxFiles."""
        if self._lstat(self._path(name)) is not None:
            with source_errors("A file of the inbox"):
                self._client.remove(self._path(name))

    def drop(self, folder: str, name: str, content: bytes) -> None:
        """See Transport. No link inside the inbox is followed: the district may write there, too."""
        where = folder.rstrip("/") if folder.startswith("/") else self._path(folder.rstrip("/"))
        part = f"{where}/{name}{UNFINISHED[0]}"
        with source_errors("The reports folder"):
            if folder.startswith("/"):
                above, _, last = where.rpartition("/")
                self._make(above)
                self._make_inside(above, last)
            else:
                self._make_inside(self._directory, folder)
            if self._lstat(part) is not None:
                self._client.remove(part)
            with self._client.open(part, "wx") as target:
                target.set_pipelined(True)
                target.write(content)
            self._rename(part, f"{where}/{name}")

    def _make(self, folder: str) -> None:
        """Make a folder with its missing parents."""
        if folder and self._lstat(folder) is None:
            self._make(folder.rpartition("/")[0])
            self._client.mkdir(folder)

    def _make_inside(self, top: str, path: str) -> None:
        """Make a folder below another one. Raises SourceRefused for a link or a file in the place of one."""
        folder = top.rstrip("/")
        for part in filter(None, path.split("/")):
            folder = f"{folder}/{part}"
            found = self._lstat(folder)
            if found is None:
                self._client.mkdir(folder)
            elif not stat.S_ISDIR(found.st_mode or 0):
                raise SourceRefused("A folder inside the inbox is a link, or a file is in its place.")

    def _rename(self, old: str, new: str) -> None:
        """Rename over what is there. Only OpenSSH's extension does so in one step."""
        try:
            self._client.posix_rename(old, new)
        except OSError:
            if self._lstat(new) is not None:
                self._client.remove(new)
            self._client.rename(old, new)

    def _path(self, name: str) -> str:
        return f"{self._directory}/{name}"

    def _lstat(self, path: str) -> paramiko.SFTPAttributes | None:
        with source_errors("A file of the inbox"):
            try:
                return self._client.lstat(path)
            except FileNotFoundError:
                return None


def _remote(name: str, found: paramiko.SFTPAttributes) -> RemoteFile | None:
    if not stat.S_ISREG(found.st_mode or 0):
        return None
    return RemoteFile(name=name, size=found.st_size or 0, modified_at=datetime.fromtimestamp(found.st_mtime or 0, UTC))


@contextmanager
def open_sftp(credentials: SftpCredentials, directory: str, patterns: Sequence[str]) -> Iterator[SftpTransport]:
    """A session on the district's server.

    Raises SourceUnreachable, SourceRefused, HostKeyChanged, ConfigurationError.
    """
    with closing(paramiko.SSHClient()) as ssh:
        trust_pinned_key(ssh, credentials)
        with source_errors("The server"):
            log_in(ssh, credentials)
            client = ssh.open_sftp()
        channel = client.get_channel()
        if channel is not None:
            channel.settimeout(SILENCE_SECONDS)
        with closing(client):
            yield SftpTransport(client, directory, patterns)

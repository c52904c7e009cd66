"""A district's SFTP server as an inbox. The only importer of paramiko. The host key is pinned, without exception."""

from __future__ import annotations

import base64
import binascii
import errno
import io
import shutil
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from typing import BinaryIO

import paramiko
from paramiko.pkey import UnknownKeyType

from rostersync.exceptions import (
    ConfigurationError,
    FileChangedWhileRead,
    HostKeyChanged,
    SourceRefused,
    SourceUnreachable,
)
from rostersync.model import RemoteFile
from rostersync.transports.credentials import SftpCredentials
from rostersync.transports.protocol import DONE, PROCESSED, UNFINISHED, in_order, is_deliverable, moved_name

CONNECT_SECONDS = 20.0
SILENCE_SECONDS = 60.0
"""How long a server may say nothing in the middle of a transfer."""
REQUESTS_AHEAD = 64
"""Enough for full speed (measured: 7 × that of one at a time); more makes some servers choke."""
BYTES_AHEAD = 1 << 30
"""Read ahead no further: the list of requests is made at once, and for a sparse file of terabytes it would take all
memory. Behind that, one request at a time.
"""


class SftpTransport:
    """The files of `directory` on an open SFTP session whose names match `pattern`."""

    def __init__(self, client: paramiko.SFTPClient, directory: str, pattern: str) -> None:
        self._client = client
        self._directory = directory.rstrip("/") or "/"
        self._pattern = pattern

    def list(self) -> list[RemoteFile]:
        """See Transport."""
        with _sorted_out("The inbox"):
            entries = self._client.listdir_attr(self._directory)
        files = [_remote(entry.filename, entry) for entry in entries if is_deliverable(entry.filename, self._pattern)]
        return in_order([file for file in files if file is not None])

    def stat(self, name: str) -> RemoteFile | None:
        """See Transport."""
        if not is_deliverable(name, self._pattern):
            return None
        found = self._lstat(self._path(name))
        return None if found is None else _remote(name, found)

    def fetch(self, name: str, sink: BinaryIO) -> None:
        """See Transport."""
        file = self.stat(name)
        if file is None:
            raise FileChangedWhileRead("The file is gone, or is no regular file any more.")
        with _sorted_out("A file of the inbox"), self._opened(name) as source:
            source.prefetch(min(file.size, BYTES_AHEAD), REQUESTS_AHEAD)
            shutil.copyfileobj(source, sink, source.MAX_REQUEST_SIZE)

    def _opened(self, name: str) -> paramiko.SFTPFile:
        try:
            return self._client.open(self._path(name), "rb")
        except FileNotFoundError:
            raise FileChangedWhileRead("The file is gone.") from None

    def has_done_marker(self, name: str) -> bool:
        """See Transport."""
        found = self._lstat(self._path(name + DONE))
        return found is not None and stat.S_ISREG(found.st_mode or 0)

    def move(self, name: str) -> None:
        """See Transport."""
        file = self.stat(name)
        if file is None:
            return
        folder = self._path(PROCESSED)
        if self._lstat(folder) is None:
            with _sorted_out("The folder for read files"):
                self._client.mkdir(folder)
        attempt = 0
        while self._lstat(f"{folder}/{moved_name(file, attempt)}") is not None:
            attempt += 1
        with _sorted_out("The folder for read files"):
            self._client.rename(self._path(name), f"{folder}/{moved_name(file, attempt)}")
            if self.has_done_marker(name):
                self._client.remove(self._path(name + DONE))

    def drop(self, folder: str, name: str, content: bytes) -> None:
        """See Transport."""
        where = folder.rstrip("/") if folder.startswith("/") else self._path(folder.rstrip("/"))
        with _sorted_out("The reports folder"):
            self._make(where)
            with self._client.open(f"{where}/{name}{UNFINISHED[0]}", "wb") as target:
                target.set_pipelined(True)
                target.write(content)
            self._rename(f"{where}/{name}{UNFINISHED[0]}", f"{where}/{name}")

    def _make(self, folder: str) -> None:
        """Make a folder with its missing parents."""
        if folder and self._lstat(folder) is None:
            self._make(folder.rpartition("/")[0])
            self._client.mkdir(folder)

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
        with _sorted_out("A file of the inbox"):
            try:
                return self._client.lstat(path)
            except FileNotFoundError:
                return None


def _remote(name: str, found: paramiko.SFTPAttributes) -> RemoteFile | None:
    if not stat.S_ISREG(found.st_mode or 0):
        return None
    return RemoteFile(name=name, size=found.st_size or 0, modified_at=datetime.fromtimestamp(found.st_mtime or 0, UTC))


@contextmanager
def open_sftp(credentials: SftpCredentials, directory: str, pattern: str) -> Iterator[SftpTransport]:
    """A session on the district's server.

    Raises SourceUnreachable, SourceRefused, HostKeyChanged, ConfigurationError.
    """
    with closing(paramiko.SSHClient()) as ssh:
        pinned = _pinned(credentials)
        name = credentials.host if credentials.port == 22 else f"[{credentials.host}]:{credentials.port}"
        ssh.get_host_keys().add(name, pinned.get_name(), pinned)
        ssh.set_missing_host_key_policy(_Refuse(pinned))
        with _sorted_out("The server"):
            _connect(ssh, credentials)
            client = ssh.open_sftp()
        channel = client.get_channel()
        if channel is not None:
            channel.settimeout(SILENCE_SECONDS)
        with closing(client):
            yield SftpTransport(client, directory, pattern)


def _connect(ssh: paramiko.SSHClient, credentials: SftpCredentials) -> None:
    """Only what the configuration says is tried: no agent, no keys lying about."""
    ssh.connect(
        credentials.host,
        port=credentials.port,
        username=credentials.user,
        password=credentials.password,
        pkey=_private_key(credentials),
        timeout=CONNECT_SECONDS,
        banner_timeout=CONNECT_SECONDS,
        auth_timeout=CONNECT_SECONDS,
        channel_timeout=CONNECT_SECONDS,
        allow_agent=False,
        look_for_keys=False,
    )


def _pinned(credentials: SftpCredentials) -> paramiko.PKey:
    kind, _, rest = credentials.host_key.strip().partition(" ")
    try:
        return paramiko.PKey.from_type_string(kind, base64.b64decode(rest.split()[0], validate=True))
    except (paramiko.SSHException, UnknownKeyType, binascii.Error, IndexError, ValueError, EOFError):
        raise ConfigurationError("host_key of an SFTP connection must be a public key: ssh-ed25519 AAAA…") from None


def _private_key(credentials: SftpCredentials) -> paramiko.PKey | None:
    if credentials.private_key is None:
        return None
    for kind in (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey):
        try:
            return kind.from_private_key(io.StringIO(credentials.private_key), credentials.passphrase)
        except (paramiko.SSHException, ValueError):
            continue
    raise ConfigurationError("private_key of an SFTP connection is no usable key, or its passphrase is wrong.")


class _Refuse(paramiko.MissingHostKeyPolicy):
    """A server without a key of the pinned kind shows another key: that is a change, too."""

    def __init__(self, pinned: paramiko.PKey) -> None:
        self._pinned = pinned

    def missing_host_key(self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey) -> None:  # noqa: ARG002 - paramiko's signature
        raise _changed(self._pinned, key)


def _changed(pinned: paramiko.PKey, shown: paramiko.PKey) -> HostKeyChanged:
    return HostKeyChanged(f"The server showed {shown.fingerprint}; pinned is {pinned.fingerprint}.")


@contextmanager
def _sorted_out(what: str) -> Iterator[None]:
    """paramiko's and the network's errors as ours: who must act, or shall it be tried again?"""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise _changed(error.expected_key, error.key) from None
    except paramiko.AuthenticationException:
        raise SourceRefused("The server refused the login.") from None
    except FileNotFoundError:
        raise SourceRefused(f"{what} is not there.") from None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            raise SourceRefused(f"{what} may not be read or changed.") from None
        raise SourceUnreachable(f"{what} cannot be reached ({type(error).__name__}).") from None
    except (paramiko.SSHException, EOFError) as error:
        raise SourceUnreachable(f"{what} broke the connection off ({type(error).__name__}).") from None

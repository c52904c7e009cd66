"""Where files come from. Every transport answers the same questions, so the pipeline knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rostersync.transports.credentials import SftpCredentials, account, credentials_from_environment
from rostersync.transports.folder import FolderTransport
from rostersync.transports.protocol import Transport

if TYPE_CHECKING:
    from rostersync.configuration.districts import Source

__all__ = [
    "FolderTransport",
    "SftpCredentials",
    "Transport",
    "account",
    "credentials_from_environment",
    "open_transport",
]


@contextmanager
def open_transport(
    source: Source,
    credentials: Callable[[str], SftpCredentials] = credentials_from_environment,
    *,
    workbooks: bool = True,
) -> Iterator[Transport]:
    """The open inbox of a district; `credentials` finds what an SFTP connection id stands for. `workbooks`: their names
    are seen, too.

    Raises SourceUnreachable, SourceRefused, HostKeyChanged, ConfigurationError.
    """
    patterns = source.patterns(workbooks=workbooks)
    if source.sftp is None:
        yield FolderTransport(source.folder, *patterns)
        return
    from rostersync.transports.sftp import open_sftp  # paramiko: 0.2 s, and a folder needs none of it

    with open_sftp(credentials(source.sftp), source.directory, patterns) as transport:
        yield transport

"""Looking at an inbox: which files are complete, and their bytes in the landing store. The ledger is only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rostersync import ledger
from rostersync.exceptions import FileChangedWhileRead
from rostersync.model import Landed, RemoteFile
from rostersync.pipeline.context import Services, district_transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from rostersync.configuration.districts import District
    from rostersync.transports import Transport


PLACEHOLDER_FOR = timedelta(hours=1)
"""A file of no bytes may be the beginning of an upload: it waits for as long as a wave is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScannedFile:
    """A file of this look; `landed` is None while it is still growing."""

    remote: RemoteFile
    landed: Landed | None


def scan_inbox(services: Services, district: District, transport: Transport) -> list[ScannedFile]:
    """Every matching file of the inbox, oldest first, then by name; the complete ones are in the landing store."""
    first = sorted(transport.list(), key=lambda file: (file.modified_at, file.name))
    complete = set(_complete(services, district, transport, first))
    return [
        ScannedFile(remote=remote, landed=_land(services, district, transport, remote, remote in complete))
        for remote in first
    ]


def _complete(
    services: Services, district: District, transport: Transport, first: Sequence[RemoteFile]
) -> Iterator[RemoteFile]:
    """Files with a `.done` marker, or with the same size and time at two looks.

    The first may be an earlier run's, or the one that this run took at all inboxes before the district's turn.
    """
    since = _steady_since(services, district, first)
    steady = _seen_long_enough(services, since)
    doubtful = []
    for remote in first:
        if remote in steady or (remote.size and transport.has_done_marker(remote.name)):
            yield remote
        else:
            doubtful.append(remote)
    if services.settle_seconds:
        doubtful = [remote for remote in doubtful if remote.size]
    yield from _unchanged(services, transport, doubtful, since)


def _steady_since(services: Services, district: District, files: Sequence[RemoteFile]) -> Mapping[RemoteFile, datetime]:
    if not files:
        return {}
    with district_transaction(services, district.code) as conn:
        return ledger.steady_since(conn, district.code, files)


def _seen_long_enough(services: Services, since: Mapping[RemoteFile, datetime]) -> set[RemoteFile]:
    settled = services.clock() - timedelta(seconds=services.settle_seconds)
    certain = settled - PLACEHOLDER_FOR if services.settle_seconds else settled
    return {item for item, at in since.items() if at <= (settled if item.size else certain)}


def _unchanged(
    services: Services, transport: Transport, files: Sequence[RemoteFile], since: Mapping[RemoteFile, datetime]
) -> Iterable[RemoteFile]:
    """Those that are the same at a second look, after what is left of the pause behind the first one."""
    if not files:
        return ()
    now = services.clock()
    seconds = max(services.settle_seconds - (now - since.get(file, now)).total_seconds() for file in files)
    # A look that a clock ahead of ours has dated prolongs nothing; and time goes on while we count.
    services.sleep(min(max(seconds, 0), services.settle_seconds))
    second = set(transport.list())
    return (remote for remote in files if remote in second)


def _land(
    services: Services, district: District, transport: Transport, seen: RemoteFile, complete: bool
) -> Landed | None:
    """Size and time are compared once more after the download: a file that changed meanwhile waits."""
    if not complete:
        return None
    try:
        return services.landing.land(district.code, transport, seen, max_bytes=district.limits.max_bytes)
    except FileChangedWhileRead:
        return None


def modified_at(conn: Connection, services: Services, file: RemoteFile, district: District) -> datetime:
    """When the file was modified; with a clock that is ahead: when it arrived, else it would long be the newest.

    Ours may have jumped back: no file arrives before the last look.
    """
    arrived, looked = services.clock(), ledger.last_looked_at(conn, district.code)
    return min(file.modified_at, max(arrived, looked or arrived))

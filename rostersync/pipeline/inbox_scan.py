"""Looking at an inbox: which files are complete, and their bytes in the landing store. The ledger is only read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rostersync import ledger
from rostersync.exceptions import FileChangedWhileRead
from rostersync.model import Landed, RemoteFile
from rostersync.pipeline.context import Edges, transaction

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from rostersync.configuration.districts import District
    from rostersync.transports import Transport


PLACEHOLDER_FOR = timedelta(hours=1)
"""A file of no bytes may be the beginning of an upload: it waits for as long as a wave is tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A file of this look; `landed` is None while it is still growing."""

    remote: RemoteFile
    landed: Landed | None


def look(edges: Edges, district: District, transport: Transport) -> list[Looked]:
    """Every matching file of the inbox, oldest first, then by name; the complete ones are in the landing store."""
    first = sorted(transport.list(), key=lambda file: (file.modified_at, file.name))
    complete = set(_complete(edges, district, transport, first))
    return [Looked(remote=each, landed=_land(edges, district, transport, each, each in complete)) for each in first]


def _complete(
    edges: Edges, district: District, transport: Transport, first: Sequence[RemoteFile]
) -> Iterator[RemoteFile]:
    """Files with a `.done` marker, or with the same size and time at two looks.

    The first may be an earlier run's, or the one that this run took at all inboxes before the district's turn.
    """
    since = _steady_since(edges, district, first)
    steady = _seen_long_enough(edges, since)
    doubtful = []
    for each in first:
        if each in steady or (each.size and transport.has_done_marker(each.name)):
            yield each
        else:
            doubtful.append(each)
    if edges.settle_seconds:
        doubtful = [each for each in doubtful if each.size]
    yield from _unchanged(edges, transport, doubtful, since)


def _steady_since(edges: Edges, district: District, files: Sequence[RemoteFile]) -> Mapping[RemoteFile, datetime]:
    if not files:
        return {}
    with transaction(edges, district.code) as conn:
        return ledger.steady_since(conn, district.code, files)


def _seen_long_enough(edges: Edges, since: Mapping[RemoteFile, datetime]) -> set[RemoteFile]:
    settled = edges.clock() - timedelta(seconds=edges.settle_seconds)
    certain = settled - PLACEHOLDER_FOR if edges.settle_seconds else settled
    return {each for each, at in since.items() if at <= (settled if each.size else certain)}


def _unchanged(
    edges: Edges, transport: Transport, files: Sequence[RemoteFile], since: Mapping[RemoteFile, datetime]
) -> Iterable[RemoteFile]:
    """Those that are the same at a second look, after what is left of the pause behind the first one."""
    if not files:
        return ()
    now = edges.clock()
    seconds = max(edges.settle_seconds - (now - since.get(file, now)).total_seconds() for file in files)
    # A look that a clock ahead of ours has dated prolongs nothing; and time goes on while we count.
    edges.sleep(min(max(seconds, 0), edges.settle_seconds))
    second = set(transport.list())
    return (each for each in files if each in second)


def _land(edges: Edges, district: District, transport: Transport, seen: RemoteFile, complete: bool) -> Landed | None:
    """Size and time are compared once more after the download: a file that changed meanwhile waits."""
    if not complete:
        return None
    try:
        return edges.landing.land(district.code, transport, seen, max_bytes=district.limits.max_bytes)
    except FileChangedWhileRead:
        return None


def modified_at(conn: Connection, edges: Edges, file: RemoteFile, district: District) -> datetime:
    """When the file was modified; with a clock that is ahead: when it arrived, else it would long be the newest.

    Ours may have jumped back: no file arrives before the last look.
    """
    arrived, looked = edges.clock(), ledger.last_looked_at(conn, district.code)
    return min(file.modified_at, max(arrived, looked or arrived))

"""Put lists of rows into a district's own reports folder, where its contacts want them there or a mail is too small."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from sqlalchemy import Connection

from rostersync.exceptions import RosterSyncError, TransientError
from rostersync.mailing import report_files
from rostersync.pipeline.context import Edges, transaction


def drop_files(edges: Edges, code: str) -> Counter[str]:
    """Drop what is due; how many files are `dropped`, `deferred`, `refused`.

    The mail that tells of a file does not wait for it. Dropping one again replaces it by the same bytes, so the
    transaction may break off at any point.
    """
    with transaction(edges, code) as conn:
        due = report_files.due_drops(conn, code, edges.clock())
        return _drop_all(conn, edges, code, due) if due else Counter()


def _drop_all(conn: Connection, edges: Edges, code: str, due: Sequence[report_files.Drop]) -> Counter[str]:
    left = list(due)
    try:
        source = edges.district(code).source
        with edges.open_transport(edges.district(code)) as transport:
            while left:
                transport.drop(source.reports, left[0].target, left[0].content)
                report_files.record_dropped(conn, left.pop(0), edges.clock())
    except RosterSyncError as error:
        again, now = isinstance(error, TransientError), edges.clock()
        results = Counter(report_files.record_failed(conn, each, error.message, now, try_again=again) for each in left)
        return Counter({state.value: number for state, number in results.items()}) | _dropped(due, left)
    return _dropped(due, left)


def _dropped(due: Sequence[report_files.Drop], left: Sequence[report_files.Drop]) -> Counter[str]:
    return Counter({report_files.DROPPED: len(due) - len(left)})

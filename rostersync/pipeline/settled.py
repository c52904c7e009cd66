"""What a run has already done with a delivery, so that doing it again takes milliseconds and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from sqlalchemy import Connection

from rostersync import ledger
from rostersync.errors import LostClaim, PermanentError, RosterSyncError
from rostersync.model import Outcome
from rostersync.pipeline.edges import Edges, Run, transaction
from rostersync.pipeline.results import SyncResult, result_of


def settled_result(conn: Connection, run: Run, code: str, id_: str) -> SyncResult | None:
    """The stored result when this run has settled this delivery, else None."""
    outcome = ledger.outcome_of(conn, run.dag_id, run.run_id, code, id_)
    return None if outcome is None else stored_result(conn, code, id_, outcome)


def stored_result(conn: Connection, code: str, id_: str, outcome: Outcome | None = None) -> SyncResult:
    """The delivery's latest attempt under this outcome (default: its own); without findings when there is none."""
    last = ledger.latest_attempt(conn, id_)
    if last is None:
        return SyncResult(district=code, delivery=id_, outcome=outcome or Outcome.WAITING)
    return result_of(code, last, ledger.findings_of(conn, id_, last.number), outcome)


def settle(conn: Connection, run: Run, code: str, id_: str, outcome: Outcome) -> None:
    """The run is done with this delivery."""
    ledger.settle(conn, run.dag_id, run.run_id, code, id_, outcome)


@contextmanager
def failure_noted(edges: Edges, code: str, id_: str) -> Iterator[None]:
    """A failure that no retry can cure is written to the ledger, for the watcher, and goes on its way."""
    try:
        yield
    except LostClaim:
        raise
    except PermanentError:
        # The failure itself matters more than the note about it.
        with suppress(RosterSyncError), transaction(edges, code) as conn:
            ledger.mark_failed(conn, id_)
        raise

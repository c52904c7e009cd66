"""What a run has already done with a delivery, so that doing it again takes milliseconds and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TypeVar
from uuid import uuid4

from sqlalchemy import Connection, func, select

from rostersync import ledger
from rostersync.exceptions import KilledTwice, LostClaim, PermanentError, RosterSyncError
from rostersync.ledger import Attempt, Delivery
from rostersync.model import DeliveryState, Finding, Outcome
from rostersync.pipeline.context import Run, Services, district_transaction
from rostersync.pipeline.results import SyncResult, result_of
from rostersync.settings import state_path
from rostersync.transports.landing_store import LandingStore

Done = TypeVar("Done")

MAX_KILLS = 2
"""So many tasks of a run may be killed at one delivery; the next one does not begin."""
ENDED_WORK = "ended-work"
"""Folder of the notes about works that ended while the ledger could not be written."""
NOTE_PATIENCE = "2s"
"""Longest wait for the delivery's row: a task that is asked to stop is given a few seconds."""
LOOKS_EVERY = 0.5
"""Seconds between two looks whether another task has come to its end."""
SET_ASIDE = (DeliveryState.DISCARDED, DeliveryState.SUPERSEDED, DeliveryState.UNDONE)
"""No run applies what is in these states, unless it is forced to."""


def finished_result(conn: Connection, run: Run, code: str, id_: str) -> SyncResult | None:
    """The stored result when this run has settled this delivery, else None.

    What was set aside meanwhile is settled by that: no task that comes late applies it, unless it is forced.
    """
    outcome = ledger.outcome_of(conn, run.dag_id, run.run_id, code, id_)
    if outcome is None and not run.force and ledger.delivery_of(conn, code, id_).state in SET_ASIDE:
        outcome = Outcome.DUPLICATE
        mark_finished(conn, run, code, id_, outcome)
    return None if outcome is None else stored_result(conn, code, id_, outcome)


def stored_result(conn: Connection, code: str, id_: str, outcome: Outcome | None = None) -> SyncResult:
    """The delivery's latest attempt under this outcome (default: its own); without findings when there is none."""
    last = ledger.latest_attempt(conn, id_)
    if last is None:
        return SyncResult(district=code, delivery=id_, outcome=outcome or Outcome.WAITING)
    result = result_of(code, last, _findings(conn, code, last), outcome)
    return replace(result, set_aside=_set_aside(conn, code, last)) if outcome is Outcome.DUPLICATE else result


def _findings(conn: Connection, code: str, last: Attempt) -> tuple[Finding, ...]:
    """Of a refused file those of its newest screening, which may have been made for want of the earlier ones."""
    delivery = ledger.delivery_of(conn, code, last.delivery)
    number = delivery.attempts if delivery.state is DeliveryState.REFUSED else last.number
    return ledger.findings_of(conn, last.delivery, number)


def _set_aside(conn: Connection, code: str, last: Attempt) -> str | None:
    """When and by whom, for a delivery that is not going to be applied, or not all of it."""
    delivery = ledger.delivery_of(conn, code, last.delivery)
    if delivery.state is DeliveryState.APPLIED and last.left_out:
        return f"approved by {delivery.decided_by}: {last.left_out:,} rows that the approval left out stay left out"
    if delivery.state not in SET_ASIDE:
        return None
    when = f" on {delivery.decided_at.date().isoformat()}" if delivery.decided_at else ""
    return f"{delivery.state.value}: set aside{when} by {delivery.decided_by}"


def finished_by_another_run(conn: Connection, run: Run, code: str, id_: str) -> SyncResult | None:
    """The result of another run that concluded this delivery since our run took it; with it, ours is settled too.

    To judge it once more would be wrong: a newer file may have been applied since, and this one would look late.
    """
    taken = ledger.attempts_when_taken(conn, run.dag_id, run.run_id, code, id_)
    last = ledger.latest_attempt(conn, id_)
    if run.force or taken is None or last is None or last.number <= taken:
        return None
    applied = last.outcome in (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS)
    outcome = Outcome.DUPLICATE if applied else last.outcome
    mark_finished(conn, run, code, id_, outcome)
    return stored_result(conn, code, id_, outcome)


def overtaken_by_another_run(conn: Connection, run: Run, delivery: Delivery, work: str) -> SyncResult | None:
    """The result of a content that was the latest applied one when this run took it, and is left in place, once the
    same run has applied another: earlier content by now. Judged again, it would wait for somebody as an older file.
    """
    if run.force or delivery.state is not DeliveryState.APPLIED:
        return None
    latest = ledger.latest_applied(conn, delivery.district)
    if latest is None or latest[0] == delivery.id or ledger.arrived_anew(conn, run.dag_id, run.run_id, delivery.id):
        return None
    ledger.end_work(conn, delivery.id, work)
    mark_finished(conn, run, delivery.district, delivery.id, Outcome.DUPLICATE)
    return stored_result(conn, delivery.district, delivery.id, Outcome.DUPLICATE)


def mark_finished(conn: Connection, run: Run, code: str, id_: str, outcome: Outcome) -> None:
    """The run is done with this delivery."""
    ledger.record_outcome(conn, run.dag_id, run.run_id, code, id_, outcome)


def tried_last(services: Services, run: Run, code: str) -> frozenset[str]:
    """The deliveries that this run tries after all others: a failure of theirs does not end the district's night."""
    with district_transaction(services, code) as conn:
        return ledger.deliveries_tried_last(conn, run.dag_id, run.run_id, code)


@contextmanager
def recording_failure(services: Services, run: Run, code: str, id_: str) -> Iterator[str]:
    """A failure is written down and goes on its way: one that no retry can cure, for the watcher.

    Gives the id of the work that `claim_delivery` begins. Where the ledger cannot be written (the line is cut, its row
    is locked, a replica was promoted too late), the end of the work is noted beside it, so that nobody takes it for a
    kill. Too little memory is noted like a kill: not at all. The next try counts it.
    """
    work = uuid4().hex
    try:
        yield work
    except MemoryError:
        raise
    except BaseException as error:  # a task that is asked to stop has time to say so
        # The failure itself matters more than the note about it.
        try:
            with district_transaction(services, code) as conn:
                conn.execute(select(func.set_config("lock_timeout", NOTE_PATIENCE, True)))
                ledger.end_work(conn, id_, work)
                ledger.note_failed_run(conn, run.dag_id, run.run_id, code, id_)
                if isinstance(error, PermanentError) and not isinstance(error, LostClaim):
                    ledger.mark_failed(conn, id_)
        except RosterSyncError:
            _note_end(services, work)
        raise


def once_more_after_another(services: Services, code: str, id_: str, work: str, attempt: Callable[[], Done]) -> Done:
    """The attempt; when another task took the delivery over meanwhile, once more after that one has come to its end.

    It commits nothing the first time, and finds the other's result the second. `work` is its own open work. Raises
    LostClaim when the other does not end within the time that a district's lock is waited for, or somebody takes the
    delivery over again.
    """
    try:
        return attempt()
    except LostClaim:
        if not _other_work_has_ended(services, code, id_, work):
            raise
    return attempt()


def _other_work_has_ended(services: Services, code: str, id_: str, work: str) -> bool:
    for _ in range(max(1, int(services.lock_seconds / LOOKS_EVERY))):
        with district_transaction(services, code) as conn:
            if not ledger.is_worked_on(conn, id_, beside=work):
                return True
        services.sleep(LOOKS_EVERY)
    return False


def _note_end(services: Services, work: str) -> None:
    """Note that a work ended where the database is not needed: for all machines, else for this one."""
    for store in (services.landing, _own_notes()):
        with suppress(RosterSyncError):
            store.remember(f"{ENDED_WORK}/{work}", b"")
            return


def _has_ended(services: Services, work: str) -> bool:
    """Whether that was noted. Raises LandingUnavailable."""
    stores = (services.landing, _own_notes())
    return any(store.recall(f"{ENDED_WORK}/{work}") is not None for store in stores)


def _own_notes() -> LandingStore:
    return LandingStore(str(state_path("notes")))


def claim_delivery(conn: Connection, services: Services, run: Run, id_: str, work: str) -> int:
    """Begin work on a delivery; gives the claim token. After the commit, `refuse_after_kills` looks at `open_work`."""
    name = f"{run.dag_id} {run.run_id}"
    ended = [earlier for earlier in ledger.open_work(conn, id_, name) if _has_ended(services, earlier)]
    ledger.begin_work(conn, id_, name, work, ended=ended, anew=run.force)
    return ledger.claim(conn, id_, run.actor)


def refuse_after_kills(delivery: Delivery, work: str) -> None:
    """Raises KilledTwice for a delivery that has killed two tasks: a third one stays alive and says so."""
    kills = sum(other != work for other in delivery.open_work)
    if kills >= MAX_KILLS:
        raise KilledTwice(
            f"{kills} tasks were killed while they worked on delivery {delivery.id} ({delivery.size:,} bytes)."
        )

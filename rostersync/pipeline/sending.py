"""email: send what the outbox holds, and put lists of rows into a district's reports folder where it wants them.

The roster work is done before; a mail server cannot undo it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection

from rostersync import fault_points, ledger, mailing
from rostersync.exceptions import LedgerMismatch, RosterSyncError, TransientError
from rostersync.mailing import report_files
from rostersync.model import DeliveryState
from rostersync.pipeline.context import Run, Services, district_transaction


def email(services: Services, run: Run, code: str, delivery: str) -> Mapping[str, Any]:
    """Drop the district's due files and hand its due mails to the mail server, those that earlier nights deferred too.

    What a server cannot take now stays deferred: that is no failure of this task. Raises LedgerMismatch when there is
    nothing to tell of this delivery, because a task before this one was marked as done and was not.
    """
    if run.dry_run:
        return {"delivery": delivery}
    fault_points.reached("email.before_send")
    counts = relay_district(services, code)
    fault_points.reached("email.after_send")
    with district_transaction(services, code) as conn:
        state = ledger.delivery_of(conn, code, delivery).state
    if state in (DeliveryState.PULLED, DeliveryState.VALIDATED):
        raise LedgerMismatch(f"Delivery {delivery} is only {state}.", hint="Clear the district's upsert task.")
    return {"delivery": delivery, **counts}


def relay_district(services: Services, code: str) -> dict[str, int]:
    """The same without a delivery: numbers of messages by state, and of files under `files`, by state."""
    files = drop_files(services, code)
    return _counted(services, files, code)


def send_due(services: Services) -> dict[str, int]:
    """What is due in all districts, for a relay that runs apart from the nights: numbers as of `relay_district`.

    Raises ConfigurationError for an unusable sender's address, TransientError when database or landing store are away.
    """
    with district_transaction(services, None) as conn:
        codes = report_files.districts_with_drops(conn)
    files: Counter[str] = Counter()
    for code in sorted(codes):
        files.update(drop_files(services, code))
    return _counted(services, files, None)


def _counted(services: Services, files: Counter[str], code: str | None) -> dict[str, int]:
    mails = mailing.relay(
        services.engine, services.sender, clock=services.clock, journal=services.landing, district=code
    )
    return {**asdict(mails), **{f"files_{state}": files[state] for state in ("dropped", "deferred", "refused")}}


def drop_files(services: Services, code: str) -> Counter[str]:
    """Drop what is due; how many files are `dropped`, `deferred`, `refused`.

    The mail that tells of a file does not wait for it. Dropping one again replaces it by the same bytes, so the
    transaction may break off at any point.
    """
    with district_transaction(services, code) as conn:
        due = report_files.due_drops(conn, code, services.clock())
        return _drop_all(conn, services, code, due) if due else Counter()


def _drop_all(conn: Connection, services: Services, code: str, due: Sequence[report_files.Drop]) -> Counter[str]:
    left = list(due)
    try:
        source = services.district(code).source
        with services.open_transport(services.district(code)) as transport:
            while left:
                transport.drop(source.reports, left[0].target, left[0].content)
                report_files.record_dropped(conn, left.pop(0), services.clock())
    except RosterSyncError as error:
        again, now = isinstance(error, TransientError), services.clock()
        results = Counter(
            report_files.record_failed(conn, waiting_drop, error.message, now, try_again=again) for waiting_drop in left
        )
        return Counter({state.value: number for state, number in results.items()}) | _dropped(due, left)
    return _dropped(due, left)


def _dropped(due: Sequence[report_files.Drop], left: Sequence[report_files.Drop]) -> Counter[str]:
    return Counter({report_files.DROPPED: len(due) - len(left)})

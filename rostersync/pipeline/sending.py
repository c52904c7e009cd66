"""email: send what the outbox holds. The roster work is done before; a mail server cannot undo it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rostersync import fault_points, ledger, mailing
from rostersync.exceptions import LedgerMismatch
from rostersync.mailing import report_files
from rostersync.model import DeliveryState
from rostersync.pipeline.context import Edges, Run, transaction
from rostersync.pipeline.report_delivery import drop_files


def email(edges: Edges, run: Run, code: str, delivery: str) -> Mapping[str, Any]:
    """Drop the district's due files and hand its due mails to the mail server, those that earlier nights deferred too.

    What a server cannot take now stays deferred: that is no failure of this task. Raises LedgerMismatch when there is
    nothing to tell of this delivery, because a task before this one was marked as done and was not.
    """
    if run.dry_run:
        return {"delivery": delivery}
    fault_points.point("email.before_send")
    counts = relay_district(edges, code)
    fault_points.point("email.after_send")
    with transaction(edges, code) as conn:
        state = ledger.delivery_of(conn, code, delivery).state
    if state in (DeliveryState.PULLED, DeliveryState.VALIDATED):
        raise LedgerMismatch(f"Delivery {delivery} is only {state}.", hint="Clear the district's upsert task.")
    return {"delivery": delivery, **counts}


def relay_district(edges: Edges, code: str) -> dict[str, int]:
    """The same without a delivery: numbers of messages by state, and of files under `files`, by state."""
    files = drop_files(edges, code)
    return _counted(edges, files, code)


def send_due(edges: Edges) -> dict[str, int]:
    """What is due in all districts, for a relay that runs apart from the nights: numbers as of `relay_district`.

    Raises ConfigurationError for an unusable sender's address, TransientError when database or landing store are away.
    """
    with transaction(edges, None) as conn:
        codes = report_files.districts_with_drops(conn)
    files: Counter[str] = Counter()
    for code in sorted(codes):
        files.update(drop_files(edges, code))
    return _counted(edges, files, None)


def _counted(edges: Edges, files: Counter[str], code: str | None) -> dict[str, int]:
    mails = mailing.relay(edges.engine, edges.sender, clock=edges.clock, witness=edges.landing, district=code)
    return {**asdict(mails), **{f"files_{state}": files[state] for state in ("dropped", "deferred", "refused")}}

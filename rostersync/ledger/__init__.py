"""The ledger: what arrived, what became of it, and who is working on it. Read and written, never decided here.

Every function takes the caller's connection and leaves the transaction to the caller. Moments are aware, UTC.
"""

from __future__ import annotations

from rostersync.ledger.attempts import (
    Attempt,
    attempt_of,
    keys_touched_since,
    latest_applied,
    latest_attempt,
    record_attempt,
    was_applied,
)
from rostersync.ledger.claims import check_claim, claim
from rostersync.ledger.deliveries import (
    Conditions,
    Delivery,
    delivery_id,
    delivery_of,
    ensure_district,
    known,
    mark_failed,
    mark_judged,
    mark_validated,
    record_delivery,
    roster_version,
    seen_again,
    unfinished,
)
from rostersync.ledger.findings import copy_findings, findings_of, store_findings
from rostersync.ledger.references import Holder, Referenced, holder_of, referenced
from rostersync.ledger.runs import (
    Arrival,
    RunDelivery,
    arrived_anew,
    assign,
    deliveries_of_run,
    districts_of_run,
    left_in_place,
    lock_run,
    outcome_of,
    record_arrivals,
    settle,
    steady_since,
)

__all__ = [
    "Arrival",
    "Attempt",
    "Conditions",
    "Delivery",
    "Holder",
    "Referenced",
    "RunDelivery",
    "arrived_anew",
    "assign",
    "attempt_of",
    "check_claim",
    "claim",
    "copy_findings",
    "deliveries_of_run",
    "delivery_id",
    "delivery_of",
    "districts_of_run",
    "ensure_district",
    "findings_of",
    "holder_of",
    "keys_touched_since",
    "known",
    "latest_applied",
    "latest_attempt",
    "left_in_place",
    "lock_run",
    "mark_failed",
    "mark_judged",
    "mark_validated",
    "outcome_of",
    "record_arrivals",
    "record_attempt",
    "record_delivery",
    "referenced",
    "roster_version",
    "seen_again",
    "settle",
    "steady_since",
    "store_findings",
    "unfinished",
    "was_applied",
]

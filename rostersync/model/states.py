"""How things stand: owners and states of records, rows, findings and deliveries, outcomes, decisions.

Strings that PostgreSQL and JSON take as they are.
"""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """What a finding does: refuse the file, reject the row, hold the delivery, or only tell."""

    FILE = "file"
    ROW = "row"
    REMARK = "remark"
    HOLD = "hold"


class Owner(StrEnum):
    """Who may change a record of the roster."""

    SOURCE = "source"  # the enrollment source
    FILE = "file"  # the district's staff files
    MANUAL = "manual"  # people with the pages, by hand


class RecordStatus(StrEnum):
    """Where a record of the roster stands. Schools, classes and people are active or inactive."""

    ACTIVE = "active"
    INACTIVE = "inactive"  # kept, and comes back when it is named again
    PLANNED = "planned"  # an assignment whose first day is to come
    ENDED = "ended"  # an assignment that is over, by its last day or by a removal


class RowStatus(StrEnum):
    """What becomes of a staged row."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # it has an error, and does nothing
    FOLDED = "folded"  # set aside: taken by a removal, handed over, or left out by an approval


class Outcome(StrEnum):
    """How a look at a district's inbox, or a delivery, ended. All but FAILED are normal endings."""

    APPLIED = "applied"
    APPLIED_WITH_ERRORS = "applied_with_errors"
    REFUSED = "refused"
    HELD = "held"
    DUPLICATE = "duplicate"
    WAITING = "waiting"
    NO_FILE = "no_file"
    FAILED = "failed"


class DeliveryState(StrEnum):
    """Where a delivery stands in the ledger."""

    PULLED = "pulled"
    VALIDATED = "validated"
    HELD = "held"
    APPLIED = "applied"
    REFUSED = "refused"
    DISCARDED = "discarded"
    SUPERSEDED = "superseded"
    UNDONE = "undone"
    FAILED = "failed"


class Choice(StrEnum):
    """What a person may decide about a held delivery."""

    APPROVE = "approve"
    WITHOUT_SCHOOLS = "approve-without-held-schools"
    DISCARD = "discard"

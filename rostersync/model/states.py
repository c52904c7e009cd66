"""How things stand: severities of findings, outcomes, states of deliveries, decisions."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """What a finding does: refuse the file, reject the row, hold the delivery, or only tell."""

    FILE = "file"
    ROW = "row"
    REMARK = "remark"
    HOLD = "hold"


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

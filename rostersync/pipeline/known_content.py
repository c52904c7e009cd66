"""What content that the ledger already has means when it is found again (docs/rules/known-content.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from rostersync import ledger
from rostersync.ledger import Conditions, Delivery
from rostersync.model import DeliveryState, Outcome

OLDER_BY = timedelta(hours=24)

_OPEN = (DeliveryState.PULLED, DeliveryState.VALIDATED, DeliveryState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanCircumstances:
    """The circumstances of a look: the district's date, its conditions, and whether the operator insists."""

    district: str
    today: date
    conditions: Conditions
    force: bool


def decide_known_content(
    conn: Connection, found: Delivery, circumstances: ScanCircumstances, *, anew: bool
) -> Outcome | None:
    """How a delivery found in the inbox ends at once; None: there is work to do.

    `anew`: these bytes were not there with this modification time before.
    """
    if circumstances.force or found.state in _OPEN:
        return None
    if found.state is DeliveryState.REFUSED:
        return Outcome.REFUSED if _same_refusal(conn, found, circumstances.conditions) else None
    if found.state is DeliveryState.HELD:
        return Outcome.HELD
    if found.state is not DeliveryState.APPLIED:
        return Outcome.DUPLICATE
    return _of_applied(conn, found, circumstances, anew)


def _of_applied(conn: Connection, found: Delivery, circumstances: ScanCircumstances, anew: bool) -> Outcome | None:
    latest = ledger.latest_applied(conn, found.district)
    if latest is None or latest[0] == found.id:
        settled = _approved_in_part(conn, found) or _judged_already(conn, found, circumstances)
        return Outcome.DUPLICATE if settled else None
    return None if anew else Outcome.DUPLICATE


def _approved_in_part(conn: Connection, found: Delivery) -> bool:
    """A person decided what of it is applied: neither the calendar nor the roster asks for the rest again."""
    last = ledger.latest_attempt(conn, found.id)
    return last is not None and last.left_out > 0


def _judged_already(conn: Connection, found: Delivery, circumstances: ScanCircumstances) -> bool:
    return (
        found.judged_on == circumstances.today
        and _same_rules(found, circumstances.conditions)
        and found.judged_roster_version == ledger.roster_version(conn, found.district)
    )


def _same_refusal(conn: Connection, found: Delivery, conditions: Conditions) -> bool:
    """The reasons are told again in a reminder: where they are not kept any more, the bytes are screened again."""
    stored = ledger.count_findings(conn, found.id, found.attempts, "file")
    return _same_rules(found, conditions) and stored == found.file_findings


def _same_rules(found: Delivery, conditions: Conditions) -> bool:
    """Another version of the code alone does not open a case again."""
    mine = found.conditions
    return (mine.dictionary_version, mine.config_digest) == (conditions.dictionary_version, conditions.config_digest)


def is_older(conn: Connection, found: Delivery) -> bool:
    """Applied before another content of the district, overtaken by one that arrived later, or more than 24 hours older
    than what was applied last.
    """
    latest = ledger.latest_applied(conn, found.district)
    if latest is None or latest[0] == found.id:
        return False
    if ledger.was_applied(conn, found.id) or found.modified_at < latest[1] - OLDER_BY:
        return True
    return ledger.is_overtaken(conn, found.district, found.id)

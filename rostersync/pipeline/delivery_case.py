"""A delivery that is claimed and ready to be planned: its rows, judged by today's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostersync import ledger
from rostersync.configuration.dictionary import Dictionary
from rostersync.exceptions import LedgerMismatch
from rostersync.ledger import Delivery
from rostersync.model import Finding, Outcome, Screened
from rostersync.pipeline.context import Run, Services, dictionary_of, district_transaction
from rostersync.pipeline.file_verdict import read_again
from rostersync.pipeline.holding import Approval
from rostersync.pipeline.results import SyncResult
from rostersync.pipeline.run_progress import (
    claim_delivery,
    finished_by_another_run,
    finished_result,
    refuse_after_kills,
)
from rostersync.pipeline.validating import Validated, is_validated, screen_delivery

if TYPE_CHECKING:
    from rostersync.configuration.districts import District


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A claimed delivery, ready to be planned; `refused`: findings of rows that the database would not take."""

    district: District
    dictionary: Dictionary
    delivery: Delivery
    token: int
    screened: Screened
    refused: tuple[Finding, ...] = ()
    approval: Approval | None = None


def open_case(
    services: Services, run: Run, district: District, id_: str, work: str, screened: Screened | None = None
) -> Case | SyncResult:
    """Claim a delivery and get its rows, judged by today's rules; or its result, when there is nothing to conclude.

    `work`: what `recording_failure` gave.
    """
    with district_transaction(services, district.code) as conn:
        result = finished_result(conn, run, district.code, id_)
        if result is not None:
            return result
        token = claim_delivery(conn, services, run, id_, work)
        # A copy of this task, or another run, may have committed while we waited for the row.
        result = finished_result(conn, run, district.code, id_) or finished_by_another_run(
            conn, run, district.code, id_
        )
        delivery = ledger.delivery_of(conn, district.code, id_)
        findings = screened.findings if screened else ledger.findings_of(conn, id_, delivery.attempts, "file")
        if result is not None:
            ledger.end_work(conn, id_, work)
            return result
    refuse_after_kills(delivery, work)
    if not delivery.attempts:
        raise LedgerMismatch(f"Delivery {id_} has not been validated.", hint="Clear the district's validate task.")
    if not is_validated(delivery, district, findings):
        return _validated_again(services, run, district, delivery, token)
    return _case(district, delivery, token, screened or read_again(services.landing, district, delivery, findings))


def _case(district: District, delivery: Delivery, token: int, screened: Screened) -> Case:
    return Case(
        district=district, dictionary=dictionary_of(district), delivery=delivery, token=token, screened=screened
    )


def _validated_again(
    services: Services, run: Run, district: District, delivery: Delivery, token: int
) -> Case | SyncResult:
    """The rules changed since, or findings were swept: what is stored does not fit the rows any more."""
    validated: Validated = screen_delivery(services, run, district, delivery, token)
    if validated.result is not None or validated.screened is None:
        return validated.result or SyncResult(district=district.code, delivery=delivery.id, outcome=Outcome.FAILED)
    with district_transaction(services, district.code) as conn:
        current = ledger.delivery_of(conn, district.code, delivery.id)
    return _case(district, current, token, validated.screened)

"""A delivery that is claimed and ready to be planned: its rows, judged by today's rules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import ledger, planning
from rostersync.configuration.dictionary import Dictionary
from rostersync.exceptions import LedgerMismatch
from rostersync.ledger import Delivery
from rostersync.model import Finding, Outcome, Reading, Screened
from rostersync.pipeline.context import Run, Services, dictionary_of, district_transaction
from rostersync.pipeline.file_verdict import absent_people_of_file, named_in, read_again, read_landed
from rostersync.pipeline.holding import Approval
from rostersync.pipeline.known_content import is_older
from rostersync.pipeline.results import SyncResult
from rostersync.pipeline.run_progress import (
    claim_delivery,
    finished_by_another_run,
    finished_result,
    refuse_after_kills,
)
from rostersync.pipeline.validating import Validated, is_validated, screen_delivery
from rostersync.planning import AbsentPeople, Plan

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

MAX_FILES_BESIDE = 8
"""Of a look with more files nobody is called absent: to read them all would take too long."""


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


def absent_people_of_look(conn: Connection, services: Services, case: Case, plan: Plan) -> AbsentPeople | None:
    """Whom neither the file nor another one of its look names; None: nobody, or that cannot be told.

    Nothing is told of an older file, nor where a file beside it cannot be read yet. The caller holds the lock.
    """
    absent = absent_people_of_file(plan, case.screened, case.district)
    if absent is None or is_older(conn, case.delivery):
        return None
    beside = ledger.files_beside(conn, case.district.code, case.delivery.id)
    if len(beside) > MAX_FILES_BESIDE:
        return None
    for file in beside:
        names = _names_beside(services, case, file)
        absent = None if absent is None or names is None else absent.without(names)
    return absent


def _names_beside(services: Services, case: Case, file: ledger.SeenBeside) -> set[str] | None:
    """Whom another file of the look names; nobody when it is an earlier edition of this one. None: not to be known."""
    if file.sha256 is None or not services.landing.exists(case.district.code, file.sha256):
        return None
    reading = read_landed(services.landing.read(case.district.code, file.sha256), case.dictionary, case.district)
    if reading.refused:
        return None
    older = file.modified_at < case.delivery.modified_at
    return set() if older and _is_edition_of(reading, case.screened.reading) else named_in(reading)


def _is_edition_of(other: Reading, mine: Reading) -> bool:
    """The other file names most people of mine: it is the same list, of another day."""
    ids = set(mine.frame["userId"].unique())
    return len(ids.intersection(other.frame["userId"].unique())) >= planning.MEANT_TO_BE_COMPLETE * len(ids)


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

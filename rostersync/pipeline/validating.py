"""validate: the file rules' judgement of a delivery, stored. A refused file ends here, with its mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from rostersync import fault_points, ledger
from rostersync.catalogue.findings import certain
from rostersync.ledger import Attempt, Delivery
from rostersync.model import DeliveryState, Evaluation, Finding, Outcome, Screened
from rostersync.pipeline.context import Run, Services, conditions, dictionary_of, district_transaction, today
from rostersync.pipeline.dry_run import screen_landed
from rostersync.pipeline.file_verdict import read_landed, refused_evaluation, screen_landed_bytes
from rostersync.pipeline.notifications import notify
from rostersync.pipeline.results import SyncResult, evaluated_result, tally
from rostersync.pipeline.run_progress import (
    SET_ASIDE,
    claim_delivery,
    finished_result,
    mark_finished,
    once_more_after_another,
    recording_failure,
    refuse_after_kills,
    stored_result,
    tried_last,
)
from rostersync.planning import PEOPLE_NOT_IN_FILE

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

_APPLIED = (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Validated:
    """`result` when the delivery is settled already (refused, applied before); `screened` when judged just now."""

    delivery: str
    result: SyncResult | None = None
    screened: Screened | None = None
    findings: Mapping[str, int] | None = None

    def summary(self) -> dict[str, Any]:
        """Ids and counts only."""
        if self.result is not None:
            return self.result.summary()
        return {"delivery": self.delivery, "outcome": None, "findings": dict(self.findings or {})}


def validate(services: Services, run: Run, code: str, delivery: str) -> Mapping[str, Any]:
    """Judge a delivery's file rules and store the findings; again under the same rules: say so and do nothing.

    What failed in earlier runs is not judged here: `upsert` does it after everything else.
    Raises SuiteFailed, LandedBytesMissing, LostClaim, KilledTwice, DatabaseUnavailable.
    """
    if delivery in tried_last(services, run, code):
        return Validated(delivery=delivery).summary()
    return validate_file(services, run, services.district(code), delivery).summary()


def validate_file(services: Services, run: Run, district: District, id_: str) -> Validated:
    """`validate` for callers in the same process, who need not read the file again."""
    if run.dry_run:
        screened = screen_landed(services, district, id_)
        return Validated(delivery=id_, screened=screened, findings=tally(certain(screened.findings)))
    with recording_failure(services, run, district.code, id_) as work:
        attempt = partial(_validate_file, services, run, district, id_, work)
        return once_more_after_another(services, district.code, id_, work, attempt)


def _validate_file(services: Services, run: Run, district: District, id_: str, work: str) -> Validated:
    with district_transaction(services, district.code) as conn:
        done, delivery, token = _open(conn, services, run, district, id_, work)
    if done is not None:
        return done
    refuse_after_kills(delivery, work)
    fault_points.reached("validate.after_claim")
    return screen_delivery(services, run, district, delivery, token)


def _open(
    conn: Connection, services: Services, run: Run, district: District, id_: str, work: str
) -> tuple[Validated | None, Delivery, int]:
    """What needs no judging, else the delivery, claimed."""
    delivery = ledger.delivery_of(conn, district.code, id_)
    result = finished_result(conn, run, district.code, id_)
    if result is not None:
        return Validated(delivery=id_, result=result), delivery, 0
    stored = ledger.findings_of(conn, id_, delivery.attempts, "file")
    if not is_validated(delivery, district, stored):
        token = claim_delivery(conn, services, run, id_, work)
        return None, ledger.delivery_of(conn, district.code, id_), token
    if delivery.state is DeliveryState.REFUSED:
        mark_finished(conn, run, district.code, id_, Outcome.REFUSED)
        return Validated(delivery=id_, result=stored_result(conn, district.code, id_)), delivery, 0
    return Validated(delivery=id_, findings=tally(stored)), delivery, 0


def is_validated(delivery: Delivery, district: District, stored: Sequence[Finding]) -> bool:
    """The file rules were judged, by the very same rules as would be applied now, and all they found is there.

    `stored`: the findings at hand. With one of them missing, a row that breaks a rule would look like a good one.
    """
    same_rules = delivery.attempts > 0 and delivery.conditions == conditions(district)
    return same_rules and len(stored) == delivery.file_findings


def screen_delivery(services: Services, run: Run, district: District, delivery: Delivery, token: int) -> Validated:
    """Read and screen the landed bytes, and store what was found, if the claim still holds."""
    dictionary = dictionary_of(district)
    with district_transaction(services, district.code) as conn:
        name = ledger.last_file_name(conn, delivery.id) or ""
    reading = read_landed(services.landing.read(district.code, delivery.sha256), dictionary, district, name)
    screened = screen_landed_bytes(reading, dictionary, district)
    with district_transaction(services, district.code) as conn:
        ledger.check_claim(conn, delivery.id, token)
        result = _store(conn, services, run, district, delivery, screened)
        fault_points.reached("validate.before_commit")
    fault_points.reached("validate.after_commit")
    return Validated(delivery=delivery.id, result=result, screened=screened, findings=tally(certain(screened.findings)))


def _store(
    conn: Connection, services: Services, run: Run, district: District, delivery: Delivery, screened: Screened
) -> SyncResult | None:
    number = delivery.attempts + 1
    ledger.store_findings(
        conn,
        code=district.code,
        delivery_id=delivery.id,
        attempt=number,
        stage="file",
        findings=certain(screened.findings),
    )
    ledger.mark_validated(
        conn,
        delivery.id,
        attempt=number,
        findings=len(certain(screened.findings)),
        conditions=conditions(district),
        state=_state(delivery, screened),
    )
    return _refuse(conn, services, run, district, delivery, number, screened) if screened.refused else None


def _state(delivery: Delivery, screened: Screened) -> DeliveryState:
    """Judging an applied delivery again does not make it unapplied; a held one goes on waiting for a person.

    What was set aside stays so until a forced run has applied it: its next try may be one that is not forced.
    """
    if screened.refused:
        return DeliveryState.REFUSED
    kept = (DeliveryState.APPLIED, DeliveryState.HELD, *SET_ASIDE)
    return delivery.state if delivery.state in kept else DeliveryState.VALIDATED


def _refuse(
    conn: Connection,
    services: Services,
    run: Run,
    district: District,
    delivery: Delivery,
    number: int,
    screened: Screened,
) -> SyncResult:
    """The whole file ends here: attempt, report and mails in this transaction; the same refusal is not mailed twice."""
    version = ledger.roster_version(conn, district.code)
    day = today(services, district)
    ledger.mark_judged(
        conn, delivery.id, state=DeliveryState.REFUSED, attempt=number, roster_version=version, judged_on=day
    )
    mark_finished(conn, run, district.code, delivery.id, Outcome.REFUSED)
    last = ledger.latest_attempt(conn, delivery.id)
    evaluation = refused_evaluation(screened)
    if last and last.outcome is Outcome.REFUSED and same_findings(conn, last, evaluation):
        return stored_result(conn, district.code, delivery.id)
    ledger.record_attempt(
        conn,
        code=district.code,
        delivery_id=delivery.id,
        number=number,
        evaluation=evaluation,
        conditions=conditions(district),
        roster_version=version,
        actor=run.actor,
        ended_at=services.clock(),
        forced_reason=run.reason if run.force else None,
    )
    notify(conn, services, district, delivery, number, evaluation, screened.reading)
    return evaluated_result(district.code, delivery.id, number, evaluation)


def is_nothing_new(conn: Connection, last: Attempt, evaluation: Evaluation) -> bool:
    """Judged again, an applied content asks for no change and has just the findings it had."""
    if evaluation.changes or last.outcome not in _APPLIED or evaluation.outcome not in _APPLIED:
        return False
    return same_findings(conn, last, evaluation)


def same_findings(conn: Connection, last: Attempt, evaluation: Evaluation) -> bool:
    """Whether an earlier attempt found just the same, wherever each was found first.

    Of an attempt whose findings were swept only numbers are left: nobody is told a second time of as many.
    """
    if not ledger.has_all_findings(conn, last):
        return (last.findings, last.rows) == (len(evaluation.findings), evaluation.rows)
    return _told(ledger.findings_of(conn, last.delivery, last.number)) == _told(evaluation.findings)


def _told(findings: Sequence[Finding]) -> list[tuple[int, str, str, str]]:
    """What a content is told by. Not by whom it does not name: others come to the roster, and go, day by day."""
    return sorted(
        (finding.line or 0, finding.column or "", finding.code, finding.severity.value)
        for finding in findings
        if finding.code != PEOPLE_NOT_IN_FILE
    )

"""upsert: a validated delivery → the roster, with counts, change log and mails, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rostersync import applying, fault_points, ledger, planning
from rostersync.applying.refused_rows import refusal_of, without_refused
from rostersync.catalogue.findings import certain
from rostersync.ledger import Attempt
from rostersync.model import DeliveryState, Evaluation, Outcome, Screened
from rostersync.pipeline.context import Run, Services, planning_transaction
from rostersync.pipeline.delivery_case import Case, absent_people_of_look, open_case
from rostersync.pipeline.dry_run import dry_run_delivery, plan_context
from rostersync.pipeline.file_verdict import evaluate_plan
from rostersync.pipeline.holding import holds, plan_approved, supersede
from rostersync.pipeline.notifications import notify, notify_no_changes
from rostersync.pipeline.results import SyncResult, evaluated_result, result_of
from rostersync.pipeline.run_progress import (
    mark_finished,
    once_more_after_another,
    overtaken_by_another_run,
    recording_failure,
    tried_last,
)
from rostersync.pipeline.validating import is_nothing_new, validate_file
from rostersync.planning import PlanContext

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

RACES = 3
"""How often a lost race for an e-mail address is judged again; after that the row is named."""
UNIQUE_VIOLATION = "23505"


def upsert(services: Services, run: Run, code: str, delivery: str) -> Mapping[str, Any]:
    """Apply a validated delivery; one that this run has settled is only looked up.

    Raises DistrictBusy, DatabaseUnavailable, LostClaim, KilledTwice, LandedBytesMissing, PlanMismatch.
    """
    district = services.district(code)
    if delivery in tried_last(services, run, code):
        return validate_and_conclude(services, run, district, delivery).summary()
    return conclude(services, run, district, delivery).summary()


def validate_and_conclude(services: Services, run: Run, district: District, id_: str) -> SyncResult:
    """Both stages of a delivery, one after the other. Raises what they raise."""
    validated = validate_file(services, run, district, id_)
    return validated.result or conclude(services, run, district, id_, validated.screened)


def conclude(
    services: Services, run: Run, district: District, id_: str, screened: Screened | None = None
) -> SyncResult:
    """`upsert` for callers in the same process; `screened` spares reading the landed bytes again."""
    if run.dry_run:
        return dry_run_delivery(services, district, id_)
    with recording_failure(services, run, district.code, id_) as work:
        attempt = partial(_conclude, services, run, district, id_, work, screened)
        return once_more_after_another(services, district.code, id_, work, attempt)


def _conclude(
    services: Services, run: Run, district: District, id_: str, work: str, screened: Screened | None
) -> SyncResult:
    opened = open_case(services, run, district, id_, work, screened)
    if isinstance(opened, SyncResult):
        return opened
    fault_points.reached("upsert.after_claim")
    with planning_transaction(services, district.code) as conn:
        planning.lock_district(conn, district.code, services.lock_seconds)
        ledger.check_claim(conn, id_, opened.token)
        fault_points.reached("upsert.after_begin")
        result = overtaken_by_another_run(conn, run, opened.delivery, work) or conclude_case(
            conn, services, run, opened
        )
        fault_points.reached("upsert.before_commit")
    fault_points.reached("upsert.after_commit")
    return result


def conclude_case(conn: Connection, services: Services, run: Run, case: Case) -> SyncResult:
    """Judge and apply; when another district took an address meanwhile, roll back to here and judge again.

    What the database refuses even so is left out and named.
    The caller holds the district's lock and has made sure that the case is still open.
    """
    # The clock is read once: whatever is planned, noted and compared later, is of the same day.
    return _try_to_judge(conn, services, run, case, plan_context(services, case.district, case.dictionary), RACES)


def _try_to_judge(
    conn: Connection, services: Services, run: Run, case: Case, context: PlanContext, chances: int
) -> SyncResult:
    try:
        with conn.begin_nested():
            return _judge(conn, services, run, case, context)
    except DBAPIError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
    if chances and refusal.sqlstate == UNIQUE_VIOLATION:
        return _try_to_judge(conn, services, run, case, context, chances - 1)
    screened, refused = without_refused(conn, context, case.screened, case.delivery.id)
    return _judge(conn, services, run, replace(case, screened=screened, refused=refused), context)


def _judge(conn: Connection, services: Services, run: Run, case: Case, context: PlanContext) -> SyncResult:
    """Plan, and apply unless there is nothing to do or a person must look first."""
    left_out = frozenset[int]() if run.force else ledger.left_out_lines(conn, case.delivery.id)
    plan = plan_approved(conn, context, case.screened, case.approval, left_out)
    fault_points.reached("upsert.after_plan")
    reasons = holds(conn, services, run, case.district, case.delivery, plan, case.approval)
    absent = None if reasons else absent_people_of_look(conn, services, case, plan)
    own = (*plan.findings, *reasons, *case.refused, *((absent.finding(),) if absent else ()))
    evaluation = evaluate_plan(plan, (*certain(case.screened.findings), *own))
    last = ledger.latest_attempt(conn, case.delivery.id)
    if last and not run.force and is_nothing_new(conn, last, evaluation):
        _mark_judged(conn, case, DeliveryState.APPLIED, case.delivery.attempts, context)
        return _duplicate(conn, services, run, case, last, evaluation)
    number = _number(conn, case, last)
    held = evaluation.outcome is Outcome.HELD
    if held:
        applying.keep(plan, delivery=case.delivery.id, attempt=number)
    else:
        applying.apply(plan, delivery=case.delivery.id, attempt=number, actor=run.actor)
        supersede(conn, services, case.delivery, plan)
    fault_points.reached("upsert.after_write")
    ledger.store_findings(
        conn, code=case.district.code, delivery_id=case.delivery.id, attempt=number, stage="roster", findings=own
    )
    _mark_judged(conn, case, DeliveryState.HELD if held else DeliveryState.APPLIED, number, context)
    _record(conn, services, run, case, number, evaluation, plan.left_out_lines)
    notify(conn, services, case.district, case.delivery, number, evaluation, case.screened.reading, absent)
    result = evaluated_result(case.district.code, case.delivery.id, number, evaluation)
    return replace(result, left_out=len(plan.left_out_lines))


def _duplicate(
    conn: Connection, services: Services, run: Run, case: Case, last: Attempt, evaluation: Evaluation
) -> SyncResult:
    delivery = case.delivery
    mark_finished(conn, run, case.district.code, delivery.id, Outcome.DUPLICATE)
    if ledger.arrived_anew(conn, run.dag_id, run.run_id, delivery.id):
        notify_no_changes(conn, services, case.district, delivery)
    return result_of(case.district.code, last, evaluation.findings, Outcome.DUPLICATE)


def _number(conn: Connection, case: Case, last: Attempt | None) -> int:
    """The attempt's number: the one its findings were stored under, or the next when that one was used up."""
    delivery = case.delivery
    if last is None or last.number < delivery.attempts:
        return delivery.attempts
    number = delivery.attempts + 1
    code, findings = case.district.code, case.screened.findings
    ledger.store_findings(conn, code=code, delivery_id=delivery.id, attempt=number, stage="file", findings=findings)
    return number


def _record(
    conn: Connection,
    services: Services,
    run: Run,
    case: Case,
    number: int,
    evaluation: Evaluation,
    left_out: Sequence[int],
) -> None:
    mark_finished(conn, run, case.district.code, case.delivery.id, evaluation.outcome)
    ledger.record_attempt(
        conn,
        code=case.district.code,
        delivery_id=case.delivery.id,
        number=number,
        evaluation=evaluation,
        conditions=case.delivery.conditions,
        roster_version=ledger.roster_version(conn, case.district.code),
        actor=run.actor,
        ended_at=services.clock(),
        forced_reason=run.reason if run.force else None,
        left_out_lines=left_out,
    )


def _mark_judged(conn: Connection, case: Case, state: DeliveryState, number: int, context: PlanContext) -> None:
    """Note under which roster version and for which day the plan was made."""
    version = ledger.roster_version(conn, case.district.code)
    ledger.mark_judged(
        conn, case.delivery.id, state=state, attempt=number, roster_version=version, judged_on=context.today
    )

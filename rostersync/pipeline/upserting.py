"""upsert: a validated delivery → the roster, with counts, change log and mails, in one transaction or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from rostersync import applying, fault_points, ledger, planning
from rostersync.applying.refused_rows import refusal_of, without_refused
from rostersync.catalogue.findings import certain
from rostersync.configuration.dictionary import Dictionary
from rostersync.exceptions import LedgerMismatch
from rostersync.ledger import Attempt, Delivery
from rostersync.model import DeliveryState, Finding, Judgement, Outcome, Screened
from rostersync.pipeline.context import Edges, Run, dictionary_of, planning_transaction, transaction
from rostersync.pipeline.dry_run import plan_context, try_out
from rostersync.pipeline.file_verdict import judgement, read_again
from rostersync.pipeline.holding import Approval, holds, plan_approved, supersede
from rostersync.pipeline.notifications import tell, tell_nothing_new
from rostersync.pipeline.results import SyncResult, judged, result_of
from rostersync.pipeline.run_progress import (
    check_kills,
    done_meanwhile,
    failure_noted,
    once_more_after_another,
    overtaken_meanwhile,
    settle,
    settled_result,
    take,
    tried_last,
)
from rostersync.pipeline.validating import Validated, is_nothing_new, is_validated, judge_file, screen_delivery
from rostersync.planning import PlanContext

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

RACES = 3
"""How often a lost race for an e-mail address is judged again; after that the row is named."""
UNIQUE_VIOLATION = "23505"


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


def upsert(edges: Edges, run: Run, code: str, delivery: str) -> Mapping[str, Any]:
    """Apply a validated delivery; one that this run has settled is only looked up.

    Raises DistrictBusy, DatabaseUnavailable, LostClaim, KilledTwice, LandedBytesMissing, PlanMismatch.
    """
    district = edges.district(code)
    if delivery in tried_last(edges, run, code):
        return validate_and_conclude(edges, run, district, delivery).summary()
    return conclude(edges, run, district, delivery).summary()


def validate_and_conclude(edges: Edges, run: Run, district: District, id_: str) -> SyncResult:
    """Both stages of a delivery, one after the other. Raises what they raise."""
    validated = judge_file(edges, run, district, id_)
    return validated.result or conclude(edges, run, district, id_, validated.screened)


def conclude(edges: Edges, run: Run, district: District, id_: str, screened: Screened | None = None) -> SyncResult:
    """`upsert` for callers in the same process; `screened` spares reading the landed bytes again."""
    if run.dry_run:
        return try_out(edges, district, id_)
    with failure_noted(edges, run, district.code, id_) as work:
        attempt = partial(_conclude, edges, run, district, id_, work, screened)
        return once_more_after_another(edges, district.code, id_, work, attempt)


def _conclude(edges: Edges, run: Run, district: District, id_: str, work: str, screened: Screened | None) -> SyncResult:
    opened = open_case(edges, run, district, id_, work, screened)
    if isinstance(opened, SyncResult):
        return opened
    fault_points.point("upsert.after_claim")
    with planning_transaction(edges, district.code) as conn:
        planning.lock_district(conn, district.code, edges.lock_seconds)
        ledger.check_claim(conn, id_, opened.token)
        fault_points.point("upsert.after_begin")
        result = overtaken_meanwhile(conn, run, opened.delivery, work) or conclude_case(conn, edges, run, opened)
        fault_points.point("upsert.before_commit")
    fault_points.point("upsert.after_commit")
    return result


def open_case(
    edges: Edges, run: Run, district: District, id_: str, work: str, screened: Screened | None = None
) -> Case | SyncResult:
    """Claim a delivery and get its rows, judged by today's rules; or its result, when there is nothing to conclude.

    `work`: what `failure_noted` gave.
    """
    with transaction(edges, district.code) as conn:
        result = settled_result(conn, run, district.code, id_)
        if result is not None:
            return result
        token = take(conn, edges, run, id_, work)
        # A copy of this task, or another run, may have committed while we waited for the row.
        result = settled_result(conn, run, district.code, id_) or done_meanwhile(conn, run, district.code, id_)
        delivery = ledger.delivery_of(conn, district.code, id_)
        findings = screened.findings if screened else ledger.findings_of(conn, id_, delivery.attempts, "file")
        if result is not None:
            ledger.end_work(conn, id_, work)
            return result
    check_kills(delivery, work)
    if not delivery.attempts:
        raise LedgerMismatch(f"Delivery {id_} has not been validated.", hint="Clear the district's validate task.")
    if not is_validated(delivery, district, findings):
        return _validated_again(edges, run, district, delivery, token)
    return _case(district, delivery, token, screened or read_again(edges.landing, district, delivery, findings))


def _case(district: District, delivery: Delivery, token: int, screened: Screened) -> Case:
    return Case(
        district=district, dictionary=dictionary_of(district), delivery=delivery, token=token, screened=screened
    )


def _validated_again(edges: Edges, run: Run, district: District, delivery: Delivery, token: int) -> Case | SyncResult:
    """The rules changed since, or findings were swept: what is stored does not fit the rows any more."""
    validated: Validated = screen_delivery(edges, run, district, delivery, token)
    if validated.result is not None or validated.screened is None:
        return validated.result or SyncResult(district=district.code, delivery=delivery.id, outcome=Outcome.FAILED)
    with transaction(edges, district.code) as conn:
        current = ledger.delivery_of(conn, district.code, delivery.id)
    return _case(district, current, token, validated.screened)


def conclude_case(conn: Connection, edges: Edges, run: Run, case: Case) -> SyncResult:
    """Judge and apply; when another district took an address meanwhile, roll back to here and judge again.

    What the database refuses even so is left out and named.
    The caller holds the district's lock and has made sure that the case is still open.
    """
    # The clock is read once: whatever is planned, noted and compared later, is of the same day.
    return _try_to_judge(conn, edges, run, case, plan_context(edges, case.district, case.dictionary), RACES)


def _try_to_judge(
    conn: Connection, edges: Edges, run: Run, case: Case, context: PlanContext, chances: int
) -> SyncResult:
    try:
        with conn.begin_nested():
            return _judge(conn, edges, run, case, context)
    except DBAPIError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
    if chances and refusal.sqlstate == UNIQUE_VIOLATION:
        return _try_to_judge(conn, edges, run, case, context, chances - 1)
    screened, refused = without_refused(conn, context, case.screened, case.delivery.id)
    return _judge(conn, edges, run, replace(case, screened=screened, refused=refused), context)


def _judge(conn: Connection, edges: Edges, run: Run, case: Case, context: PlanContext) -> SyncResult:
    """Plan, and apply unless there is nothing to do or a person must look first."""
    left_out = frozenset[int]() if run.force else ledger.left_out_lines(conn, case.delivery.id)
    plan = plan_approved(conn, context, case.screened, case.approval, left_out)
    fault_points.point("upsert.after_plan")
    own = (*plan.findings, *holds(conn, edges, run, case.district, case.delivery, plan, case.approval), *case.refused)
    came_to = judgement(plan, (*certain(case.screened.findings), *own))
    last = ledger.latest_attempt(conn, case.delivery.id)
    if last and not run.force and is_nothing_new(conn, last, came_to):
        _mark_judged(conn, case, DeliveryState.APPLIED, case.delivery.attempts, context)
        return _duplicate(conn, edges, run, case, last, came_to)
    number = _number(conn, case, last)
    held = came_to.outcome is Outcome.HELD
    if held:
        applying.keep(plan, delivery=case.delivery.id, attempt=number)
    else:
        applying.apply(plan, delivery=case.delivery.id, attempt=number, actor=run.actor)
        supersede(conn, edges, case.delivery, plan)
    fault_points.point("upsert.after_write")
    ledger.store_findings(
        conn,
        code=case.district.code,
        delivery_id=case.delivery.id,
        attempt=number,
        stage="roster",
        findings=own,
    )
    _mark_judged(conn, case, DeliveryState.HELD if held else DeliveryState.APPLIED, number, context)
    _record(conn, edges, run, case, number, came_to, plan.left_out_lines)
    tell(conn, edges, case.district, case.delivery, number, came_to, case.screened.reading)
    result = judged(case.district.code, case.delivery.id, number, came_to)
    return replace(result, left_out=len(plan.left_out_lines))


def _duplicate(conn: Connection, edges: Edges, run: Run, case: Case, last: Attempt, came_to: Judgement) -> SyncResult:
    delivery = case.delivery
    settle(conn, run, case.district.code, delivery.id, Outcome.DUPLICATE)
    if ledger.arrived_anew(conn, run.dag_id, run.run_id, delivery.id):
        tell_nothing_new(conn, edges, case.district, delivery)
    return result_of(case.district.code, last, came_to.findings, Outcome.DUPLICATE)


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
    conn: Connection, edges: Edges, run: Run, case: Case, number: int, came_to: Judgement, left_out: Sequence[int]
) -> None:
    settle(conn, run, case.district.code, case.delivery.id, came_to.outcome)
    ledger.record_attempt(
        conn,
        code=case.district.code,
        delivery_id=case.delivery.id,
        number=number,
        judgement=came_to,
        conditions=case.delivery.conditions,
        roster_version=ledger.roster_version(conn, case.district.code),
        actor=run.actor,
        ended_at=edges.clock(),
        forced_reason=run.reason if run.force else None,
        left_out_lines=left_out,
    )


def _mark_judged(conn: Connection, case: Case, state: DeliveryState, number: int, context: PlanContext) -> None:
    """Note under which roster version and for which day the plan was made."""
    version = ledger.roster_version(conn, case.district.code)
    ledger.mark_judged(
        conn, case.delivery.id, state=state, attempt=number, roster_version=version, judged_on=context.today
    )

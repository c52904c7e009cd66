"""Why a delivery waits for a person, and what an approval makes of its plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import ledger, planning
from rostersync.catalogue.findings import make_finding
from rostersync.ledger import Delivery, Waiting
from rostersync.model import DeliveryState, Finding, Screened
from rostersync.pipeline.context import Run, Services, day_began
from rostersync.pipeline.file_verdict import plan_screened
from rostersync.pipeline.known_content import is_older
from rostersync.planning import ExcludedRows, Plan, PlanContext

if TYPE_CHECKING:
    from rostersync.configuration.districts import District


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What a person approved: the plan they saw, but nothing of these schools."""

    seen: Waiting
    without_schools: tuple[str, ...] = ()


def plan_approved(
    conn: Connection,
    context: PlanContext,
    screened: Screened,
    approval: Approval | None,
    left_out_before: frozenset[int],
) -> Plan:
    """The plan of a file. After an approval without the rows it left out, and those that newer deliveries overtook.

    What is left out may leave other changes in the way of newer ones (a person's status): until nothing is.
    `left_out_before`: lines that an earlier approval left out, which stay so.
    """
    if approval is None:
        return plan_screened(conn, context, screened, ExcludedRows(left_out_before=left_out_before))
    seen, lines = approval.seen, frozenset[int]()
    while True:
        aside = ExcludedRows(schools=approval.without_schools, lines=lines, left_out_before=left_out_before)
        plan = plan_screened(conn, context, screened, aside)
        more = planning.lines_overtaken_since(plan.workspace, seen.sequence, seen.roster_version)
        if not more:
            return plan
        lines |= more


def holds(
    conn: Connection,
    services: Services,
    run: Run,
    district: District,
    delivery: Delivery,
    plan: Plan,
    approval: Approval | None,
) -> tuple[Finding, ...]:
    """Why a person must look first. Force passes an older file, never a mass change; an approval what it saw.

    Where no row could be applied there is nothing to approve.
    """
    new = 0 if approval is None else planning.changes_not_in_plan(plan.workspace, delivery.id, approval.seen.attempt)
    if not plan.rows.accepted or (approval is not None and not new):
        return ()
    since = day_began(services, district)
    together = ledger.applied_together(conn, district.code, since=since, delivery_id=delivery.id)
    mass = planning.find_holds(plan, district.holds, together)
    if approval is not None:
        return (make_finding("hold-changed", count=new), *mass)
    if run.force or not district.holds.older_file or not is_older(conn, delivery):
        return mass
    return (*mass, make_finding("hold-older-file"))


def supersede(conn: Connection, services: Services, applied: Delivery, plan: Plan) -> None:
    """Older held deliveries of the district whose every key this applied one names need nobody's decision any more."""
    older = {
        waiting.delivery: waiting.attempt
        for waiting in ledger.waiting(conn, applied.district)
        if waiting.sequence < applied.sequence and waiting.delivery != applied.id
    }
    gone = planning.fully_replaced_deliveries(plan.workspace, older)
    if gone:
        by = f"delivery {applied.id}"
        ledger.mark_decided(conn, gone, DeliveryState.SUPERSEDED, by=by, at=services.clock())

"""Dry run: the same stages, stopped after the plan. Nothing is written; the transaction is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import ledger, planning
from rostersync.catalogue.findings import certain
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Evaluation, Screened
from rostersync.pipeline.context import Services, day_began, dictionary_of, rolled_back_planning, today
from rostersync.pipeline.file_verdict import (
    absent_people_of_file,
    evaluate_plan,
    plan_screened,
    read_landed,
    refused_evaluation,
    screen_landed_bytes,
)
from rostersync.pipeline.results import SyncResult, evaluated_result

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

DRY_RUN = "dry-run:"
"""Marks an id that stands for landed bytes without a row in the ledger; the SHA-256 follows."""


def screen_landed(services: Services, district: District, tried: str) -> Screened:
    """The file rules' judgement of a dry run's bytes."""
    dictionary = dictionary_of(district)
    data = services.landing.read(district.code, tried.removeprefix(DRY_RUN))
    return screen_landed_bytes(read_landed(data, dictionary, district), dictionary, district)


def dry_run_delivery(services: Services, district: District, tried: str) -> SyncResult:
    """What an apply of these bytes would come to just now."""
    screened = screen_landed(services, district, tried)
    id_ = ledger.delivery_id(district.code, tried.removeprefix(DRY_RUN))
    if screened.refused:
        return evaluated_result(district.code, id_, None, refused_evaluation(screened))
    return evaluated_result(
        district.code, id_, None, plan_and_roll_back(services, district, dictionary_of(district), screened, id_)
    )


def plan_and_roll_back(
    services: Services, district: District, dictionary: Dictionary, screened: Screened, id_: str = ""
) -> Evaluation:
    """Plan under the district's lock, and roll back. `id_`: what delivery the bytes are, or would be."""
    with rolled_back_planning(services, district.code) as conn:
        ledger.ensure_district(conn, district.code, district.name)
        planning.lock_district(conn, district.code, services.lock_seconds)
        plan = plan_for(conn, services, district, dictionary, screened)
        together = ledger.applied_together(conn, district.code, since=day_began(services, district), delivery_id=id_)
        holds = planning.find_holds(plan, district.holds, together)
        absent = None if holds else absent_people_of_file(plan, screened, district)
        remarks = (absent.finding(),) if absent else ()
        return evaluate_plan(plan, (*certain(screened.findings), *plan.findings, *holds, *remarks))


def plan_for(
    conn: Connection, services: Services, district: District, dictionary: Dictionary, screened: Screened
) -> planning.Plan:
    """The plan of screened rows by the district's rules, today."""
    return plan_screened(conn, plan_context(services, district, dictionary), screened)


def plan_context(services: Services, district: District, dictionary: Dictionary) -> planning.PlanContext:
    """Whose file it is and by which rules the plan is made."""
    return planning.PlanContext(
        district=district.code,
        dictionary=dictionary,
        today=today(services, district),
        school_creation=district.policies.school_creation,
    )

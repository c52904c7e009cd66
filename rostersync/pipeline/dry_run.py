"""Dry run: the same stages, stopped after the plan. Nothing is written; the transaction is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import ledger, planning
from rostersync.catalogue.findings import certain
from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Judgement, Screened
from rostersync.pipeline.context import Edges, day_began, dictionary_of, rehearsal, today
from rostersync.pipeline.file_verdict import judgement, plan_screened, read, refusal, screen
from rostersync.pipeline.results import SyncResult, judged

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

DRY_RUN = "dry-run:"
"""Marks an id that stands for landed bytes without a row in the ledger; the SHA-256 follows."""


def screen_landed(edges: Edges, district: District, tried: str) -> Screened:
    """The file rules' judgement of a dry run's bytes."""
    dictionary = dictionary_of(district)
    data = edges.landing.read(district.code, tried.removeprefix(DRY_RUN))
    return screen(read(data, dictionary, district), dictionary, district)


def try_out(edges: Edges, district: District, tried: str) -> SyncResult:
    """What an apply of these bytes would come to just now."""
    screened = screen_landed(edges, district, tried)
    id_ = ledger.delivery_id(district.code, tried.removeprefix(DRY_RUN))
    if screened.refused:
        return judged(district.code, id_, None, refusal(screened))
    return judged(district.code, id_, None, rehearse(edges, district, dictionary_of(district), screened, id_))


def rehearse(edges: Edges, district: District, dictionary: Dictionary, screened: Screened, id_: str = "") -> Judgement:
    """Plan under the district's lock, and roll back. `id_`: what delivery the bytes are, or would be."""
    with rehearsal(edges, district.code) as conn:
        ledger.ensure_district(conn, district.code, district.name)
        planning.lock_district(conn, district.code, edges.lock_seconds)
        plan = plan_for(conn, edges, district, dictionary, screened)
        together = ledger.applied_together(conn, district.code, since=day_began(edges, district), delivery_id=id_)
        holds = planning.judge_holds(plan, district.holds, together)
        return judgement(plan, (*certain(screened.findings), *plan.findings, *holds))


def plan_for(
    conn: Connection, edges: Edges, district: District, dictionary: Dictionary, screened: Screened
) -> planning.Plan:
    """The plan of screened rows by the district's rules, today."""
    return plan_screened(conn, plan_context(edges, district, dictionary), screened)


def plan_context(edges: Edges, district: District, dictionary: Dictionary) -> planning.PlanContext:
    """Whose file it is and by which rules the plan is made."""
    return planning.PlanContext(
        district=district.code,
        dictionary=dictionary,
        today=today(edges, district),
        school_creation=district.policies.school_creation,
    )

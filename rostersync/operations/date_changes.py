"""Passing days: dated assignments start and end on their day, in every district, whether a file came or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rostersync import applying, fault_points, ledger, planning
from rostersync.model import Dated
from rostersync.pipeline.context import Edges, dictionary_of, planning_transaction, today, transaction
from rostersync.planning import PlanContext

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

SCHEDULE = "schedule"
"""Who the change log says did it."""


def pass_days(edges: Edges, district: District) -> Dated:
    """Start and end what the district's calendar says, in one transaction under its lock; what that came to.

    However many days passed without it, once is enough; once more the same day does nothing.
    Raises DistrictBusy, DatabaseUnavailable, PlanMismatch.
    """
    day = today(edges, district)
    context = PlanContext(district=district.code, dictionary=dictionary_of(district), today=day)
    with planning_transaction(edges, district.code) as conn:
        planning.lock_district(conn, district.code, edges.lock_seconds)
        passed = planning.pass_days(conn, context)
        plan, dated = passed or (None, Dated())
        if plan is not None:
            applying.apply(plan, delivery=None, attempt=None, actor=SCHEDULE)
        ledger.record_dated(conn, district.code, day, dated, at=edges.clock())
        fault_points.point("dates.before_commit")
    return dated


def days_due(edges: Edges, known: Mapping[str, District], *, again: bool = False) -> list[str]:
    """Codes of the districts that the roster knows and whose present day was not gone through yet (`again`: of all)."""
    with transaction(edges, None) as conn:
        done, there = ledger.dated_until(conn), set(ledger.known_districts(conn))
    return [
        code
        for code, district in known.items()
        if code in there and (again or done.get(code) != today(edges, district))
    ]

"""Passing days: dated assignments start and end on their day, in every district, whether a file came or not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rostersync import applying, fault_points, ledger, planning
from rostersync.model import DateChanges
from rostersync.pipeline.context import Services, dictionary_of, district_transaction, planning_transaction, today
from rostersync.planning import PlanContext

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

SCHEDULE = "schedule"
"""Who the change log says did it."""


def apply_district_date_changes(services: Services, district: District) -> DateChanges:
    """Start and end what the district's calendar says, in one transaction under its lock; what that came to.

    However many days passed without it, once is enough; once more the same day does nothing.
    Raises DistrictBusy, DatabaseUnavailable, PlanMismatch.
    """
    day = today(services, district)
    context = PlanContext(district=district.code, dictionary=dictionary_of(district), today=day)
    with planning_transaction(services, district.code) as conn:
        planning.lock_district(conn, district.code, services.lock_seconds)
        passed = planning.apply_date_changes(conn, context)
        plan, dated = passed or (None, DateChanges())
        if plan is not None:
            applying.apply(plan, delivery=None, attempt=None, actor=SCHEDULE)
        ledger.record_dated(conn, district.code, day, dated, at=services.clock())
        fault_points.reached("dates.before_commit")
    return dated


def days_due(services: Services, known: Mapping[str, District], *, again: bool = False) -> list[str]:
    """Codes of the districts that the roster knows and whose present day was not gone through yet (`again`: of all)."""
    with district_transaction(services, None) as conn:
        done, there = ledger.dated_until(conn), set(ledger.known_districts(conn))
    return [
        code
        for code, district in known.items()
        if code in there and (again or done.get(code) != today(services, district))
    ]

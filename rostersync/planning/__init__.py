"""Accepted rows → roster rules and the change plan, in SQL, under the district's lock. Writes only temporary tables."""

from __future__ import annotations

from rostersync.planning.absent_people import CODE as PEOPLE_NOT_IN_FILE
from rostersync.planning.absent_people import MEANT_TO_BE_COMPLETE, AbsentPeople, find_absent_people
from rostersync.planning.change_plan import Plan, apply_date_changes, lock_district, plan
from rostersync.planning.district_schools import schools_of
from rostersync.planning.rules.excluded_rows import ExcludedRows
from rostersync.planning.rules.mass_changes import find_holds
from rostersync.planning.stored_plans import changes_not_in_plan, fully_replaced_deliveries, lines_overtaken_since
from rostersync.planning.workspace import PlanContext

__all__ = [
    "MEANT_TO_BE_COMPLETE",
    "PEOPLE_NOT_IN_FILE",
    "AbsentPeople",
    "ExcludedRows",
    "Plan",
    "PlanContext",
    "apply_date_changes",
    "changes_not_in_plan",
    "find_absent_people",
    "find_holds",
    "fully_replaced_deliveries",
    "lines_overtaken_since",
    "lock_district",
    "plan",
    "schools_of",
]

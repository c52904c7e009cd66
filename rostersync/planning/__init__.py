"""Accepted rows → roster rules and the change plan, in SQL, under the district's lock. Writes only temporary tables."""

from __future__ import annotations

from rostersync.planning.change_plan import Plan, lock_district, pass_days, plan
from rostersync.planning.district_schools import schools_of
from rostersync.planning.rules.excluded_rows import Aside
from rostersync.planning.rules.mass_changes import judge_holds
from rostersync.planning.stored_plans import covered, lines_in_the_way, unseen
from rostersync.planning.workspace import PlanContext

__all__ = [
    "Aside",
    "Plan",
    "PlanContext",
    "covered",
    "judge_holds",
    "lines_in_the_way",
    "lock_district",
    "pass_days",
    "plan",
    "schools_of",
    "unseen",
]

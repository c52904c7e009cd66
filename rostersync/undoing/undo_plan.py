"""An undo's plan: which records get back what they were before some applied attempts of a delivery, and what is left.

Writes nothing but temporary tables; `applying.put_back` writes the plan. The caller owns the transaction and holds the
district's lock. Field by field (safety page, "Undo and explain"): a value is put back where it still is the one that
the attempt wrote; what the attempt created ends; whatever else has happened since stays, and is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select, update

from rostersync.model import Correction, Left
from rostersync.planning.workspace import PlanContext, Workspace
from rostersync.undoing.changed_records import load_present, trace
from rostersync.undoing.conflicts import settle
from rostersync.undoing.old_values import restore
from rostersync.undoing.summary import count_records, list_left
from rostersync.undoing.workspace import Undoing, open_undoing


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """`counts`: entity → restored, deactivated, left → records. `workspace` is good until the transaction ends."""

    workspace: Workspace
    counts: Mapping[str, Mapping[str, int]]
    left: tuple[Left, ...]


def plan_undo(
    conn: Connection,
    context: PlanContext,
    *,
    delivery: str,
    attempts: Sequence[int],
    corrections: Sequence[Correction] = (),
) -> UndoPlan:
    """Plan to undo these attempts, given newest first.

    `corrections`: every ID of the district that was corrected since the oldest of them, in order.
    """
    u = open_undoing(conn, context, delivery)
    trace(u, attempts, corrections)
    load_present(u)
    for number in attempts:
        restore(u, number)
    for plan in u.ws.plans.values():
        # By the statistics of before nothing would end, and every search for what does were a loop over all.
        u.ws.analyze(plan)
    settle(u)
    left = list_left(u)
    _turn_ids(u)
    _decide(u)
    return UndoPlan(workspace=u.ws, counts=count_records(u), left=left)


def _turn_ids(u: Undoing) -> None:
    """From here on keys are those after the undo, as `applying` wants them: IDs are given back first."""
    people = u.ws.plans["person"]
    if not u.conn.scalar(select(func.count()).where(people.c.old_user_id.is_not(None))):
        return
    for name in ("placement", "enrollment"):
        plan = u.ws.plans[name]
        mine = (plan.c.user_id == people.c.user_id, people.c.old_user_id.is_not(None))
        u.conn.execute(update(plan).values(user_id=people.c.old_user_id).where(*mine))
    turned = update(people).values(user_id=people.c.old_user_id, old_user_id=people.c.user_id)
    u.conn.execute(turned.where(people.c.old_user_id.is_not(None)))


def _decide(u: Undoing) -> None:
    """The action of each record, in the words of a plan."""
    for name, shape in u.ws.shapes.items():
        plan = u.ws.plans[name]
        differs = [plan.c[f"old_{a}"].is_distinct_from(plan.c[f"new_{a}"]) for a in shape.attributes]
        differs += [plan.c.old_user_id.is_not(None)] if "old_user_id" in plan.c else []
        ends = plan.c.old_status.in_(shape.live) & plan.c.new_status.not_in(shape.live)
        action = case((ends, "removed"), *((each, "updated") for each in differs), else_="unchanged")
        u.conn.execute(update(plan).values(action=action))

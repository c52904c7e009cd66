"""An undo's plan: which records get back what they were before some applied attempts of a delivery, and what is left.

Writes nothing but temporary tables; `applying.put_back` writes the plan. The caller owns the transaction and holds the
district's lock. Field by field (docs/rules/undo.md): a value is put back where it still is the one that
the attempt wrote; what the attempt created ends; whatever else has happened since stays, and is listed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, case, func, select, update

from rostersync.model import Correction, NotRestored
from rostersync.planning.workspace import PlanContext, Workspace
from rostersync.undoing.changed_records import load_present, trace_changes
from rostersync.undoing.conflicts import resolve_conflicts
from rostersync.undoing.old_values import restore
from rostersync.undoing.summary import count_records, list_left
from rostersync.undoing.workspace import UndoWorkspace, open_undoing


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPlan:
    """`counts`: entity → restored, deactivated, left → records. `workspace` is good until the transaction ends."""

    workspace: Workspace
    counts: Mapping[str, Mapping[str, int]]
    left: tuple[NotRestored, ...]


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
    undo = open_undoing(conn, context, delivery)
    trace_changes(undo, attempts, corrections)
    load_present(undo)
    for number in attempts:
        restore(undo, number)
    for plan in undo.ws.plans.values():
        # By the statistics of before nothing would end, and every search for what does were a loop over all.
        undo.ws.analyze(plan)
    resolve_conflicts(undo)
    left = list_left(undo)
    _turn_ids(undo)
    _decide(undo)
    return UndoPlan(workspace=undo.ws, counts=count_records(undo), left=left)


def _turn_ids(undo: UndoWorkspace) -> None:
    """From here on keys are those after the undo, as `applying` wants them: IDs are given back first."""
    people = undo.ws.plans["person"]
    if not undo.conn.scalar(select(func.count()).where(people.c.old_user_id.is_not(None))):
        return
    for name in ("placement", "enrollment"):
        plan = undo.ws.plans[name]
        mine = (plan.c.user_id == people.c.user_id, people.c.old_user_id.is_not(None))
        undo.conn.execute(update(plan).values(user_id=people.c.old_user_id).where(*mine))
    turned = update(people).values(user_id=people.c.old_user_id, old_user_id=people.c.user_id)
    undo.conn.execute(turned.where(people.c.old_user_id.is_not(None)))


def _decide(undo: UndoWorkspace) -> None:
    """The action of each record, in the words of a plan."""
    for name, shape in undo.ws.shapes.items():
        plan = undo.ws.plans[name]
        differs = [plan.c[f"old_{a}"].is_distinct_from(plan.c[f"new_{a}"]) for a in shape.attributes]
        differs += [plan.c.old_user_id.is_not(None)] if "old_user_id" in plan.c else []
        ends = plan.c.old_status.in_(shape.live) & plan.c.new_status.not_in(shape.live)
        action = case((ends, "removed"), *((differ, "updated") for differ in differs), else_="unchanged")
        undo.conn.execute(update(plan).values(action=action))

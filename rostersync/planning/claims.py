"""E-mail addresses and secondary IDs: judged against the roster as it will be after the accepted rows.

Two people may swap addresses in one file; a row that claims what somebody keeps is rejected, and its rejection may
leave another claim without ground: so it is judged until nothing changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
)

from rostersync import tables as t
from rostersync.planning.rules import LIVE, Found
from rostersync.planning.workspace import Workspace, finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """An attribute that only one active person may have, in the district or (e-mail) everywhere."""

    header: str
    attribute: str
    active: str
    code: str
    everywhere: bool = False

    def asked(self, rows: FromClause) -> ColumnElement[Any]:
        """What a staged row asks for; NULL when the file has no such column."""
        name = "email_key" if self.attribute == "email_key" else self.header
        return rows.c[name] if name in rows.c else cast(null(), Text)


UNIQUE = (
    Unique(header="userEmail", attribute="email_key", active="active_email_key", code="email-taken", everywhere=True),
    Unique(
        header="userDistrictId", attribute="user_district_id", active="active_district_id", code="secondary-id-taken"
    ),
    Unique(header="userStateId", attribute="user_state_id", active="active_state_id", code="secondary-id-taken"),
)


def judge_claims(ws: Workspace) -> None:
    """Reject rows that claim what somebody else will hold, until nothing changes."""
    while sum(ws.note(_taken(ws, unique)) for unique in UNIQUE):
        ws.reject()
    _drop_corrections(ws)


def _taken(ws: Workspace, unique: Unique) -> Found:
    claim = _claims(ws, unique)
    rivals = func.count().over(partition_by=claim.c.value)
    rival = func.min(claim.c.user_id).over(partition_by=claim.c.value)
    last = func.max(claim.c.user_id).over(partition_by=claim.c.value)
    other = case((rivals > 1, case((rival != claim.c.user_id, rival), else_=last)))
    everyone = select(claim, other.label("rival")).where(claim.c.value.is_not(None)).subquery("everyone")
    asked = everyone.c.value.is_distinct_from(everyone.c.stored)
    holder = _holder(ws, unique, everyone)
    taken = select(everyone.c.user_id, holder.label("holder")).where(asked).subquery("taken")
    line, column, code, severity, detail = finding(
        ws, unique.header, unique.code, "row", user_id=func.nullif(taken.c.holder, "")
    )
    return (
        select(line, column, code, severity, func.jsonb_strip_nulls(detail))
        .select_from(ws.stage.join(taken, taken.c.user_id == ws.cell("userId")))
        .where(ws.adds, taken.c.holder.is_not(None))
    )


def _claims(ws: Workspace, unique: Unique) -> CTE:
    """user_id (typed), person (present key), value asked for, value held now: one line for each file person."""
    p, fix = t.person, ws.correction
    current = func.coalesce(fix.c.old_user_id, ws.cell("userId"))
    rows = ws.stage.outerjoin(fix, fix.c.user_id == ws.cell("userId")).outerjoin(
        p, and_(p.c.district == ws.district, p.c.user_id == current)
    )
    return (
        select(
            ws.cell("userId").label("user_id"),
            func.max(current).label("person"),
            # A blank cell keeps the stored value, which somebody else may have got while the person was inactive.
            func.coalesce(func.max(unique.asked(ws.stage)), func.max(p.c[unique.attribute])).label("value"),
            func.max(p.c[unique.active]).label("stored"),
        )
        .select_from(rows)
        .where(ws.adds, func.coalesce(p.c.owner, "file") == "file")
        .group_by(ws.cell("userId"))
        .cte(f"claim_{unique.attribute}")
    )


def _holder(ws: Workspace, unique: Unique, claim: FromClause) -> ColumnElement[Any]:
    """Who will hold the value: a userId of this district, "" for another district's person, or NULL for nobody."""
    p, other = t.person.alias("holder"), t.person.alias("elsewhere")
    mine = (
        select(func.min(p.c.user_id))
        .where(p.c[unique.active] == claim.c.value, p.c.district == ws.district, p.c.user_id != claim.c.person)
        .where(not_(_gives_up(ws, unique, p)), not_(_leaves(ws, p)))
        .scalar_subquery()
    )
    if not unique.everywhere:
        return func.coalesce(mine, claim.c.rival)
    theirs = (
        select(literal(""))
        .where(other.c.active_email_key == claim.c.value, other.c.district != ws.district)
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(mine, claim.c.rival, theirs)


def _gives_up(ws: Workspace, unique: Unique, p: FromClause) -> ColumnElement[Any]:
    """An accepted row of the file gives this person another value."""
    row, fix = ws.stage.alias("row"), ws.correction.alias("renamed")
    # Two levels down: SQLAlchemy correlates only with the nearest SELECT unless told.
    renamed = select(fix.c.user_id).where(fix.c.old_user_id == p.c.user_id).correlate(p).scalar_subquery()
    mine = row.c.userId == func.coalesce(renamed, p.c.user_id)
    accepted = and_(row.c.status == "accepted", row.c.action.is_(None))
    return and_(p.c.owner == "file", exists().where(mine, accepted, unique.asked(row) != p.c[unique.attribute]))


def _leaves(ws: Workspace, p: FromClause) -> ColumnElement[Any]:
    """The person's last live placement is removed by this file, and no accepted row keeps them."""
    row, kept = ws.stage.alias("row"), t.placement.alias("kept")
    accepted = and_(row.c.userId == p.c.user_id, row.c.status == "accepted")
    removed = and_(accepted, row.c.action == "REMOVE-USER")
    live = and_(kept.c.district == p.c.district, kept.c.user_id == p.c.user_id, kept.c.status.in_(LIVE))
    # Two levels down again: without the word the person would be anybody.
    there = and_(removed, row.c.schoolId == kept.c.school_id)
    removed_there = select(row.c.line).where(there).correlate(p, kept).exists()
    return and_(
        p.c.owner == "file",
        exists().where(removed),
        not_(exists().where(accepted, row.c.action.is_(None))),
        not_(exists().where(live, or_(not_(removed_there), kept.c.owner != "file"))),
    )


def _drop_corrections(ws: Workspace) -> None:
    """Forget corrections whose rows were all rejected."""
    stays = exists().where(ws.adds, ws.cell("userId") == ws.correction.c.user_id)
    ws.conn.execute(delete(ws.correction).where(not_(stays)))

"""The oracle of claims: addresses and secondary IDs judged anew in every round, until nothing changes.

Slow (three statements a round, as many rounds as a chain is long), and word for word what the rule says: so the
program judged them before a shifted column was found to take hours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    Text,
    and_,
    case,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.planning.predicates import LIVE, FindingSelect, known_as
from rostersync.planning.rules.unique_attributes import UNIQUE, Unique, is_asked
from rostersync.planning.workspace import Workspace, row_finding_columns


def judge_claims_in_rounds(ws: Workspace) -> None:
    """Reject rows that claim what somebody else will hold, until nothing changes."""
    ws.conn.execute(insert(ws.claim).from_select(list(ws.claim.c.keys()), _claims(ws)))
    ws.analyze(ws.claim)
    while sum(ws.record_findings(_taken(ws, unique)) for unique in UNIQUE):
        ws.reject()
        stays = exists().where(ws.adds, ws.cell("userId") == ws.claim.c.user_id)
        ws.conn.execute(delete(ws.claim).where(not_(stays)))
    _drop_corrections(ws)


def _claims(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """user_id (typed), person (present key), and for each attribute the value asked for and the one held now.

    One line for each file person who asks for something they do not hold.
    """
    p, fix = t.person, ws.correction
    current = known_as(fix, ws.cell("userId"))
    rows = ws.stage.outerjoin(fix, fix.c.user_id == ws.cell("userId")).outerjoin(
        p, and_(p.c.district == ws.district, p.c.user_id == current)
    )
    every = (
        select(
            ws.cell("userId").label("user_id"),
            func.any_value(current).label("person"),
            *(value for unique in UNIQUE for value in _asked_and_held(ws, unique)),
        )
        .select_from(rows)
        .where(ws.adds, func.coalesce(p.c.owner, "file") == "file")
        .group_by(ws.cell("userId"))
        .subquery("every")
    )
    return select(every).where(or_(*(is_asked(every, unique) for unique in UNIQUE)))


def _asked_and_held(ws: Workspace, unique: Unique) -> Iterator[ColumnElement[Any]]:
    stored = func.any_value(t.person.c[unique.attribute])
    # A blank cell keeps the stored value, which somebody else may have got while the person was inactive.
    yield func.coalesce(func.any_value(unique.asked(ws.stage, t.person)), stored).label(unique.attribute)
    yield func.any_value(t.person.c[unique.active]).label(f"held_{unique.attribute}")


def _taken(ws: Workspace, unique: Unique) -> FindingSelect:
    """Findings for all rows of the people who claim what another has or claims; `user_id` is the other, if ours."""
    holder = union_all(*_holders(ws, unique)).subquery("holder")
    first = (
        select(holder).ext(distinct_on(holder.c.user_id)).order_by(*holder.c["user_id", "rank", "held_by"])
    ).subquery("first")
    line, column, code, severity, detail = row_finding_columns(
        ws, unique.header, unique.code, "row", user_id=first.c.held_by
    )
    return (
        select(line, column, code, severity, func.jsonb_strip_nulls(detail))
        .select_from(ws.stage.join(first, first.c.user_id == ws.cell("userId")))
        .where(ws.adds)
    )


def _holders(ws: Workspace, unique: Unique) -> Iterator[Select[*tuple[Any, ...]]]:
    """user_id, held_by (a userId of this district; NULL for another district's person), rank (the first counts)."""
    yield _kept_by_others(ws, unique)
    yield _other_claimants(ws, unique)
    if unique.everywhere:
        yield _held_elsewhere(ws, unique)


def _kept_by_others(ws: Workspace, unique: Unique) -> Select[*tuple[Any, ...]]:
    claim, p = ws.claim, t.person.alias("holder")
    theirs = and_(p.c.district == ws.district, p.c.user_id != claim.c.person)
    joined = claim.join(p, and_(p.c[unique.active] == claim.c[unique.attribute], theirs))
    keeps = and_(not_(_gives_up(ws, unique, p)), not_(_leaves(ws, p)))
    rows = select(claim.c.user_id, p.c.user_id.label("held_by"), literal(1).label("rank"))
    return rows.select_from(joined).where(is_asked(claim, unique), keeps)


def _other_claimants(ws: Workspace, unique: Unique) -> Select[*tuple[Any, ...]]:
    """People of the file who claim the same: each is told one other, as pairs would grow with the square."""
    claim, value = ws.claim, ws.claim.c[unique.attribute]
    first, last = func.min(claim.c.user_id).label("first"), func.max(claim.c.user_id).label("last")
    asked = select(value.label("value"), first, last).where(is_asked(claim, unique)).group_by(value)
    several = asked.having(func.count() > 1).subquery("several")
    other = case((several.c.first != claim.c.user_id, several.c.first), else_=several.c.last)
    rows = select(claim.c.user_id, other.label("held_by"), literal(2).label("rank"))
    return rows.select_from(claim.join(several, several.c.value == value)).where(is_asked(claim, unique))


def _held_elsewhere(ws: Workspace, unique: Unique) -> Select[*tuple[Any, ...]]:
    """The one question that looks over the districts: which of the values asked for do people of others have?"""
    claim, new = ws.claim, ws.claim.alias("new")
    asked = select(func.array_agg(new.c[unique.attribute])).where(is_asked(new, unique)).scalar_subquery()
    taken = select(func.roster.taken_elsewhere(asked).column_valued("key"))
    rows = select(claim.c.user_id, cast(null(), Text).label("held_by"), literal(3).label("rank"))
    return rows.where(is_asked(claim, unique), claim.c[unique.attribute].in_(taken))


def _gives_up(ws: Workspace, unique: Unique, p: FromClause) -> ColumnElement[Any]:
    """An accepted row of the file gives this person another value."""
    row, fix = ws.stage.alias("row"), ws.correction.alias("renamed")
    # Two levels down: SQLAlchemy correlates only with the nearest SELECT unless told.
    renamed = select(fix.c.user_id).where(fix.c.old_user_id == p.c.user_id).correlate(p).scalar_subquery()
    mine = row.c.userId == func.coalesce(renamed, p.c.user_id)
    accepted = and_(row.c.status == "accepted", row.c.action.is_(None))
    return and_(p.c.owner == "file", exists().where(mine, accepted, unique.asked(row, p) != p.c[unique.attribute]))


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

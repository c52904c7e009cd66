"""E-mail addresses and secondary IDs: judged against the roster as it will be after the accepted rows.

Two people may swap addresses in one file; a row that claims what somebody keeps is rejected, and its rejection may
leave another claim without ground: so it is judged until nothing changes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
    true,
    union_all,
)
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.model import Owner, Severity
from rostersync.planning.predicates import LIVE, FindingSelect, known_as
from rostersync.planning.rules.dependent_claims import Reliance, fallen_table, fallen_with
from rostersync.planning.rules.unique_attributes import UNIQUE, Unique, is_asked
from rostersync.planning.workspace import Workspace, row_finding_columns


def find_claim_violations(ws: Workspace) -> None:
    """Reject rows that claim what somebody else will hold, until nothing changes.

    The first round is judged in SQL. Whoever is rejected keeps what they have, and with them falls who relied on
    getting it: the values on which anybody relied so are looked up once, and followed from person to person.
    """
    ws.conn.execute(insert(ws.claim).from_select(list(ws.claim.c.keys()), _claims(ws)))
    ws.analyze(ws.claim)
    if sum(ws.record_findings(_taken(ws, unique)) for unique in UNIQUE):
        _reject_dependents(ws)
        ws.reject()
        stays = exists().where(ws.adds, ws.cell("userId") == ws.claim.c.user_id)
        ws.conn.execute(delete(ws.claim).where(not_(stays)))
    _drop_corrections(ws)


def _reject_dependents(ws: Workspace) -> None:
    """Findings for all who fall because somebody whom this round rejects does not give their value up."""
    codes = {unique.code for unique in UNIQUE}
    rejected = select(ws.cell("userId")).join(ws.rule_findings, ws.rule_findings.c.line == ws.stage.c.line)
    first = ws.conn.scalars(rejected.where(ws.rule_findings.c.code.in_(codes)).distinct()).all()
    reliances = [
        Reliance(claimant=row.user_id, header=unique.header, holder=row.held_by, releaser=row.releaser)
        for unique in UNIQUE
        for row in ws.conn.execute(_relying(ws, unique))
    ]
    fallen = fallen_with(first, reliances)
    if not fallen:
        return
    table = fallen_table(ws.conn, fallen)
    for unique in UNIQUE:
        ws.record_findings(_of_rows(ws, unique, table, table.c.header == unique.header))


def _claims(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """user_id (typed), person (present key), and for each attribute the value asked for and the one held now.

    One line for each file person who asks for something they do not hold.
    """
    person, correction = t.person, ws.correction
    current = known_as(correction, ws.cell("userId"))
    rows = ws.stage.outerjoin(correction, correction.c.user_id == ws.cell("userId")).outerjoin(
        person, and_(person.c.district == ws.district, person.c.user_id == current)
    )
    every = (
        select(
            ws.cell("userId").label("user_id"),
            func.any_value(current).label("person"),
            *(value for unique in UNIQUE for value in _asked_and_held(ws, unique)),
        )
        .select_from(rows)
        .where(ws.adds, func.coalesce(person.c.owner, Owner.FILE) == Owner.FILE)
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
    """`email-taken`, `secondary-id-taken`: an address or a secondary ID that somebody else has, or claims in this file.

    Example: `,0100,u1,…,ben@…` - ben@… is u2's, who keeps it: all rows of u1, the column; `user_id` is the other, if
    ours.
    """
    holder = union_all(*_holders(ws, unique)).subquery("holder")
    first = (
        select(holder).ext(distinct_on(holder.c.user_id)).order_by(*holder.c["user_id", "rank", "held_by"])
    ).subquery("first")
    return _of_rows(ws, unique, first, true())


def _of_rows(ws: Workspace, unique: Unique, taken: FromClause, which: ColumnElement[bool]) -> FindingSelect:
    """Findings for all rows of these people; `taken` gives user_id and held_by."""
    line, column, code, severity, detail = row_finding_columns(
        ws, unique.header, unique.code, Severity.ROW, user_id=taken.c.held_by
    )
    return (
        select(line, column, code, severity, func.jsonb_strip_nulls(detail))
        .select_from(ws.stage.join(taken, taken.c.user_id == ws.cell("userId")))
        .where(ws.adds, which)
    )


def _holders(ws: Workspace, unique: Unique) -> Iterator[Select[*tuple[Any, ...]]]:
    """user_id, held_by (a userId of this district; NULL for another district's person), rank (the first counts)."""
    yield _kept_by_others(ws, unique)
    yield _other_claimants(ws, unique)
    if unique.everywhere:
        yield _held_elsewhere(ws, unique)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Claims joined with those people of the district who have the value now.

    `releaser`: the userId by which the file names such a person, where it asks something for them. `releases_value`: it
    asks for another value. `loses_last_placement`: their last live placement is removed and no accepted row keeps them;
    `would_leave`: so it were, had they no accepted row.
    """

    joined: FromClause
    holder: ColumnElement[Any]
    releaser: ColumnElement[Any]
    releases_value: ColumnElement[bool]
    loses_last_placement: ColumnElement[bool]
    would_leave: ColumnElement[bool]


def _held(ws: Workspace, unique: Unique) -> _Held:
    """Joins, not searches for each claim: as many people as there are may have to be asked for."""
    claim, own, holder = ws.claim, ws.claim.alias("own"), t.person.alias("holder")
    renamed, leaver, kept = ws.correction.alias("renamed"), _leavers(ws), _named_by_additions(ws)
    typed = case((renamed.c.user_id.is_not(None), renamed.c.user_id), else_=holder.c.user_id)
    others = and_(holder.c.district == ws.district, holder.c.user_id != claim.c.person)
    joined = (
        claim.join(holder, and_(holder.c[unique.active] == claim.c[unique.attribute], others))
        .outerjoin(renamed, renamed.c.old_user_id == holder.c.user_id)
        .outerjoin(own, own.c.user_id == typed)
        .outerjoin(leaver, leaver.c.user_id == holder.c.user_id)
        .outerjoin(kept, kept.c.user_id == holder.c.user_id)
    )
    files = holder.c.owner == Owner.FILE
    would_leave = and_(files, leaver.c.user_id.is_not(None))
    return _Held(
        joined=joined,
        holder=holder.c.user_id,
        releaser=own.c.user_id,
        releases_value=and_(files, func.coalesce(own.c[unique.attribute] != holder.c[unique.attribute], False)),
        loses_last_placement=and_(would_leave, kept.c.user_id.is_(None)),
        would_leave=would_leave,
    )


def _kept_by_others(ws: Workspace, unique: Unique) -> Select[*tuple[Any, ...]]:
    held = _held(ws, unique)
    rows = select(ws.claim.c.user_id, held.holder.label("held_by"), literal(1).label("rank"))
    keeps = and_(not_(held.releases_value), not_(held.loses_last_placement))
    return rows.select_from(held.joined).where(is_asked(ws.claim, unique), keeps)


def _relying(ws: Workspace, unique: Unique) -> Select[*tuple[Any, ...]]:
    """user_id, held_by, releaser: claims that stand only as long as the rows of `releaser` are accepted."""
    held = _held(ws, unique)
    rows = select(ws.claim.c.user_id, held.holder.label("held_by"), held.releaser.label("releaser"))
    relies = and_(held.releases_value, not_(held.would_leave))
    return rows.select_from(held.joined).where(is_asked(ws.claim, unique), relies)


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


def _named_by_additions(ws: Workspace) -> FromClause:
    """user_id of everybody whom an accepted row adds or updates."""
    return select(ws.cell("userId").label("user_id")).where(ws.adds).distinct().subquery("kept")


def _leavers(ws: Workspace) -> FromClause:
    """user_id of people whose last live placement is removed by accepted rows; another owner's is never removed."""
    removal = select(ws.cell("userId").label("user_id"), ws.cell("schoolId").label("school_id"))
    removed = removal.where(ws.does("REMOVE-USER")).distinct().cte("removed")
    left_placement = t.placement.alias("left_placement")
    there = and_(removed.c.user_id == left_placement.c.user_id, removed.c.school_id == left_placement.c.school_id)
    people = select(removed.c.user_id).distinct().subquery("people")
    # How many of a person's live placements are not removed: counted, as a search for each person would be a loop.
    stays = func.count(left_placement.c.user_id).filter(
        or_(removed.c.user_id.is_(None), left_placement.c.owner != Owner.FILE)
    )
    live = and_(
        left_placement.c.district == ws.district,
        left_placement.c.user_id == people.c.user_id,
        left_placement.c.status.in_(LIVE),
    )
    joined = people.outerjoin(left_placement, live).outerjoin(removed, there)
    counted = select(people.c.user_id).select_from(joined).group_by(people.c.user_id).having(stays == 0)
    return counted.subquery("leaver")


def _drop_corrections(ws: Workspace) -> None:
    """Forget corrections whose rows were all rejected."""
    stays = exists().where(ws.adds, ws.cell("userId") == ws.correction.c.user_id)
    ws.conn.execute(delete(ws.correction).where(not_(stays)))

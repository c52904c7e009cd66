"""`action-person-differs`: a removal whose userId is one person's and whose name and e-mail cells are another's.

    REMOVE-USER,100,u1,,Ben,Miller,ben@...     u1 is Ana: removing her without a word would be wrong

Only filled cells speak; nobody needs to fill them. They are another's when all of them are those of one other person
of the district and not all the userId's own, or when several are filled and none is the userId's own. One cell alone
that nobody has may simply be new.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, case, exists, func, literal, or_, select, union_all

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Severity
from rostersync.planning.predicates import FindingSelect, person_of
from rostersync.planning.workspace import Workspace, row_finding_columns

CODE = "action-person-differs"


def removals_of_another(ws: Workspace) -> Iterator[FindingSelect]:
    """`action-person-differs`: a removal whose name and address are somebody else's than its userId's.

    Example: `REMOVE-USER,0100,u1,,Ben,Miller,ben@…` - u1 is Ana: the row, userId; `user_id`: whose the cells are, when
    known.
    """
    others = union_all(*_others(ws)).subquery("others")
    first = select(others.c.line, func.min(others.c.user_id).label("user_id")).group_by(others.c.line).subquery("other")
    line, column, code, severity, detail = row_finding_columns(
        ws, "userId", CODE, Severity.ROW, user_id=first.c.user_id
    )
    joined = ws.stage.join(t.person, person_of(ws)).outerjoin(first, first.c.line == ws.stage.c.line)
    theirs = and_(first.c.line.is_not(None), _not_all_own(ws))
    yield (
        select(line, column, code, severity, func.jsonb_strip_nulls(detail))
        .select_from(joined)
        .where(_removes_from_person(ws), or_(theirs, _none_own(ws)))
    )


def names_another(ws: Workspace) -> Condition:
    """The row was found to be such a removal: that its target is not there, or another's, would only follow."""
    found = ws.rule_findings.alias("differing")
    return exists().where(found.c.line == ws.stage.c.line, found.c.code == CODE)


def _removes_from_person(ws: Workspace) -> Condition:
    words = [name for name, spec in ws.dictionary.actions.items() if "userId" in spec.keys]
    return and_(ws.accepted, ws.cell("action").in_(words))


def _said(ws: Workspace) -> dict[str, ColumnElement[Any]]:
    """Attribute of a person → what the row says of it; letters' case aside."""
    return {
        "email_key": ws.stage.c.email_key,
        "last_name": func.lower(ws.cell("userLastName")),
        "first_name": func.lower(ws.cell("userFirstName")),
    }


def _stored(person: FromClause, attribute: str) -> ColumnElement[Any]:
    return person.c.email_key if attribute == "email_key" else func.lower(person.c[attribute])


def _not_all_own(ws: Workspace) -> Condition:
    """A filled cell is not the userId's own."""
    return or_(*(_differs(cell, attribute) for attribute, cell in _said(ws).items()))


def _differs(cell: ColumnElement[Any], attribute: str) -> Condition:
    return and_(cell.is_not(None), _stored(t.person, attribute).is_distinct_from(cell))


def _none_own(ws: Workspace) -> Condition:
    """Two or more cells are filled, and no one of them is the userId's own."""
    said = _said(ws)
    filled: ColumnElement[int] = literal(0)
    for cell in said.values():
        filled = filled + case((cell.is_not(None), 1), else_=0)
    foreign = (or_(cell.is_(None), _differs(cell, attribute)) for attribute, cell in said.items())
    return and_(filled >= 2, *foreign)


def _others(ws: Workspace) -> Iterator[Select[Any]]:
    """line, user_id: people whose are all the filled cells. Joined by the first one filled: that can be a hash join."""
    said, blank = _said(ws), list[Condition]()
    for by, cell in said.items():
        other = t.person.alias("other_person")
        rest = (or_(c.is_(None), _stored(other, a) == c) for a, c in said.items() if a != by)
        same = and_(other.c.district == ws.district, _stored(other, by) == cell, other.c.user_id != ws.cell("userId"))
        rows = select(ws.stage.c.line, other.c.user_id).select_from(ws.stage.join(other, same))
        yield rows.where(_removes_from_person(ws), *blank, *rest)
        blank.append(cell.is_(None))

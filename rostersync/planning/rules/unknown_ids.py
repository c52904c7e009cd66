"""Whom an unknown userId may mean: somebody whose ID was mistyped, or whose ID was corrected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, insert, not_, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.planning.predicates import person_of, same_person
from rostersync.planning.workspace import Workspace

ZEROS_LOST = "cell-leading-zero-lost"


def find_strangers(ws: Workspace) -> None:
    """IDs nobody has; those that differ from a known one only by case or by lost leading zeros get that as twin."""
    person, typed, st = t.person, ws.cell("userId"), ws.stranger
    known = ws.stage.outerjoin(person, person_of(ws))
    unknown = select(typed, _fold(typed)).select_from(known).where(ws.names_person, person.c.user_id.is_(None))
    ws.conn.execute(insert(st).from_select(["user_id", "fold"], unknown.distinct()))
    ws.analyze(st)
    p = person.c
    same_case = func.lower(p.user_id) == func.lower(st.c.user_id)
    twin = (
        select(
            st.c.user_id, p.user_id.label("twin"), case((same_case, "id-case-differs"), else_=ZEROS_LOST).label("code")
        )
        .where(p.district == ws.district, p.id_fold == st.c.fold)
        .where(or_(same_case, func.ltrim(p.user_id, "0") == st.c.user_id))
        .ext(distinct_on(st.c.user_id))
        .order_by(st.c.user_id, case((same_case, 0), else_=1), p.user_id)
        .subquery("twins")
    )
    ws.conn.execute(update(st).values(twin=twin.c.twin, code=twin.c.code).where(st.c.user_id == twin.c.user_id))


def _fold(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The expression of the column id_fold."""
    return func.lower(func.ltrim(value, "0"))


def find_corrections(ws: Workspace) -> None:
    """Unknown IDs whose e-mail, first and last name are a file person's whom no row names by the old ID."""
    s, p, st = ws.stage, t.person.c, ws.stranger
    named = ws.delivered.alias("named")
    same = and_(same_person(ws), p.owner == "file")
    found = (
        select(ws.cell("userId"), p.user_id)
        .select_from(s.join(st, st.c.user_id == ws.cell("userId")).join(t.person, same))
        .where(ws.adds, st.c.twin.is_(None), not_(exists().where(named.c.userId == p.user_id)))
        .ext(distinct_on(ws.cell("userId")))
        .order_by(ws.cell("userId"), case((p.status == "active", 0), else_=1), p.user_id)
    )
    ws.conn.execute(insert(ws.correction).from_select(["user_id", "old_user_id"], found))
    ws.analyze(ws.correction)

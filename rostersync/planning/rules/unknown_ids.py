"""What an unknown ID may mean: one that was mistyped or lost its zeros, or somebody whose ID was corrected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Text,
    Update,
    and_,
    case,
    exists,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus
from rostersync.planning.predicates import person_of, same_person
from rostersync.planning.workspace import ACCEPTED, REJECTED, Workspace

ZEROS_LOST = "cell-leading-zero-lost"


def find_unknown_ids(ws: Workspace) -> None:
    """IDs nobody has; those that differ from a known one only by case or by lost leading zeros get that as twin.

    Those of rejected rows too: they are told what their IDs may mean, as accepted ones are.
    """
    person, typed, unknown_id = t.person, ws.cell("userId"), ws.unknown_id
    known = ws.stage.outerjoin(person, person_of(ws))
    with ws.only(typed.is_not(None), ACCEPTED, REJECTED):
        unknown = select(typed, _fold(typed)).select_from(known).where(ws.names_person, person.c.user_id.is_(None))
    ws.conn.execute(insert(unknown_id).from_select(["user_id", "fold"], unknown.distinct()))
    ws.analyze(unknown_id)
    people = person.c
    same_case = func.lower(people.user_id) == func.lower(unknown_id.c.user_id)
    twin = (
        select(
            unknown_id.c.user_id,
            people.user_id.label("twin"),
            case((same_case, "id-case-differs"), else_=ZEROS_LOST).label("code"),
        )
        .where(people.district == ws.district, people.id_fold == unknown_id.c.fold)
        .where(or_(same_case, func.ltrim(people.user_id, "0") == unknown_id.c.user_id))
        .ext(distinct_on(unknown_id.c.user_id))
        .order_by(unknown_id.c.user_id, case((same_case, 0), else_=1), people.user_id)
        .subquery("twins")
    )
    ws.conn.execute(
        update(unknown_id).values(twin=twin.c.twin, code=twin.c.code).where(unknown_id.c.user_id == twin.c.user_id)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownIds:
    """Where the IDs of a header are stored, and the same without case and leading zeros."""

    header: str
    stored: ColumnElement[Any]
    fold: ColumnElement[Any]
    district: ColumnElement[Any]


OTHER_IDS = (
    # A district has few schools: they need no stored fold.
    KnownIds(
        header="schoolId",
        stored=t.school.c.school_id,
        fold=func.lower(func.ltrim(t.school.c.school_id, "0")),
        district=t.school.c.district,
    ),
    KnownIds(header="classId", stored=t.class_.c.class_id, fold=t.class_.c.id_fold, district=t.class_.c.district),
    KnownIds(
        header="userDistrictId",
        stored=t.person.c.user_district_id,
        fold=t.person.c.district_id_fold,
        district=t.person.c.district,
    ),
    KnownIds(
        header="userStateId",
        stored=t.person.c.user_state_id,
        fold=t.person.c.state_id_fold,
        district=t.person.c.district,
    ),
)


def find_similar_ids(ws: Workspace) -> None:
    """The same of other IDs: unknown ones, each with the known one from which it differs by case or lost zeros."""
    with ws.only(true(), ACCEPTED, REJECTED):
        for ids in OTHER_IDS:
            if ids.header in ws.present:
                ws.conn.execute(insert(ws.similar_id).from_select(["header", "typed", "fold"], _unknown(ws, ids)))
    ws.analyze(ws.similar_id)
    for ids in OTHER_IDS:
        if ids.header in ws.present:
            ws.conn.execute(_with_known(ws, ids))


def _unknown(ws: Workspace, ids: KnownIds) -> Select[*tuple[Any, ...]]:
    typed = ws.cell(ids.header)
    known = and_(ids.district == ws.district, ids.stored == typed)
    columns = (literal(ids.header, Text).label("header"), typed.label("typed"), _fold(typed).label("fold"))
    return select(*columns).where(names(ws, ids.header), typed.is_not(None), not_(exists().where(known))).distinct()


def _with_known(ws: Workspace, ids: KnownIds) -> Update:
    unknown = ws.similar_id
    same_case = func.lower(ids.stored) == func.lower(unknown.c.typed)
    code = case((same_case, "id-case-differs"), else_=ZEROS_LOST)
    similar = (
        select(unknown.c.typed, ids.stored.label("known"), code.label("code"))
        .where(unknown.c.header == ids.header, ids.district == ws.district, ids.fold == unknown.c.fold)
        .where(or_(same_case, func.ltrim(ids.stored, "0") == unknown.c.typed))
        .ext(distinct_on(unknown.c.typed))
        .order_by(unknown.c.typed, case((same_case, 0), else_=1), ids.stored)
        .subquery("similar")
    )
    this = and_(unknown.c.header == ids.header, unknown.c.typed == similar.c.typed)
    return update(unknown).values(known=similar.c.known, code=similar.c.code).where(this)


def names(ws: Workspace, header: str) -> ColumnElement[Any]:
    """Accepted rows in which this ID stands for something that is added, changed or removed."""
    if header == "schoolId":
        return ws.accepted
    return names_a_class(ws) if header == "classId" else ws.adds


def names_a_class(ws: Workspace) -> Condition:
    """Accepted rows whose class part applies: those that add, and actions with classId among their keys."""
    return or_(and_(ws.adds, ws.names_class), ws.does("REMOVE-CLASS"), ws.does("REMOVE-ENROLLMENT"))


def has_similar(ws: Workspace, header: str) -> Condition:
    """The row's ID is unknown, but resembles a known one: that is its fault, and no other follows from it."""
    unknown = ws.similar_id.c
    return exists().where(unknown.header == header, unknown.typed == ws.cell(header), unknown.known.is_not(None))


def _fold(value: ColumnElement[Any]) -> ColumnElement[Any]:
    """The expression of the column id_fold."""
    return func.lower(func.ltrim(value, "0"))


def find_corrections(ws: Workspace) -> None:
    """Unknown IDs whose e-mail, first and last name are a file person's whom no row names by the old ID."""
    stage, person, unknown_id = ws.stage, t.person.c, ws.unknown_id
    named = ws.delivered.alias("named")
    same = and_(same_person(ws), person.owner == Owner.FILE)
    found = (
        select(ws.cell("userId"), person.user_id)
        .select_from(stage.join(unknown_id, unknown_id.c.user_id == ws.cell("userId")).join(t.person, same))
        .where(ws.adds, unknown_id.c.twin.is_(None), not_(exists().where(named.c.userId == person.user_id)))
        .ext(distinct_on(ws.cell("userId")))
        .order_by(ws.cell("userId"), case((person.status == RecordStatus.ACTIVE, 0), else_=1), person.user_id)
    )
    ws.conn.execute(insert(ws.correction).from_select(["user_id", "old_user_id"], found))
    ws.analyze(ws.correction)

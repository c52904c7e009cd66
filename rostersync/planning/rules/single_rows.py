"""Roster rules about single rows: judged against the roster as it was before the file.

Each rule is a select of findings; a rule never looks at another rule's result, so that a row gets all its faults
at once. Where one fault would only follow from another, the select leaves the row out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlalchemy import ColumnElement, and_, case, exists, func, literal, not_, or_, select, true, update

from rostersync.database import tables as t
from rostersync.database.conditions import Condition
from rostersync.model import Owner, RecordStatus, RowStatus, Severity
from rostersync.planning.comparison import any_differs
from rostersync.planning.predicates import (
    LIVE,
    FindingSelect,
    class_of,
    enrollment_of,
    handed_over,
    person_of,
    placement_of,
    same_person,
    school_of,
)
from rostersync.planning.rules.folded_rows import fold_rows, takes_others
from rostersync.planning.rules.removal_targets import removals_of_classes, removals_of_people
from rostersync.planning.rules.removed_person import removals_of_another
from rostersync.planning.rules.unknown_ids import (
    OTHER_IDS,
    find_corrections,
    find_similar_ids,
    find_unknown_ids,
    has_similar,
    names,
    names_a_class,
)
from rostersync.planning.workspace import REJECTED, Workspace, row_finding_columns


def find_row_violations(ws: Workspace) -> None:
    """Note every finding about single rows, set folded and handed-over rows aside, reject rows with errors.

    Rows that a file rule rejected are told what the roster says of their IDs: one correction shall be enough. Removals
    that take other rows with them come before others: what an accepted one takes is not judged.
    """
    find_unknown_ids(ws)
    find_corrections(ws)
    find_similar_ids(ws)
    with ws.only(true(), REJECTED):
        _note(ws, _OF_CELLS)
    others: ColumnElement[bool] = true()
    if ws.conn.scalar(select(exists().where(ws.accepted, takes_others(ws)))):
        others = not_(takes_others(ws))
        with ws.only(takes_others(ws)):
            _note(ws, _RULES)
        ws.reject()
        fold_rows(ws)
    with ws.only(others):
        _note(ws, _RULES)
    ws.reject()
    _set_handed_over_aside(ws)


Rule = Callable[[Workspace], Iterator[FindingSelect]]


def _note(ws: Workspace, rules: tuple[Rule, ...]) -> None:
    for rule in rules:
        for found in rule(ws):
            ws.record_findings(found)


def _schools(ws: Workspace) -> Iterator[FindingSelect]:
    """`school-unknown`, `school-inactive`: the school is not in the roster, or closed and not the file's to open.

    Example: `,9999,u1,Teacher,…` - no school 9999: the row, schoolId, what was typed.

    Where files may make schools, only an action at an unknown one is at fault.
    """
    joined = ws.stage.outerjoin(t.school, school_of(ws))
    unknown = and_(ws.accepted, ws.cell("schoolId").is_not(None), t.school.c.school_id.is_(None))
    if ws.context.school_creation:
        unknown = and_(unknown, ws.cell("action").is_not(None))
    yield (
        select(*row_finding_columns(ws, "schoolId", "school-unknown", Severity.ROW, school=ws.cell("schoolId")))
        .select_from(joined)
        .where(unknown, not_(has_similar(ws, "schoolId")))
    )
    closed = and_(ws.adds, t.school.c.status == RecordStatus.INACTIVE, t.school.c.owner != Owner.FILE)
    yield (
        select(*row_finding_columns(ws, "schoolId", "school-inactive", Severity.ROW)).select_from(joined).where(closed)
    )


def _identities(ws: Workspace) -> Iterator[FindingSelect]:
    """`id-case-differs`, `cell-leading-zero-lost` of a userId; `id-taken`; `owned-manually` of somebody inactive.

    Example: `,0100,42,Teacher,…` - the roster has 0042, and no 42: the row, userId, the known ID.
    Example: `,0100,u1,…,Ben,Miller,ben@…` - u1 is Ana, with another name and address: the row, userId.
    """
    unknown_id = ws.unknown_id
    line, column, _, severity, detail = row_finding_columns(ws, "userId", "", Severity.ROW, known=unknown_id.c.twin)
    yield (
        select(line, column, unknown_id.c.code, severity, detail)
        .select_from(ws.stage.join(unknown_id, unknown_id.c.user_id == ws.cell("userId")))
        .where(ws.names_person, unknown_id.c.twin.is_not(None))
    )
    known = ws.stage.join(t.person, person_of(ws))
    yield select(*row_finding_columns(ws, "userId", "id-taken", Severity.ROW)).select_from(known).where(_id_taken(ws))
    unused = and_(
        ws.adds, t.person.c.owner == Owner.MANUAL, t.person.c.status == RecordStatus.INACTIVE, not_(_id_taken(ws))
    )
    yield select(*row_finding_columns(ws, "userId", "owned-manually", Severity.ROW)).select_from(known).where(unused)


def _similar_ids(ws: Workspace) -> Iterator[FindingSelect]:
    """`id-case-differs`, `cell-leading-zero-lost` of other IDs: stored as they are, they would make a second record.

    Example: `,0100,u1,…,C-7` - the roster has c-7: the row, classId, the known ID.
    """
    for ids in OTHER_IDS:
        unknown = ws.similar_id
        line, column, _, severity, detail = row_finding_columns(ws, ids.header, "", Severity.ROW, known=unknown.c.known)
        this = and_(unknown.c.header == ids.header, unknown.c.typed == ws.cell(ids.header))
        rows = select(line, column, unknown.c.code, severity, detail).select_from(ws.stage.join(unknown, this))
        yield rows.where(names(ws, ids.header), unknown.c.known.is_not(None))


def _id_taken(ws: Workspace) -> Condition:
    """Same ID, but e-mail and both names are another's."""
    person = t.person.c
    return and_(
        ws.adds,
        ws.stage.c.email_key.is_not(None),
        person.email_key.is_distinct_from(ws.stage.c.email_key),
        person.first_name != ws.cell("userFirstName"),
        person.last_name != ws.cell("userLastName"),
    )


def _classes(ws: Workspace) -> Iterator[FindingSelect]:
    """`class-other-school`, `class-inactive`: the class is at another school, or closed and not the file's to open.

    Example: `,0100,u1,…,c7` - c7 is at 0200: the row, classId, the class's school.
    """
    known = ws.stage.join(t.class_, class_of(ws))
    # Only rows that add create a school; of an action at an unknown one, the school is the fault.
    created = and_(ws.adds, literal(ws.context.school_creation), not_(has_similar(ws, "schoolId")))
    at_school = or_(exists().where(school_of(ws)), created)
    elsewhere = and_(names_a_class(ws), at_school, t.class_.c.school_id != ws.cell("schoolId"))
    yield (
        select(*row_finding_columns(ws, "classId", "class-other-school", Severity.ROW, school=t.class_.c.school_id))
        .select_from(known)
        .where(elsewhere)
    )
    closed = and_(ws.adds, ws.names_class, t.class_.c.status == RecordStatus.INACTIVE, t.class_.c.owner != Owner.FILE)
    here = t.class_.c.school_id == ws.cell("schoolId")
    yield (
        select(*row_finding_columns(ws, "classId", "class-inactive", Severity.ROW))
        .select_from(known)
        .where(closed, here)
    )


def _owned_people(ws: Workspace) -> Iterator[FindingSelect]:
    """`person-owned-by-source`: what is already true of a source person is a remark, anything else an error.

    Example: `,0200,u1,Teacher,…` - u1 is the source's, and placed at 0100 only: the row, userId.
    """
    joined = (
        ws.stage.join(t.person, person_of(ws))
        .outerjoin(t.placement, placement_of(ws))
        .outerjoin(t.enrollment, enrollment_of(ws))
        .outerjoin(t.class_, class_of(ws))
    )
    owned = and_(ws.adds, t.person.c.owner == Owner.SOURCE, not_(_id_taken(ws)), not_(handed_over()))
    severity = case((_asks_more(ws), Severity.ROW), else_=Severity.REMARK).label("severity")
    line, column, code, _, detail = row_finding_columns(ws, "userId", "person-owned-by-source", Severity.ROW)
    yield select(line, column, code, severity, detail).select_from(joined).where(owned)


def _asks_more(ws: Workspace) -> Condition:
    """The row says something about a source person that is not already true."""
    person = t.person.c
    placed = func.coalesce(t.placement.c.status.in_(LIVE), False)
    enrolled = func.coalesce(t.enrollment.c.status.in_(LIVE), False)
    enrollment_differs = [any_differs(ws, ws.stage, t.enrollment, part) for part in ("enrollment", "assignment")]
    return or_(
        person.status != RecordStatus.ACTIVE,
        any_differs(ws, ws.stage, t.person, "person"),
        not_(placed),
        any_differs(ws, ws.stage, t.placement, "placement"),
        and_(not_(ws.names_class), any_differs(ws, ws.stage, t.placement, "assignment")),
        and_(ws.names_class, or_(not_(enrolled), *enrollment_differs)),
        and_(ws.names_class, t.class_.c.owner == Owner.FILE, any_differs(ws, ws.stage, t.class_, "class")),
    )


_OF_CELLS: tuple[Rule, ...] = (_schools, _identities, _similar_ids, _classes)
"""What a single cell and the roster tell, whatever else the row says."""
_RULES: tuple[Rule, ...] = (
    *_OF_CELLS,
    removals_of_another,
    removals_of_people,
    removals_of_classes,
    _owned_people,
)


def _set_handed_over_aside(ws: Workspace) -> None:
    """`person-handed-over`: rows of a person who now belongs to the source are set aside, with a remark.

    Example: `,0100,u1,Teacher,…` - u1 is the source's, and has a placement that a file made: the row, userId.

    The source may know the person by another userId: then the address and both names say who it is.
    """
    remark = select(*row_finding_columns(ws, "userId", "person-handed-over", Severity.REMARK))
    by_id = remark.select_from(ws.stage.join(t.person, person_of(ws))).where(ws.adds, handed_over())
    unknown_id = ws.stage.join(ws.unknown_id, ws.unknown_id.c.user_id == ws.cell("userId"))
    theirs = exists().where(same_person(ws), handed_over())
    by_name = remark.select_from(unknown_id).where(ws.adds, ws.unknown_id.c.twin.is_(None), theirs)
    if ws.record_findings(by_id) + ws.record_findings(by_name):
        hit = and_(ws.rule_findings.c.line == ws.stage.c.line, ws.rule_findings.c.code == "person-handed-over")
        ws.conn.execute(update(ws.stage).values(status=RowStatus.FOLDED).where(hit, ws.accepted))

"""`people-not-in-file`: active people of the files whom a file that means to be complete does not name any more.

    roster: u1, u2, u3, u4     file: u1, u2, u3     u4 stays; the mail says so and brings the row that removes her

A person is named by a row of the file, applied or not: by the userId, by an ID that it resembles or corrects, or by the
address. Absence removes nobody (docs/rules/absent-people.md); the list is for a person to send back.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import CTE, ColumnElement, Select, Text, and_, cast, func, literal, or_, select, union

from rostersync.catalogue.findings import make_finding
from rostersync.database import tables as t
from rostersync.model import Finding, Owner, RecordStatus
from rostersync.planning.predicates import LIVE
from rostersync.planning.workspace import Workspace

CODE = "people-not-in-file"
MEANT_TO_BE_COMPLETE = 0.6
"""A file that names a smaller share of the active people is a supplement: it says nothing about the others."""
ZERO = "0"
_TEXT = pa.large_string()


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsentPeople:
    """Active people of the files who are not named, with the rows that would remove them.

    `active`: how many people of the files are active. `rows`: under all headers of the dictionary, one for each school
    where the files have placed the person, by school and person; personal data.
    """

    active: int
    rows: pa.Table

    @property
    def count(self) -> int:
        """How many people; somebody at two schools is one."""
        return int(pc.count_distinct(self.rows.column("userId")).as_py())

    def finding(self) -> Finding:
        """The remark about the whole file."""
        return make_finding(CODE, count=self.count, of=self.active)

    def without(self, names: Collection[str]) -> AbsentPeople | None:
        """The same without people whose userId or address is among these texts, zeros and case aside; None: nobody."""
        folded = pa.array({_fold(name) for name in names}, type=_TEXT)
        ids, addresses = (_folded(self.rows.column(header)) for header in ("userId", "userEmail"))
        named = pc.or_(pc.is_in(ids, value_set=folded), pc.is_in(addresses, value_set=folded))
        rows = self.rows.filter(pc.invert(named))
        return AbsentPeople(active=self.active, rows=rows) if rows.num_rows else None


def _fold(text: str) -> str:
    """A name as it is compared where cells may have lost zeros, case or spaces."""
    return text.strip().lstrip(ZERO).lower()


def _folded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_lower(pc.utf8_ltrim(column, ZERO))


def find_absent_people(ws: Workspace) -> AbsentPeople | None:
    """`people-not-in-file`: whom the planned file does not name.

    None when it names too few to mean everybody, or nobody is missing.
    """
    found = ws.conn.execute(_removals(ws)).all()
    if not found:
        return None
    active, *columns = zip(*found, strict=True)
    arrays = [pa.array(cells, type=_TEXT) for cells in columns]
    return AbsentPeople(active=active[0], rows=pa.table(arrays, names=list(ws.dictionary.headers)))


def _people(ws: Workspace) -> CTE:
    """user_id, named: the active people of the files, and whether a row names them."""
    person = t.person.c
    by_id, by_address = _named_ids(ws), _named_addresses(ws)
    joined = t.person.outerjoin(by_id, by_id.c.user_id == person.user_id)
    joined = joined.outerjoin(by_address, by_address.c.email_key == person.email_key)
    named = or_(by_id.c.user_id.is_not(None), by_address.c.email_key.is_not(None))
    mine = and_(person.district == ws.district, person.owner == Owner.FILE, person.status == RecordStatus.ACTIVE)
    return select(person.user_id, named.label("named")).select_from(joined).where(mine).cte("people")


def _named_ids(ws: Workspace) -> CTE:
    """The roster's userIds that rows name, as typed, as known by a similar one, or corrected."""
    delivered, similar, correction = ws.delivered.c, ws.unknown_id.c, ws.correction.c
    typed = select(delivered.userId.label("user_id")).where(delivered.userId.is_not(None))
    meant = select(similar.twin).where(similar.twin.is_not(None))
    return union(typed, meant, select(correction.old_user_id)).cte("named_ids")


def _named_addresses(ws: Workspace) -> CTE:
    key = ws.delivered.c.email_key
    return select(key.label("email_key")).where(key.is_not(None)).distinct().cte("named_addresses")


def _removals(ws: Workspace) -> Select[*tuple[Any, ...]]:
    """How many people are active, and the rows that remove those who are not named where the files have placed them.

    None at all for a file that names too few.
    """
    people, person, placement, school = _people(ws), t.person, t.placement, t.school
    named = func.count().filter(people.c.named)
    totals = select(func.count().label("active"), named.label("named")).select_from(people).cte("totals")
    absent = and_(people.c.user_id == person.c.user_id, people.c.named.is_(False))
    theirs = and_(placement.c.district == person.c.district, placement.c.user_id == person.c.user_id)
    there = and_(school.c.district == placement.c.district, school.c.school_id == placement.c.school_id)
    complete = totals.c.named >= MEANT_TO_BE_COMPLETE * totals.c.active
    removable = and_(placement.c.owner == Owner.FILE, placement.c.status.in_(LIVE))
    return (
        select(totals.c.active, *_cells(ws))
        .select_from(person.join(people, absent).join(placement, theirs).join(school, there).join(totals, complete))
        .where(person.c.district == ws.district, removable)
        .order_by(placement.c.school_id, person.c.user_id)
    )


def _cells(ws: Workspace) -> list[ColumnElement[Any]]:
    """One cell for each header: what the roster has of school, person and placement, and the action that ends it."""
    records = {"school": t.school, "person": t.person, "placement": t.placement}
    [action] = [word for word, spec in ws.dictionary.actions.items() if spec.entity == "placement"]
    cells: list[ColumnElement[Any]] = []
    for column in ws.dictionary.columns:
        stored = records.get(column.entity)
        cell: ColumnElement[Any] = literal(action if column.header == "action" else "", Text)
        if stored is not None and column.attribute:
            cell = func.coalesce(cast(stored.c[column.attribute], Text), "")
        cells.append(cell.label(column.header))
    return cells

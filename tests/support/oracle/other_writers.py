"""What others write to the roster between two files: the enrollment source, and people with the pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from sqlalchemy import Executable, and_, insert, update

from tests.support import strategies
from tests.support.oracle import database as model_database
from tests.support.oracle.values import FILE, SOURCE, Roster, School
from tests.support.strategies import ADDRESSES, FIRST, GRADES, LAST, PAST, SOON

BY_HAND: dict[str, dict[str, tuple[Any, ...]]] = {
    "people": {"first_name": FIRST, "last_name": LAST, "role": strategies.ROLES, "email": ADDRESSES},
    "placements": {"staff_type": ("Volunteer", None), "start_date": (None, PAST), "end_date": (None, PAST, SOON)},
    "classes": {"name": ("Reading", "By hand"), "grade": GRADES, "display_name": ("Shown", None)},
    "enrollments": {"primary_teacher": (True, False), "start_date": (None, PAST), "end_date": (None, SOON)},
}
"""Kind of record → field → values that somebody types into the pages."""
COMING_SCHOOLS = ("S3", "S9")


class OtherWriters(RuleBasedStateMachine):
    """A machine whose roster others write too: `roster` is the oracle's, `execute` writes to the database."""

    roster: Roster

    def execute(self, statement: Executable) -> None:
        """Write to the roster as somebody who is none of our tasks."""
        raise NotImplementedError

    @precondition(lambda self: self.file_people())
    @rule(data=st.data(), own_id=st.booleans())
    def the_source_takes_somebody_over(self, data: st.DataObject, own_id: bool) -> None:
        """Under the same userId, or under the source's own; what the files gave the person stays the files'."""
        who = data.draw(st.sampled_from(self.file_people()))
        self._change("people", who, owner=SOURCE)
        if own_id and (new := f"src{len(self.roster.people)}-{who}") not in self.roster.people:
            self.roster.rename({who: new})
            self._update("people", who, {"user_id": new})

    @precondition(lambda self: self.roster.classes)
    @rule(data=st.data(), status=st.sampled_from(("active", "active", "inactive")))
    def the_source_takes_a_class(self, data: st.DataObject, status: str) -> None:
        """It names a class of the files', or its own is over, or goes on."""
        class_id = data.draw(st.sampled_from(sorted(self.roster.classes)))
        self._change("classes", class_id, owner=SOURCE, status=status)

    @precondition(lambda self: set(COMING_SCHOOLS) - self.roster.schools.keys())
    @rule(data=st.data())
    def the_source_adds_a_school(self, data: st.DataObject) -> None:
        school = data.draw(st.sampled_from([key for key in COMING_SCHOOLS if key not in self.roster.schools]))
        made = self.roster.schools[school] = School(name=f"School {school}")
        key = {"district": model_database.DISTRICT, "school_id": school}
        self.execute(insert(model_database.KINDS["schools"][0]).values(**key, **model_database.columns_of(made)))

    @precondition(lambda self: any(True for _ in self._file_records()))
    @rule(data=st.data())
    def a_field_is_edited_by_hand(self, data: st.DataObject) -> None:
        kind, key = data.draw(st.sampled_from(list(self._file_records())))
        field = data.draw(st.sampled_from(sorted(BY_HAND[kind])))
        value = data.draw(st.sampled_from(BY_HAND[kind][field]))
        record = getattr(self.roster, kind)[key]
        assume(field != "email" or value not in self._addresses_held())
        values = {field: value} | ({"email_key": value} if field == "email" else {})
        dates = [({name: getattr(record, name, None) for name in strategies.DAYS} | values)[n] for n in strategies.DAYS]
        assume(None in dates or dates[0] <= dates[1])
        self._change(kind, key, **values, sticky=tuple(sorted({*record.sticky, field})))

    @precondition(lambda self: any(record.sticky for record in self._records()))
    @rule(data=st.data())
    def hand_edits_are_released(self, data: st.DataObject) -> None:
        edited = [(kind, key) for kind, key in self._file_records() if getattr(self.roster, kind)[key].sticky]
        assume(edited)
        self._change(*data.draw(st.sampled_from(edited)), sticky=())

    def file_people(self) -> list[str]:
        """userIds of the people who are the file's."""
        return sorted(who for who, known in self.roster.people.items() if known.owner == FILE)

    def _addresses_held(self) -> set[str | None]:
        """Addresses a page would refuse: of active people, here and elsewhere."""
        here = {known.email_key for known in self.roster.people.values() if known.status == "active"}
        return here | self.roster.taken_elsewhere

    def _records(self) -> Iterable[Any]:
        return (getattr(self.roster, kind)[key] for kind, key in self._file_records())

    def _file_records(self) -> Iterable[tuple[str, Any]]:
        for kind in BY_HAND:
            records = getattr(self.roster, kind)
            yield from ((kind, key) for key in sorted(records) if records[key].owner == FILE)

    def _change(self, kind: str, key: Any, **values: Any) -> None:
        """Another writer's change, in the oracle and in the database."""
        records = getattr(self.roster, kind)
        records[key] = replace(records[key], **values)
        self._update(kind, key, {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()})

    def _update(self, kind: str, key: Any, values: dict[str, Any]) -> None:
        table, names, _ = model_database.KINDS[kind]
        parts = (key,) if isinstance(key, str) else key
        mine = and_(*(table.c[name] == part for name, part in zip(names, parts, strict=True)))
        self.execute(update(table).values(values).where(table.c.district == model_database.DISTRICT, mine))

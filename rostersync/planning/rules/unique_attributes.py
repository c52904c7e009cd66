"""What only one active person may have, and what it means to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Text, and_, case, cast, null

from rostersync.database.conditions import Condition
from rostersync.planning.predicates import kept_by_hand


@dataclass(frozen=True, slots=True, kw_only=True)
class Unique:
    """An attribute that only one active person may have, in the district or (e-mail) everywhere."""

    header: str
    attribute: str
    active: str
    code: str
    everywhere: bool = False

    def asked(self, rows: FromClause, person: FromClause) -> ColumnElement[Any]:
        """What a staged row asks for; NULL when the file has no such column, or the person's was set by hand."""
        name = "email_key" if self.attribute == "email_key" else self.header
        cell = rows.c[name] if name in rows.c else cast(null(), Text)
        return case((kept_by_hand(person, self.field), None), else_=cell)

    @property
    def field(self) -> str:
        """The name under which a hand edit of it is remembered."""
        return "email" if self.attribute == "email_key" else self.attribute


UNIQUE = (
    Unique(header="userEmail", attribute="email_key", active="active_email_key", code="email-taken", everywhere=True),
    Unique(
        header="userDistrictId", attribute="user_district_id", active="active_district_id", code="secondary-id-taken"
    ),
    Unique(header="userStateId", attribute="user_state_id", active="active_state_id", code="secondary-id-taken"),
)


def is_asked(claim: FromClause, unique: Unique) -> Condition:
    """The claim asks for a value that its person does not hold."""
    value = claim.c[unique.attribute]
    return and_(value.is_not(None), value.is_distinct_from(claim.c[f"held_{unique.attribute}"]))

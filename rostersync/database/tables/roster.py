"""The roster: what other applications read all day.

E-mail and secondary identifiers are unique over *active* people; the constraints are deferrable so that two people may
swap addresses in one file. Columns of which nothing but text is demanded are the dictionary's: `_texts` adds them.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

from rostersync.configuration.dictionary import Entity, load_dictionary
from rostersync.database.tables.base import metadata, moment


def _owner() -> Column[str]:
    return Column("owner", Text, nullable=False)


def _owner_check() -> CheckConstraint:
    return CheckConstraint("owner IN ('source', 'file', 'manual')", name="owner")


def _sticky() -> Column[list[str]]:
    return Column("sticky", ARRAY(Text), nullable=False, server_default=text("'{}'"))


def _record() -> tuple[Column[Any], ...]:
    return (_owner(), _sticky(), moment("created_at", now=True), moment("updated_at", now=True))


def _texts(entity: Entity, *declared: str) -> tuple[Column[str | None], ...]:
    """The dictionary's columns of this entity that its table does not declare itself: text, or NULL."""
    stored = (column.attribute for column in load_dictionary().of(entity))
    return tuple(Column(name, Text) for name in stored if name and name not in declared)


def _activity() -> CheckConstraint:
    return CheckConstraint("status IN ('active', 'inactive')", name="status")


def _assignment() -> tuple[SchemaItem, ...]:
    return (
        Column("start_date", Date),
        Column("end_date", Date),
        Column("status", Text, nullable=False),
        CheckConstraint("status IN ('planned', 'active', 'ended')", name="status"),
        CheckConstraint("end_date >= start_date", name="dates"),
    )


district = Table(
    "district",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("roster_version", BigInteger, nullable=False, server_default="0"),
    moment("created_at", now=True),
    schema="roster",
)

school = Table(
    "school",
    metadata,
    Column("district", Text, ForeignKey(district.c.code), nullable=False),
    Column("school_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False, server_default="active"),
    *_record(),
    PrimaryKeyConstraint("district", "school_id"),
    CheckConstraint("school_id <> ''", name="school_id"),
    _activity(),
    _owner_check(),
    schema="roster",
)

person = Table(
    "person",
    metadata,
    Column("district", Text, ForeignKey(district.c.code), nullable=False),
    Column("user_id", Text, nullable=False),
    Column("user_district_id", Text),
    Column("user_state_id", Text),
    Column("role", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text),
    Column("email_key", Text),
    *_texts("person", "user_district_id", "user_state_id", "role", "first_name", "last_name", "email"),
    Column("status", Text, nullable=False, server_default="active"),
    *_record(),
    Column("active_email_key", Text, Computed("CASE WHEN status = 'active' THEN email_key END", persisted=True)),
    Column(
        "active_district_id", Text, Computed("CASE WHEN status = 'active' THEN user_district_id END", persisted=True)
    ),
    Column("active_state_id", Text, Computed("CASE WHEN status = 'active' THEN user_state_id END", persisted=True)),
    # A typed ID is compared with known ones regardless of case and leading zeros.
    Column("id_fold", Text, Computed("lower(ltrim(user_id, '0'))", persisted=True)),
    Column("district_id_fold", Text, Computed("lower(ltrim(user_district_id, '0'))", persisted=True)),
    Column("state_id_fold", Text, Computed("lower(ltrim(user_state_id, '0'))", persisted=True)),
    PrimaryKeyConstraint("district", "user_id"),
    UniqueConstraint("active_email_key", name="uq_person_email", deferrable=True, initially="DEFERRED"),
    UniqueConstraint(
        "district", "active_district_id", name="uq_person_district_id", deferrable=True, initially="DEFERRED"
    ),
    UniqueConstraint("district", "active_state_id", name="uq_person_state_id", deferrable=True, initially="DEFERRED"),
    # An index on the expression would not be used: under row-level security lower() might tell of hidden rows.
    Index("ix_person_id_fold", "district", "id_fold"),
    Index("ix_person_district_id_fold", "district", "district_id_fold"),
    Index("ix_person_state_id_fold", "district", "state_id_fold"),
    Index("ix_person_email_key", "district", "email_key"),
    CheckConstraint("user_id <> ''", name="user_id"),
    CheckConstraint("role IN ('Teacher', 'Administrator', 'Student')", name="role"),
    CheckConstraint("owner <> 'file' OR (role <> 'Student' AND email_key IS NOT NULL)", name="file_owned"),
    CheckConstraint("(email IS NULL) = (email_key IS NULL) AND email_key <> ''", name="email"),
    _activity(),
    _owner_check(),
    schema="roster",
)

placement = Table(
    "placement",
    metadata,
    Column("district", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("school_id", Text, nullable=False),
    *_texts("placement"),
    *_assignment(),
    *_record(),
    PrimaryKeyConstraint("district", "user_id", "school_id"),
    ForeignKeyConstraint(["district", "user_id"], [person.c.district, person.c.user_id], onupdate="CASCADE"),
    ForeignKeyConstraint(["district", "school_id"], [school.c.district, school.c.school_id]),
    Index(None, "district", "school_id"),
    _owner_check(),
    schema="roster",
)

class_ = Table(
    "class",
    metadata,
    Column("district", Text, nullable=False),
    Column("class_id", Text, nullable=False),
    Column("school_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    *_texts("class", "name"),
    Column("status", Text, nullable=False, server_default="active"),
    *_record(),
    Column("id_fold", Text, Computed("lower(ltrim(class_id, '0'))", persisted=True)),
    PrimaryKeyConstraint("district", "class_id"),
    ForeignKeyConstraint(["district", "school_id"], [school.c.district, school.c.school_id]),
    Index(None, "district", "school_id"),
    Index("ix_class_id_fold", "district", "id_fold"),
    CheckConstraint("class_id <> ''", name="class_id"),
    _activity(),
    _owner_check(),
    schema="roster",
)

enrollment = Table(
    "enrollment",
    metadata,
    Column("district", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("class_id", Text, nullable=False),
    Column("primary_teacher", Boolean, nullable=False, server_default="false"),
    *_assignment(),
    *_record(),
    moment("assigned_at", now=True),
    PrimaryKeyConstraint("district", "user_id", "class_id"),
    ForeignKeyConstraint(["district", "user_id"], [person.c.district, person.c.user_id], onupdate="CASCADE"),
    ForeignKeyConstraint(["district", "class_id"], [class_.c.district, class_.c.class_id]),
    Index(None, "district", "class_id"),
    _owner_check(),
    schema="roster",
)

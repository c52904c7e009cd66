"""The database: `roster` (read by other applications all day) and `intake` (ledger, findings, plans, changes, mail).

Every key inside a district starts with the district, and so does every foreign key: one district cannot point at
another's rows. E-mail and secondary identifiers are unique over *active* people; the constraints are deferrable so
that two people may swap addresses in one file. Checks hold without the program.

Row-level security, the owners' triggers and the roles' rights are in the migrations: no `Table` says them.
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
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.schema import SchemaItem

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _moment(name: str, *, now: bool = False, null: bool = True) -> Column[Any]:
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=null and not now, server_default=default)


def _owner() -> Column[str]:
    return Column("owner", Text, nullable=False)


def _owner_check() -> CheckConstraint:
    return CheckConstraint("owner IN ('source', 'file', 'manual')", name="owner")


def _sticky() -> Column[list[str]]:
    return Column("sticky", ARRAY(Text), nullable=False, server_default=text("'{}'"))


def _record() -> tuple[Column[Any], ...]:
    return (_owner(), _sticky(), _moment("created_at", now=True), _moment("updated_at", now=True))


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
    _moment("created_at", now=True),
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
    Column("middle_name", Text),
    Column("email", Text),
    Column("email_key", Text),
    Column("status", Text, nullable=False, server_default="active"),
    *_record(),
    Column("active_email_key", Text, Computed("CASE WHEN status = 'active' THEN email_key END", persisted=True)),
    Column(
        "active_district_id", Text, Computed("CASE WHEN status = 'active' THEN user_district_id END", persisted=True)
    ),
    Column("active_state_id", Text, Computed("CASE WHEN status = 'active' THEN user_state_id END", persisted=True)),
    # A typed ID is compared with known ones regardless of case and leading zeros.
    Column("id_fold", Text, Computed("lower(ltrim(user_id, '0'))", persisted=True)),
    PrimaryKeyConstraint("district", "user_id"),
    UniqueConstraint("active_email_key", name="uq_person_email", deferrable=True, initially="DEFERRED"),
    UniqueConstraint(
        "district", "active_district_id", name="uq_person_district_id", deferrable=True, initially="DEFERRED"
    ),
    UniqueConstraint("district", "active_state_id", name="uq_person_state_id", deferrable=True, initially="DEFERRED"),
    # An index on the expression would not be used: under row-level security lower() might tell of hidden rows.
    Index("ix_person_id_fold", "district", "id_fold"),
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
    Column("staff_type", Text),
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
    Column("display_name", Text),
    Column("grade", Text),
    Column("status", Text, nullable=False, server_default="active"),
    *_record(),
    PrimaryKeyConstraint("district", "class_id"),
    ForeignKeyConstraint(["district", "school_id"], [school.c.district, school.c.school_id]),
    Index(None, "district", "school_id"),
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
    _moment("assigned_at", now=True),
    PrimaryKeyConstraint("district", "user_id", "class_id"),
    ForeignKeyConstraint(["district", "user_id"], [person.c.district, person.c.user_id], onupdate="CASCADE"),
    ForeignKeyConstraint(["district", "class_id"], [class_.c.district, class_.c.class_id]),
    Index(None, "district", "class_id"),
    _owner_check(),
    schema="roster",
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", Text, primary_key=True),
    Column("district", Text, ForeignKey(district.c.code), nullable=False),
    Column("sha256", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("sequence", BigInteger, Identity(always=True), nullable=False),
    Column("modified_at", DateTime(timezone=True), nullable=False),
    _moment("landed_at", now=True),
    Column("dictionary_version", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("config_digest", Text, nullable=False),
    Column("judged_roster_version", BigInteger),
    Column("judged_on", Date),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claim_token", BigInteger, nullable=False, server_default="0"),
    Column("claimed_by", Text),
    _moment("claimed_at"),
    Column("worked_on_by", Text),
    Column("kills", Integer, nullable=False, server_default="0"),
    Column("decided_by", Text),
    _moment("decided_at"),
    UniqueConstraint("district", "sha256"),
    CheckConstraint(
        "state IN ('pulled', 'validated', 'held', 'applied', 'refused', 'discarded', 'superseded', 'undone', 'failed')",
        name="state",
    ),
    schema="intake",
)

attempt = Table(
    "attempt",
    metadata,
    Column("delivery", Text, ForeignKey(delivery.c.id), nullable=False),
    Column("number", Integer, nullable=False),
    Column("district", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("rows", JSONB, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("by_school", JSONB, nullable=False),
    Column("changes", Integer, nullable=False),
    Column("dictionary_version", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("config_digest", Text, nullable=False),
    Column("roster_version", BigInteger, nullable=False),
    Column("forced_reason", Text),
    Column("actor", Text, nullable=False),
    _moment("ended_at", now=True),
    PrimaryKeyConstraint("delivery", "number"),
    schema="intake",
)

arrival = Table(
    "arrival",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("district", Text, nullable=False),
    Column("dag_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("name", Text),
    Column("size_bytes", BigInteger),
    _moment("modified_at"),
    Column("delivery", Text, ForeignKey(delivery.c.id)),
    Column("outcome", Text, nullable=False),
    _moment("seen_at", now=True),
    Index(None, "district", "seen_at"),
    schema="intake",
)

run_delivery = Table(
    "run_delivery",
    metadata,
    Column("dag_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("delivery", Text, ForeignKey(delivery.c.id), nullable=False),
    Column("outcome", Text),
    # How many attempts the delivery had seen when the run took it.
    Column("attempts", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("dag_id", "run_id", "district", "position"),
    UniqueConstraint("dag_id", "run_id", "district", "delivery"),
    schema="intake",
)

run_districts = Table(
    "run_districts",
    metadata,
    Column("dag_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("districts", ARRAY(Text), nullable=False),
    _moment("listed_at", now=True),
    PrimaryKeyConstraint("dag_id", "run_id"),
    schema="intake",
)

finding = Table(
    "finding",
    metadata,
    Column("district", Text, nullable=False),
    Column("delivery", Text, ForeignKey(delivery.c.id), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("position", Integer, nullable=False),
    Column("code", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("line", BigInteger),
    Column("column", Text),
    Column("value", Text),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'")),
    PrimaryKeyConstraint("delivery", "attempt", "stage", "position"),
    CheckConstraint("stage IN ('file', 'roster')", name="stage"),
    schema="intake",
)

plan = Table(
    "plan",
    metadata,
    Column("district", Text, nullable=False),
    Column("delivery", Text, ForeignKey(delivery.c.id), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("entity", Text, nullable=False),
    Column("key", ARRAY(Text), nullable=False),
    Column("action", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("line", BigInteger),
    PrimaryKeyConstraint("delivery", "attempt", "entity", "key"),
    schema="intake",
)

decision = Table(
    "decision",
    metadata,
    Column("delivery", Text, ForeignKey(delivery.c.id), nullable=False),
    # The held attempt whose plan the person saw: intake.plan holds it, key by key.
    Column("attempt", Integer, nullable=False),
    Column("district", Text, nullable=False),
    Column("choice", Text, nullable=False),
    Column("schools", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("reason", Text),
    Column("actor", Text, nullable=False),
    _moment("decided_at", now=True),
    PrimaryKeyConstraint("delivery", "attempt"),
    CheckConstraint("choice IN ('approve', 'approve-without-held-schools', 'discard')", name="choice"),
    schema="intake",
)

undo = Table(
    "undo",
    metadata,
    Column("delivery", Text, ForeignKey(delivery.c.id), nullable=False),
    # The newest attempt that was undone: the ones before it were undone with it.
    Column("attempt", Integer, nullable=False),
    Column("district", Text, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("left_alone", JSONB, nullable=False),
    Column("roster_version", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("actor", Text, nullable=False),
    _moment("undone_at", now=True),
    PrimaryKeyConstraint("delivery", "attempt"),
    schema="intake",
)

change = Table(
    "change",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("district", Text, nullable=False),
    Column("delivery", Text),
    Column("attempt", Integer),
    Column("entity", Text, nullable=False),
    Column("key", ARRAY(Text), nullable=False),
    Column("action", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("line", BigInteger),
    Column("actor", Text, nullable=False),
    _moment("at", now=True),
    # Cheap to keep while loading: a delivery's rows lie together. An index by key would cost every load a quarter of
    # its log, for a question that a person asks now and then and that reading the whole log answers in seconds.
    Index("ix_change_delivery", "delivery", postgresql_using="brin"),
    schema="intake",
)

report = Table(
    "report",
    metadata,
    Column("id", Text, primary_key=True),
    Column("district", Text, nullable=False),
    Column("delivery", Text, ForeignKey(delivery.c.id)),
    Column("attempt", Integer),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("text_body", Text, nullable=False),
    Column("html_body", Text, nullable=False),
    _moment("created_at", now=True),
    schema="intake",
)

report_file = Table(
    "report_file",
    metadata,
    Column("report", Text, ForeignKey(report.c.id), nullable=False),
    Column("district", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("attached", Boolean, nullable=False, server_default="true"),
    PrimaryKeyConstraint("report", "name"),
    schema="intake",
)

report_drop = Table(
    "report_drop",
    metadata,
    Column("report", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("district", Text, nullable=False),
    Column("target", Text, nullable=False),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("answer", Text),
    _moment("next_try_at"),
    _moment("created_at", now=True),
    _moment("dropped_at"),
    PrimaryKeyConstraint("report", "name"),
    ForeignKeyConstraint(["report", "name"], [report_file.c.report, report_file.c.name]),
    CheckConstraint("state IN ('queued', 'deferred', 'refused', 'dropped')", name="state"),
    schema="intake",
)

message = Table(
    "message",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("district", Text, nullable=False),
    Column("report", Text, ForeignKey(report.c.id), nullable=False),
    Column("recipient", Text, nullable=False),
    Column("message_id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False, server_default="queued"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("answer", Text),
    _moment("next_try_at"),
    _moment("claimed_at"),
    _moment("created_at", now=True),
    _moment("sent_at"),
    _moment("released_at"),
    Column("released_by", Text),
    UniqueConstraint("report", "recipient"),
    CheckConstraint("state IN ('queued', 'sending', 'sent', 'deferred', 'refused', 'unknown')", name="state"),
    schema="intake",
)

dating = Table(
    "dating",
    metadata,
    Column("district", Text, nullable=False),
    # What became of dated assignments on this day of the district; `told_in` is the report that said so.
    Column("day", Date, nullable=False),
    Column("started", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("deactivated", Integer, nullable=False),
    _moment("at", now=True),
    Column("told_in", Text),
    PrimaryKeyConstraint("district", "day"),
    schema="intake",
)

sweep = Table(
    "sweep",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("district", Text, nullable=False),
    Column("legal_hold", Boolean, nullable=False),
    # kind → how many went, from when on everything is kept, how many are left and since when.
    Column("proof", JSONB, nullable=False),
    _moment("at", now=True),
    Index(None, "district", "at"),
    schema="intake",
)

outbox_epoch = Table(
    "outbox_epoch",
    metadata,
    Column("one", Boolean, primary_key=True, server_default="true"),
    Column("token", Uuid, nullable=False, server_default=func.gen_random_uuid()),
    Column("number", BigInteger, nullable=False),
    CheckConstraint("one", name="one"),
    schema="intake",
)

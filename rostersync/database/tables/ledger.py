"""The ledger: deliveries and what was judged, planned, decided, changed and swept."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from rostersync.database.tables.base import metadata, moment
from rostersync.database.tables.roster import district

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
    moment("landed_at", now=True),
    Column("dictionary_version", Text, nullable=False),
    Column("code_version", Text, nullable=False),
    Column("config_digest", Text, nullable=False),
    Column("judged_roster_version", BigInteger),
    Column("judged_on", Date),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # So many findings of the file rules were stored under the attempt `attempts`; NULL: not known.
    Column("file_findings", Integer),
    Column("claim_token", BigInteger, nullable=False, server_default="0"),
    Column("claimed_by", Text),
    moment("claimed_at"),
    Column("worked_on_by", Text),
    Column("open_work", ARRAY(Text), nullable=False, server_default="{}"),
    Column("decided_by", Text),
    moment("decided_at"),
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
    moment("ended_at", now=True),
    # So many findings it had, of the file and of the roster; NULL: not known.
    Column("findings", Integer),
    # Rows that an approval left out: no judgement of the same bytes applies them by itself.
    Column("left_out_lines", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
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
    moment("modified_at"),
    Column("delivery", Text, ForeignKey(delivery.c.id)),
    Column("outcome", Text, nullable=False),
    moment("seen_at", now=True),
    Index(None, "district", "seen_at"),
    Index(None, "delivery"),
    schema="intake",
)

# What a run's first look at an inbox saw, before the district's turn came.
inbox_look = Table(
    "inbox_look",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("district", Text, nullable=False),
    Column("dag_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("modified_at", DateTime(timezone=True), nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    Index(None, "district", "name"),
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
    # The run ended with an error at it, if only at the first try.
    Column("failed", Boolean, nullable=False, server_default=text("false")),
    # It had failed before: a failure does not keep the run from anything else.
    Column("tried_last", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("dag_id", "run_id", "district", "position"),
    UniqueConstraint("dag_id", "run_id", "district", "delivery"),
    Index(None, "delivery"),
    schema="intake",
)

run_districts = Table(
    "run_districts",
    metadata,
    Column("dag_id", Text, nullable=False),
    Column("run_id", Text, nullable=False),
    Column("districts", ARRAY(Text), nullable=False),
    # Those of all districts whose inbox overlaps another one's when the list was made.
    Column("shared_inboxes", ARRAY(Text), nullable=False, server_default="{}"),
    moment("listed_at", now=True),
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
    moment("decided_at", now=True),
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
    moment("undone_at", now=True),
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
    moment("at", now=True),
    # Cheap while loading: a delivery's rows lie together. An index by key would cost every load a quarter of its log,
    # for a question that a person asks now and then and that reading the whole log answers in seconds.
    Index("ix_change_delivery", "delivery", postgresql_using="brin"),
    schema="intake",
)

"""Reports, their files, and what is on its way to contacts."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)

from rostersync.database.tables.base import metadata, moment
from rostersync.database.tables.ledger import delivery

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
    moment("created_at", now=True),
    Index(None, "delivery"),
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
    moment("next_try_at"),
    moment("created_at", now=True),
    moment("dropped_at"),
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
    moment("next_try_at"),
    moment("claimed_at"),
    moment("created_at", now=True),
    moment("sent_at"),
    moment("released_at"),
    Column("released_by", Text),
    UniqueConstraint("report", "recipient"),
    CheckConstraint("state IN ('queued', 'sending', 'sent', 'deferred', 'refused', 'unknown')", name="state"),
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

"""What passing days and retention did to a district."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Date, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from rostersync.database.tables.base import metadata, moment

dating = Table(
    "dating",
    metadata,
    Column("district", Text, nullable=False),
    # What became of dated assignments on this day of the district; `told_in` is the report that said so.
    Column("day", Date, nullable=False),
    Column("started", Integer, nullable=False),
    Column("ended", Integer, nullable=False),
    Column("deactivated", Integer, nullable=False),
    moment("at", now=True),
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
    moment("at", now=True),
    Index(None, "district", "at"),
    schema="intake",
)

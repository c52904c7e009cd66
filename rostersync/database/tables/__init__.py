"""The database: `roster` (read by other applications all day) and `intake` (ledger, findings, plans, changes, mail).

Every key inside a district starts with the district, and so does every foreign key: one district cannot point at
another's rows. Checks hold without the program.

Row-level security, the owners' triggers and the roles' rights are in the migrations: no `Table` says them.
"""

from __future__ import annotations

from rostersync.database.tables.base import metadata
from rostersync.database.tables.housekeeping import dating, sweep
from rostersync.database.tables.ledger import (
    arrival,
    attempt,
    change,
    decision,
    delivery,
    finding,
    inbox_look,
    plan,
    run_delivery,
    run_districts,
    undo,
)
from rostersync.database.tables.outbox import message, outbox_epoch, report, report_drop, report_file
from rostersync.database.tables.roster import class_, district, enrollment, person, placement, school

__all__ = [
    "arrival",
    "attempt",
    "change",
    "class_",
    "dating",
    "decision",
    "delivery",
    "district",
    "enrollment",
    "finding",
    "inbox_look",
    "message",
    "metadata",
    "outbox_epoch",
    "person",
    "placement",
    "plan",
    "report",
    "report_drop",
    "report_file",
    "run_delivery",
    "run_districts",
    "school",
    "sweep",
    "undo",
]

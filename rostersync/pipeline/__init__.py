"""The stages in order: what the DAG's tasks, the command line and the tests all call.

Every function may be called again at any time, after any crash, and does not do its work twice. Outcomes travel in
the ledger; what the tasks' functions return holds ids and counts only.
"""

from __future__ import annotations

from rostersync.pipeline.checking import check
from rostersync.pipeline.context import Run, Services, now
from rostersync.pipeline.pulling import list_districts, pull
from rostersync.pipeline.results import Checked, Pulled, SyncResult
from rostersync.pipeline.run_progress import tried_last
from rostersync.pipeline.sending import email, relay_district, send_due
from rostersync.pipeline.syncing import sync, touched_since
from rostersync.pipeline.upserting import upsert
from rostersync.pipeline.validating import validate

__all__ = [
    "Checked",
    "Pulled",
    "Run",
    "Services",
    "SyncResult",
    "check",
    "email",
    "list_districts",
    "now",
    "pull",
    "relay_district",
    "send_due",
    "sync",
    "touched_since",
    "tried_last",
    "upsert",
    "validate",
]

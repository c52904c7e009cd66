"""Frozen values that travel between stages. No behaviour beyond small derived properties."""

from __future__ import annotations

from rostersync.model.changes import AppliedAttempt, Change, Correction, DateChanges, NotRestored, NotRestoredReason
from rostersync.model.counts import BUCKETS, ENTITIES, Counts, RowCounts
from rostersync.model.files import PROCESSED, Landed, RawRow, Reading, RemoteFile, Screened
from rostersync.model.findings import Evaluation, Finding
from rostersync.model.reports import Report, ReportFile, RosterSchool
from rostersync.model.states import Choice, DeliveryState, Outcome, Owner, RecordStatus, RowStatus, Severity

__all__ = [
    "BUCKETS",
    "ENTITIES",
    "PROCESSED",
    "AppliedAttempt",
    "Change",
    "Choice",
    "Correction",
    "Counts",
    "DateChanges",
    "DeliveryState",
    "Evaluation",
    "Finding",
    "Landed",
    "NotRestored",
    "NotRestoredReason",
    "Outcome",
    "Owner",
    "RawRow",
    "Reading",
    "RecordStatus",
    "RemoteFile",
    "Report",
    "ReportFile",
    "RosterSchool",
    "RowCounts",
    "RowStatus",
    "Screened",
    "Severity",
]

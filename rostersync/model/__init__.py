"""Frozen values that travel between stages. No behaviour beyond small derived properties."""

from __future__ import annotations

from rostersync.model.changes import AppliedAttempt, Change, Correction, Dated, Left, LeftReason
from rostersync.model.counts import BUCKETS, ENTITIES, Counts, RowCounts
from rostersync.model.files import PROCESSED, Landed, RawRow, Reading, RemoteFile, Screened
from rostersync.model.findings import Finding, Judgement
from rostersync.model.reports import Report, ReportFile, RosterSchool
from rostersync.model.states import Choice, DeliveryState, Outcome, Severity

__all__ = [
    "BUCKETS",
    "ENTITIES",
    "PROCESSED",
    "AppliedAttempt",
    "Change",
    "Choice",
    "Correction",
    "Counts",
    "Dated",
    "DeliveryState",
    "Finding",
    "Judgement",
    "Landed",
    "Left",
    "LeftReason",
    "Outcome",
    "RawRow",
    "Reading",
    "RemoteFile",
    "Report",
    "ReportFile",
    "RosterSchool",
    "RowCounts",
    "Screened",
    "Severity",
]

"""What a district is told: a delivery's facts → count report, `users-errors.csv` and its Excel twin.

Facts and wording only: nothing is sent, no database is read. Mail bodies and subjects hold counts, codes, district
and school identifiers, never a person's data; that is in the error file alone.
"""

from __future__ import annotations

from rostersync.reporting.attachments import absent_people_files, absent_people_files_among
from rostersync.reporting.changes_file import changes_file
from rostersync.reporting.count_report import COUNT_REPORT, count_report, count_reports
from rostersync.reporting.error_file import errors_file, lists_rows
from rostersync.reporting.error_workbook import errors_workbook
from rostersync.reporting.facts import ReportFacts
from rostersync.reporting.misnamed_file import misnamed
from rostersync.reporting.notices import discarded, nothing_new
from rostersync.reporting.operator_digest import KIND as DIGEST
from rostersync.reporting.operator_digest import operator_digest
from rostersync.reporting.report_variants import KIND_ENDS
from rostersync.reporting.review_question import render_question
from rostersync.reporting.undo_report import reasons, undo_file, undone, why

__all__ = [
    "COUNT_REPORT",
    "DIGEST",
    "KIND_ENDS",
    "ReportFacts",
    "absent_people_files",
    "absent_people_files_among",
    "changes_file",
    "count_report",
    "count_reports",
    "discarded",
    "errors_file",
    "errors_workbook",
    "lists_rows",
    "misnamed",
    "nothing_new",
    "operator_digest",
    "reasons",
    "render_question",
    "undo_file",
    "undone",
    "why",
]

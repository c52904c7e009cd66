"""What a district is told: a delivery's facts → count report, `users-errors.csv` and its Excel twin.

Facts and wording only: nothing is sent, no database is read. Mail bodies and subjects hold counts, codes, district
and school identifiers, never a person's data; that is in the error file alone.
"""

from __future__ import annotations

from rostersync.reporting.count_report import count_report, nothing_new
from rostersync.reporting.error_file import errors_file, has_row_errors
from rostersync.reporting.error_workbook import errors_workbook
from rostersync.reporting.facts import ReportFacts

__all__ = ["ReportFacts", "count_report", "errors_file", "errors_workbook", "has_row_errors", "nothing_new"]

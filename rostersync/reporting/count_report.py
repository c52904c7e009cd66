"""The count report: facts of one delivery → subject, text and HTML, with the error file beside them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rostersync.model import Outcome, Report, ReportFile, Severity
from rostersync.reporting import attachments, counts, grouping, rendering, wording
from rostersync.reporting.facts import ListPlace, Lists, ReportFacts
from rostersync.reporting.report_variants import report_variants

if TYPE_CHECKING:
    from rostersync.configuration.district import AttachmentMode

COUNT_REPORT = "count_report"
"""The kind of the report about an applied delivery."""
_KINDS = {Outcome.REFUSED: "refused", Outcome.HELD: "held"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Room:
    """How many schools, groups and faults a mail shows before it says how many it leaves out."""

    schools: int
    groups: int
    faults: int


_ROOMS = (
    _Room(schools=20, groups=12, faults=100),
    _Room(schools=10, groups=8, faults=50),
    _Room(schools=5, groups=4, faults=15),
)
"""Tried in order until the HTML is below the limit."""


def count_report(facts: ReportFacts) -> Report:
    """The mail about one delivery's outcome, its files attached. `kind` is count_report, refused, held, or
    held_operators.

    Raises ValueError for outcomes contacts are not told of (duplicate, waiting, no file, failed).
    """
    return count_reports(facts, ())["attach"]


def count_reports(facts: ReportFacts, ways: Collection[AttachmentMode]) -> dict[AttachmentMode, Report]:
    """The same for each way in which contacts want the list of rows; see `ways.report_variants`."""

    def render(lists: Lists) -> Report:
        said = wording.wording_for(facts, lists)
        text, html = _bodies(facts, said, lists)
        kind = _KINDS.get(facts.evaluation.outcome, COUNT_REPORT) + ("_operators" if facts.for_operators else "")
        return Report(kind=kind, subject=said.subject, text=text, html=html)

    return report_variants(facts, _files(facts), ways, render)


def _files(facts: ReportFacts) -> tuple[ReportFile, ...]:
    findings = facts.evaluation.findings
    if facts.reading is None or facts.reading.refused:
        return attachments.template_files(findings, facts.dictionary)
    return attachments.error_files(facts.reading, findings, facts.dictionary, facts.schools, facts.absent_people)


def _bodies(facts: ReportFacts, said: wording.Wording, lists: Lists) -> tuple[str, str]:
    """Text and HTML with as many details as fit."""
    for room in _ROOMS:
        shown = _shown(facts, said, lists, room)
        html = rendering.html_of("count_report", **shown)
        if len(html.encode()) < rendering.HTML_LIMIT:
            break
    return rendering.text_of("count_report", **shown), html


def _shown(facts: ReportFacts, said: wording.Wording, lists: Lists, room: _Room) -> dict[str, Any]:
    judged, held = facts.evaluation, facts.evaluation.outcome is Outcome.HELD
    refused, listed = judged.outcome is Outcome.REFUSED, lists.place is not ListPlace.NOWHERE
    problems = [] if refused else grouping.groups(judged.findings, Severity.ROW, facts.dictionary, listed=listed)
    remarks = grouping.groups(judged.findings, Severity.REMARK, facts.dictionary, listed=False)
    faults = grouping.faults(judged.findings, Severity.HOLD if held else Severity.FILE, facts.dictionary)
    return {
        "said": said,
        "would": held or facts.dry_run,
        "refused": refused,
        "rows": counts.row_totals(judged.rows),
        "buckets": counts.HEADINGS,
        "counted": counts.count_table(judged.counts),
        "schools": counts.schools({} if refused else judged.by_school, facts.schools, cap=room.schools),
        "faults": faults[: room.faults],
        "advice": not facts.for_operators,
        "more_faults": max(0, len(faults) - room.faults),
        "problems": problems[: room.groups],
        "more_problems": sum(group.count for group in problems[room.groups :]),
        "remarks": remarks[: room.groups],
        "more_remarks": sum(group.count for group in remarks[room.groups :]),
        "lists": lists,
        "by_date": facts.by_date(),
        "footer": facts.footer(),
    }

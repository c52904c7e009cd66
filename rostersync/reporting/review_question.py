"""What a person is asked about a held delivery inside Airflow: numbers and schools, nobody's data."""

from __future__ import annotations

from rostersync import runbook
from rostersync.model import Severity
from rostersync.reporting import counts, grouping
from rostersync.reporting.facts import ReportFacts, change_text, minute_text, subject_start

REASONS_SHOWN = 12


def render_question(facts: ReportFacts) -> tuple[str, str]:
    """Subject and Markdown body: why the delivery waits, and what would change. Small enough for XCom."""
    since = minute_text(facts.reported_at, facts.district.timezone)
    reasons = grouping.faults(facts.evaluation.findings, Severity.HOLD, facts.dictionary)
    left = len(reasons) - REASONS_SHOWN
    lines = [
        f"Delivery `{facts.delivery}`, attempt {facts.attempt}, held since {since}.",
        "",
        *(f"* {reason.message}" for reason in reasons[:REASONS_SHOWN]),
        *([f"* … and {left} more of this kind."] if left > 0 else []),
        "",
        *_table(facts),
        "",
        f"Every change, record by record: `rostersync plan {facts.delivery} --csv FILE`",
        "",
        f"How to decide: {runbook.page('held')}",
    ]
    return f"{subject_start(facts)}: {change_text(facts.evaluation)} if approved", "\n".join(lines)


def _table(facts: ReportFacts) -> list[str]:
    rows = [
        f"| {row.label} | {' | '.join(cell.text for cell in row.cells)} |"
        for row in counts.count_table(facts.evaluation.counts)
    ]
    return [f"| | {' | '.join(counts.HEADINGS.values())} |", "|" + "---|" * (1 + len(counts.HEADINGS)), *rows]

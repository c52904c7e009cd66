"""Short mails without a table: the same file again, and a held file that was discarded."""

from __future__ import annotations

from datetime import datetime

from rostersync.model import Report
from rostersync.reporting import rendering
from rostersync.reporting.facts import ReportFacts, amount, day_text, subject_start

_CHECK_THE_EXPORT = (
    "If you meant to send a newer file, please check that the export ran and send it again. "
    "Otherwise there is nothing to do."
)


def nothing_new(facts: ReportFacts, *, applied_at: datetime, left_out: int = 0) -> Report:
    """The short mail when the same file was put down again. Its kind names the day: one such mail a day is enough.

    `facts.evaluation` is that of the latest attempt; `applied_at` is the old apply; `left_out`: how many rows
    the approval of then left out.
    """
    since = day_text(applied_at, facts.district.timezone)
    paragraphs = (
        "The file that arrived is the same, byte for byte, so nothing was changed.",
        _open_rows(facts.evaluation.rows.rejected),
        _left_out(left_out),
        facts.by_date(),
        _CHECK_THE_EXPORT,
    )
    return _notice(
        facts,
        kind=f"nothing_new {day_text(facts.reported_at, facts.district.timezone)}",
        tone="good",
        badge="Nothing new",
        subject=f"nothing new - the same staff file was applied on {since}",
        verdict=f"Nothing new: this is the file we applied on {since}.",
        paragraphs=paragraphs,
    )


def _open_rows(rejected: int) -> str:
    if not rejected:
        return ""
    needs = "needs" if rejected == 1 else "need"
    return f"{amount(rejected, 'row').capitalize()} still {needs} a correction. Please see the report we sent then."


def _left_out(rows: int) -> str:
    if not rows:
        return ""
    stays = "stays" if rows == 1 else "stay"
    return (
        f"{amount(rows, 'row').capitalize()} that the approval left out {stays} left out. "
        "Please send those that are still right in a new file."
    )


def discarded(facts: ReportFacts, *, expired_after: int | None = None) -> Report:
    """The mail about a held delivery that is not applied: a person said so, or nobody decided in so many days."""
    why = "A person looked at it and decided not to apply it."
    if expired_after is not None:
        why = f"Nobody decided about it within {amount(expired_after, 'day')}."
    return _notice(
        facts,
        kind="discarded",
        tone="stopped",
        badge="Discarded",
        subject="the staff file that waited for approval was discarded",
        verdict="Your staff file that waited for approval was discarded. Nothing of it was applied.",
        paragraphs=(
            f"{why} The roster is as it was before.",
            "If these changes are still right, reply to this mail, or send a new file: it is judged by itself.",
        ),
    )


def _notice(
    facts: ReportFacts, *, kind: str, tone: str, badge: str, subject: str, verdict: str, paragraphs: tuple[str, ...]
) -> Report:
    shown = {
        "subject": f"{subject_start(facts)}: {subject}",
        "tone": tone,
        "badge": badge,
        "verdict": verdict,
        "paragraphs": [paragraph for paragraph in paragraphs if paragraph],
        "footer": facts.footer(),
    }
    return Report(
        kind=kind,
        subject=str(shown["subject"]),
        text=rendering.text_of("notice", **shown),
        html=rendering.html_of("notice", **shown),
    )

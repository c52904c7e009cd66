"""The sentences of a report: subject, verdict and what to do next, per outcome. Kind, plain, and no personal data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from rostersync import runbook
from rostersync.catalogue import findings as catalogue
from rostersync.model import Evaluation, Finding, Outcome, Severity
from rostersync.reporting.attachments import ABSENT_PEOPLE, SCHOOLS_NAME, TEMPLATE_NAME, absent_people_steps
from rostersync.reporting.error_file import LEFT_OUT
from rostersync.reporting.facts import ListPlace, Lists, ReportFacts, amount, change_text, subject_start

_UP_TO_DATE = "There is nothing you need to do."
_SEND_CORRECTED = (
    "Send the corrected file as users.csv (CSV UTF-8) to your usual folder. Only the corrected rows are needed"
)
_SEND_WORKBOOK = (
    "Save the workbook as users.xlsx, or the corrected rows as users.csv (CSV UTF-8), and put it in your usual folder. "
    "Only the corrected rows are needed"
)
_WHY_THE_WORKBOOK = (
    "Take the workbook (.xlsx): it keeps zeros and dates, which a spreadsheet program loses when it opens a CSV."
)
_SEND_AGAIN = "Save the file as CSV UTF-8 and put it in your usual folder; it is read the next night."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What a contact reads first. `tone` is good, attention, stopped or waiting: the color beside the words."""

    tone: str
    badge: str
    subject: str
    verdict: str
    detail: str
    steps: tuple[str, ...]


def wording_for(facts: ReportFacts, lists: Lists) -> Wording:
    """The wording of this outcome for a reader who gets `lists`.

    Raises ValueError for an outcome that is never reported to contacts.
    """
    outcome = facts.evaluation.outcome
    if outcome not in _BY_OUTCOME:
        raise ValueError(f"no count report for outcome {outcome}")
    wording = _BY_OUTCOME[outcome](facts, lists)
    return _as_dry_run(wording) if facts.dry_run else wording


def _applied(facts: ReportFacts, lists: Lists) -> Wording:
    evaluation, would = facts.evaluation, facts.dry_run
    verdict = "Your staff file would be applied in full." if would else "Your staff file was applied in full."
    if not evaluation.rows.read:
        verdict = "Your staff file has no rows, so nothing changes." if would else "Your staff file had no rows."
    elif not evaluation.changes:
        verdict = "Everything in your staff file is already in the roster."
    if _left_out(evaluation):
        return _applied_in_part(facts, lists)
    look = (*absent_people_steps(facts, lists), *_to_look_at(evaluation))
    return Wording(
        tone="attention" if look else "good",
        badge="Please look" if look else "All good",
        subject=f"{subject_start(facts)}: staff file {'would be ' if would else ''}applied - {change_text(evaluation)}",
        verdict=verdict,
        detail=_read_sentence(evaluation),
        steps=look or (_UP_TO_DATE,),
    )


def _to_look_at(evaluation: Evaluation) -> tuple[str, ...]:
    """What an applied file still asks of its sender: remarks that advise more than to do nothing, and have no step."""
    remarks = {finding.code for finding in evaluation.findings if finding.severity is Severity.REMARK}
    if all(catalogue.asks_nothing(code) for code in remarks - {ABSENT_PEOPLE}):
        return ()
    return ('Please read the remarks under "Good to know": they say what to check, and what to do about it.',)


def _applied_in_part(facts: ReportFacts, lists: Lists) -> Wording:
    left, rows = amount(_left_out(facts.evaluation), "row"), facts.evaluation.rows
    return Wording(
        tone="attention",
        badge="Applied in part",
        subject=f"{subject_start(facts)}: staff file applied but for {left} - {change_text(facts.evaluation)}",
        verdict=f"Your staff file was approved and applied, but for {left}.",
        detail=f"{amount(rows.accepted, 'row').capitalize()} accepted. {_where_left_out(lists)}",
        steps=(
            "Look at the rows that were left out, and send those again that are still right.",
            *absent_people_steps(facts, lists),
        ),
    )


def _where_left_out(lists: Lists) -> str:
    where = {ListPlace.MAIL: "in the attached list", ListPlace.FOLDER: "in the list in your reports folder"}
    return f"What the approval left out changed nothing; it is {where.get(lists.place, 'among the remarks')}."


def _left_out(evaluation: Evaluation) -> int:
    return sum(finding.code == LEFT_OUT for finding in evaluation.findings)


def _read_sentence(evaluation: Evaluation) -> str:
    rows = evaluation.rows
    if not rows.read:
        return "To remove people, use the action column; leaving rows out removes nobody."
    if rows.set_aside:
        return f"{amount(rows.accepted, 'row').capitalize()} accepted, {rows.set_aside:,} set aside (see the remarks)."
    return "Its one row was accepted." if rows.read == 1 else f"All {rows.read:,} rows were accepted."


def _applied_with_errors(facts: ReportFacts, lists: Lists) -> Wording:
    rows = facts.evaluation.rows
    rejected = amount(rows.rejected, "row")
    needs = "needs" if rows.rejected == 1 else "need"
    return Wording(
        tone="attention",
        badge="Needs a correction",
        subject=f"{subject_start(facts)}: {rejected} {needs} a correction - {rows.accepted:,} of {rows.read:,} applied",
        verdict=f"{rejected} of your staff file {needs} a correction.",
        detail=f"{_others(facts)} A row with an error is left out as a whole and changes nothing."
        + (f" {_where_left_out(lists)}" if _left_out(facts.evaluation) else ""),
        steps=(
            *_correction_steps(lists, workbooks=facts.district.policies.workbooks),
            *absent_people_steps(facts, lists),
        ),
    )


def _others(facts: ReportFacts) -> str:
    rows = facts.evaluation.rows
    if not rows.accepted:
        return "No other row could be applied."
    were = "would be" if facts.dry_run else "was" if rows.accepted == 1 else "were"
    return f"The other {amount(rows.accepted, 'row')} {were} applied."


def _correction_steps(lists: Lists, *, workbooks: bool) -> tuple[str, ...]:
    if lists.place is ListPlace.NOWHERE:
        return (
            "Look below for what is wrong and how to fix it.",
            "Correct these rows in your own system.",
            f"{_SEND_CORRECTED}.",
        )
    opened = "the list in your reports folder"
    if lists.place is ListPlace.MAIL:
        opened = lists.files[0][0]
    schools = any(name.endswith(SCHOOLS_NAME) for name, _ in lists.files)
    return (
        f"Open {opened}: your own rows, with what is wrong and how to fix it. {_WHY_THE_WORKBOOK}"
        + (f" {SCHOOLS_NAME} lists your schools by name, with their IDs." if schools else ""),
        "Correct the marked cells there, or these rows at their origin in your own system.",
        f"{_SEND_WORKBOOK if workbooks else _SEND_CORRECTED}, and the three added columns may stay.",
    )


def _refused(facts: ReportFacts, lists: Lists) -> Wording:
    faults = [f for f in facts.evaluation.findings if f.severity is Severity.FILE]
    number, what = len(faults), _what_is_wrong(faults)
    verdict = "Your staff file could not be read, so nothing was applied."
    if what == "header fault":
        verdict = "The header row of your staff file needs a correction, so nothing was applied."
    return Wording(
        tone="stopped",
        badge="Not applied",
        subject=f"{subject_start(facts)}: staff file not applied - {amount(number, what)} to correct",
        verdict=verdict,
        detail=f"The roster is as it was before. {amount(number, what).capitalize()} {_are(number)} listed below.",
        steps=(
            f"Correct the {what}{'' if number == 1 else 's'} listed below."
            + (f" {TEMPLATE_NAME} has every header as it must be written." if lists.files else ""),
            _SEND_AGAIN,
        ),
    )


def _what_is_wrong(faults: list[Finding]) -> str:
    return "header fault" if faults and all(f.code.startswith("header-") for f in faults) else "file fault"


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _held(facts: ReportFacts, _lists: Lists) -> Wording:
    return _held_for_operators(facts) if facts.for_operators else _held_for_contacts(facts)


def _held_for_operators(facts: ReportFacts) -> Wording:
    return Wording(
        tone="waiting",
        badge="Waiting for your decision",
        subject=f"{subject_start(facts)}: decide about a held staff file - {change_text(facts.evaluation)} if approved",
        verdict="A staff file waits for your decision. Nothing was applied yet.",
        detail="It would change more than usual. The district's contacts have been asked to answer if they meant it.",
        steps=(
            f"Look at it: rostersync plan {facts.delivery}",
            f"Approve it: rostersync approve {facts.delivery}",
            "To leave out the schools named below, add --without-held-schools to that command.",
            f"Or discard it: rostersync discard {facts.delivery} --reason TEXT",
            "Airflow asks the same: see the required actions of held_delivery_review.",
            f"More about it: {runbook.page('held')}",
        ),
    )


def _held_for_contacts(facts: ReportFacts) -> Wording:
    return Wording(
        tone="waiting",
        badge="Waiting for approval",
        subject=f"{subject_start(facts)}: staff file waits for approval - {change_text(facts.evaluation)} if approved",
        verdict="Your staff file is waiting for a person's approval. Nothing was applied yet.",
        detail="It would change more than usual, so we ask before we do it. Below is what would happen.",
        steps=(
            "If you meant these changes, reply to this mail and say so; that speeds up the approval.",
            "If you did not, send a correct file. It is judged by itself, and this one can be discarded.",
        ),
    )


def _as_dry_run(wording: Wording) -> Wording:
    return Wording(
        tone=wording.tone,
        badge=f"Dry run: {wording.badge[0].lower()}{wording.badge[1:]}",
        subject=f"[Dry run] {wording.subject}",
        verdict=wording.verdict,
        detail=f"This was a dry run: the roster was not changed. {wording.detail}",
        steps=wording.steps,
    )


_BY_OUTCOME: dict[Outcome, Callable[[ReportFacts, Lists], Wording]] = {
    Outcome.APPLIED: _applied,
    Outcome.APPLIED_WITH_ERRORS: _applied_with_errors,
    Outcome.REFUSED: _refused,
    Outcome.HELD: _held,
}

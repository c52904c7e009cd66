"""The mail about a delivery that was undone: what was put back, what was left, and the list of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from rostersync.model import Change, NotRestored, NotRestoredReason, Report
from rostersync.reporting import rendering
from rostersync.reporting.attachments import packed
from rostersync.reporting.changes_file import differing
from rostersync.reporting.error_file import csv_bytes
from rostersync.reporting.facts import ListPlace, Lists, ReportFacts, amount, day_text, subject_start
from rostersync.reporting.report_variants import report_variants

if TYPE_CHECKING:
    from rostersync.configuration.district import AttachmentMode

LEFT_NAME = "undo-left.csv"
ZIP_NAME = "undo-left.zip"
WORDS = ("restored", "deactivated", "left")
LABELS = {
    "school": "Schools",
    "person": "Staff",
    "placement": "Placements",
    "class": "Classes",
    "enrollment": "Enrollments",
}
REASONS = {
    NotRestoredReason.CHANGED: "changed again afterwards",
    NotRestoredReason.BY_HAND: "edited by hand",
    NotRestoredReason.OWNER: "owned by the enrollment source, or by hand, by now",
    NotRestoredReason.GONE: "not in the roster under this ID any more",
    NotRestoredReason.TAKEN: "the ID or address is somebody else's by now",
    NotRestoredReason.IN_USE: "in use by others by now",
    NotRestoredReason.INACTIVE: "its person, class or school is not active",
}
_TEXT = pa.large_string()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    label: str
    numbers: tuple[int, ...]


def undone(
    facts: ReportFacts,
    *,
    ways: Collection[AttachmentMode],
    counts: Mapping[str, Mapping[str, int]],
    left: Sequence[NotRestored],
    applied_at: datetime,
) -> dict[AttachmentMode, Report]:
    """`facts` are those of the newest attempt that was undone, applied at that moment; `left` goes along as a file, in
    each of these ways (`ways.report_variants`).
    """
    files = packed({LEFT_NAME: left_file(left)}, ZIP_NAME) if left else ()
    since = day_text(applied_at, facts.district.timezone)
    shown = {
        "subject": f"{subject_start(facts)}: the staff file applied on {since} was undone",
        "verdict": f"The staff file applied on {since} was undone.",
        "detail": _detail(left),
        "words": WORDS,
        "counted": [
            _Row(label=label, numbers=tuple(counts.get(entity, {}).get(word, 0) for word in WORDS))
            for entity, label in LABELS.items()
        ],
        "reasons": reasons(left),
        "footer": facts.footer(),
    }
    return report_variants(facts, files, ways, lambda lists: _report(shown | {"lists": lists, "steps": _steps(lists)}))


def _report(shown: Mapping[str, Any]) -> Report:
    text, html = rendering.text_of("undone", **shown), rendering.html_of("undone", **shown)
    return Report(kind="undone", subject=shown["subject"], text=text, html=html)


def _detail(left: Sequence[NotRestored]) -> str:
    done = "A person decided so. What it had changed is as it was before; what it had created is deactivated."
    return f"{done} {amount(len(left), 'value').capitalize()} stayed, see below." if left else done


def _steps(lists: Lists) -> tuple[str, ...]:
    steps = (
        "The file is set aside: sent again unchanged, it is not applied. Send a corrected file when you have one.",
    )
    if lists.withheld:
        return (*steps, "If something of what stayed is wrong, it needs a row in your next file.")
    if not lists.files:
        return steps
    where = lists.files[0][0] if lists.place is ListPlace.MAIL else "the list in your reports folder"
    return (*steps, f"Look through {where}: what is wrong there needs a row in your next file.")


def reasons(left: Sequence[NotRestored]) -> list[tuple[int, str]]:
    """(how many, why) of what was left, most frequent first."""
    counted = Counter(record.reason for record in left)
    return [(number, REASONS[reason]) for reason, number in sorted(counted.items(), key=lambda item: -item[1])]


def left_file(left: Sequence[NotRestored]) -> bytes:
    """CSV for a spreadsheet, a line for each value that was left. Holds personal data."""
    return undo_file((), left)


def undo_file(changes: Sequence[Change], left: Sequence[NotRestored]) -> bytes:
    """The same, with every change of the undo before it."""
    made = [
        (
            change.entity,
            " / ".join(change.key),
            "",
            "deactivated" if change.action == "removed" else "restored",
            differing(change.before, change.after),
            differing(change.after, change.before),
            "",
        )
        for change in changes
    ]
    stays = [
        (record.entity, " / ".join(record.key), record.field or "", "left", "", "", why(record)) for record in left
    ]
    return _csv([*made, *stays])


def why(each: NotRestored) -> str:
    """The reason for a person, and who has changed the record since, when the log knows."""
    said = REASONS[each.reason]
    if each.since_at is None:
        return said
    whose = f"delivery {each.since_delivery}" if each.since_delivery else f"{each.since_actor}"
    return f"{said} (last by {whose}, {each.since_at:%Y-%m-%d})"


def _csv(rows: Sequence[tuple[str, ...]]) -> bytes:
    names = ("entity", "key", "field", "action", "now", "afterwards", "reason")
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    cells = (pa.array(column, type=_TEXT) for column in columns)
    return csv_bytes(pa.table(dict(zip(names, cells, strict=True))))

"""What a report is made from, and the small phrases all its parts share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rostersync.configuration.dictionary import Dictionary
from rostersync.model import ENTITIES, DateChanges, Evaluation, Reading, RosterSchool

if TYPE_CHECKING:
    from rostersync.configuration.districts import District


NOTHING_BY_DATE = DateChanges()


class ListPlace(StrEnum):
    """Where the reader of a mail finds the list of rows."""

    MAIL = "mail"
    FOLDER = "folder"
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """The list of rows as one reader gets it: where, and (name, size) of each file.

    `too_large` for the mail they should be with; `withheld`: there is a list, but this reader wants none.
    """

    place: ListPlace = ListPlace.NOWHERE
    files: tuple[tuple[str, str], ...] = ()
    too_large: bool = False
    withheld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFacts:
    """One judged delivery. `reading` is None when the raw bytes are swept (then no files).

    `reported_at`: the moment of the news, whose day is in the subject. `received_at`: when the file had arrived; a held
    one may have waited for days. Both are aware.
    """

    district: District
    delivery: str
    attempt: int
    reported_at: datetime
    received_at: datetime
    evaluation: Evaluation
    reading: Reading | None
    dictionary: Dictionary
    schools: tuple[RosterSchool, ...] = ()
    """The district's schools, by name."""
    dry_run: bool = False
    for_operators: bool = False
    """The reader decides about the delivery, instead of answering for the file."""
    dated: DateChanges = NOTHING_BY_DATE
    """What passing days did since the contacts were told last; no file asked for it."""
    absent_people: Mapping[str, bytes] = field(default_factory=dict)
    """The list of people whom the file does not name, as files: name → content."""

    def by_date(self) -> str:
        """What passing days did, in a sentence; empty when that was nothing."""
        numbers = {
            "ended by date": self.dated.ended,
            "started by date": self.dated.started,
            "people without any school left": self.dated.deactivated,
        }
        told = "; ".join(f"{what}: {number:,}" for what, number in numbers.items() if number)
        return f"{told[0].upper()}{told[1:]} (since the last report, not in the counts)." if told else ""

    def footer(self) -> dict[str, str]:
        """What identifies the delivery, under every mail."""
        return {
            "district": self.district.name,
            "delivery": self.delivery,
            "attempt": str(self.attempt),
            "dictionary": self.dictionary.version,
            "received": minute_text(self.received_at, self.district.timezone),
        }


def subject_start(facts: ReportFacts) -> str:
    """District and day; control characters of a configured name cannot reach a mail header."""
    return f"{' '.join(facts.district.name.split())}, {day_text(facts.reported_at, facts.district.timezone)}"


def change_text(evaluation: Evaluation) -> str:
    """'12 created, 3 updated and 1 removed' over all entities, or 'no changes'."""
    totals = {
        b: sum(evaluation.counts.get(e, {}).get(b, 0) for e in ENTITIES) for b in ("created", "updated", "removed")
    }
    return listed([f"{number:,} {bucket}" for bucket, number in totals.items() if number]) or "no changes"


def amount(number: int, noun: str, plural: str | None = None) -> str:
    """'1 row', '1,204 rows', 'no rows'."""
    if number == 0:
        return f"no {plural or noun + 's'}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(words: list[str]) -> str:
    """'a', 'a and b', 'a, b and c'."""
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def day_text(moment: datetime, timezone: str) -> str:
    """'Nov 24, 2026' on the district's calendar."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{_MONTHS[local.month - 1]} {local.day}, {local.year}"


def minute_text(moment: datetime, timezone: str) -> str:
    """'Nov 24, 2026, 2:05 AM CST' on the district's clock."""
    local = moment.astimezone(ZoneInfo(timezone))
    half = "AM" if local.hour < 12 else "PM"
    return f"{day_text(moment, timezone)}, {local.hour % 12 or 12}:{local.minute:02d} {half} {local.tzname()}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
"""Not strftime('%b'): the mail must not change with the locale of the machine."""

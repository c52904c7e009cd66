"""The numbers of a report: the 4 x 5 table, the row totals and the counts per school."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rostersync.model import BUCKETS, ENTITIES, Counts, RosterSchool, RowCounts
from rostersync.reporting.facts import amount
from rostersync.reporting.grouping import short

LABELS = {"school": "Schools", "staff": "Staff", "class": "Classes", "enrollment": "Enrollments"}
HEADINGS = {
    "created": "created",
    "updated": "updated",
    "unchanged": "no changes",
    "removed": "removed",
    "errors": "errors",
}
PER_SCHOOL = ("staff", "class", "enrollment")
NO_SCHOOL = "(none)"
"""The key of rows whose school cell is blank or unusable (docs/rules/counting.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number of the count table and the bucket it is in."""

    bucket: str
    number: int

    @property
    def text(self) -> str:
        return f"{self.number:,}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CountRow:
    """One entity of the count table."""

    label: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SchoolCounts:
    """One school's numbers as phrases: (entity, '2 created, 1 updated') for entities that the file named."""

    name: str
    phrases: tuple[tuple[str, str], ...]
    errors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Schools:
    """The schools worth a line, and how the others are told in a sentence."""

    shown: tuple[SchoolCounts, ...]
    remainder: str


def count_table(counts: Counts) -> tuple[CountRow, ...]:
    """The 4 x 5 table, complete also where nothing was counted."""
    return tuple(
        CountRow(label=LABELS[e], cells=tuple(Cell(bucket=b, number=counts.get(e, {}).get(b, 0)) for b in BUCKETS))
        for e in ENTITIES
    )


def row_totals(rows: RowCounts) -> tuple[tuple[str, str], ...]:
    """(label, number) of the rows: read = accepted + rejected + set aside."""
    return (
        ("read", f"{rows.read:,}"),
        ("accepted", f"{rows.accepted:,}"),
        ("rejected", f"{rows.rejected:,}"),
        ("set aside", f"{rows.set_aside:,}"),
    )


def schools(by_school: Mapping[str, Counts], roster: Sequence[RosterSchool] = (), *, cap: int) -> Schools:
    """Schools with errors or changes, by name; the quiet ones in one sentence, and those above `cap` with the fewest.

    An ID that is not in the roster and occurs in rejected rows only may be any text a person typed, so it is not shown:
    such rows are counted together under one line.
    """
    of_roster = {school.school_id: school for school in roster}
    known = {key: counts for key, counts in by_school.items() if key in of_roster or _has_accepted(counts)}
    loud = sorted(
        (k for k in known if _changes(known[k])), key=lambda k: (-_total(known[k], "errors"), -_changes(known[k]), k)
    )
    told = sorted(
        (of_roster.get(key, RosterSchool(school_id=key, name="")) for key in loud[:cap]), key=lambda s: s.place
    )
    lines = [_school(short(school.shown), known[school.school_id]) for school in told]
    unknown = [counts for key, counts in by_school.items() if key not in known]
    if unknown:
        lines.append(_school("Rows whose school could not be used", _summed(unknown)))
    return Schools(shown=tuple(lines), remainder=_remainder(len(loud) - cap, len(known) - len(loud)))


def _remainder(cut: int, unchanged: int) -> str:
    parts = [f"{amount(cut, 'more school')} with changes or errors"] if cut > 0 else []
    parts += [f"{amount(unchanged, 'school')} with no changes"] if unchanged else []
    return f"Not listed: {' and '.join(parts)}." if parts else ""


def _school(name: str, counts: Counts) -> SchoolCounts:
    phrases = tuple((LABELS[e], text) for e in PER_SCHOOL if (text := _phrase(counts.get(e, {}))))
    return SchoolCounts(name=name, phrases=phrases, errors=_total(counts, "errors"))


def _phrase(buckets: Mapping[str, int]) -> str:
    return ", ".join(f"{buckets[b]:,} {_heading(b, buckets[b])}" for b in BUCKETS if buckets.get(b))


def _heading(bucket: str, number: int) -> str:
    return "error" if bucket == "errors" and number == 1 else "unchanged" if bucket == "unchanged" else HEADINGS[bucket]


def _total(counts: Counts, *buckets: str) -> int:
    return sum(counts.get(e, {}).get(b, 0) for e in PER_SCHOOL for b in buckets)


def _changes(counts: Counts) -> int:
    return _total(counts, "created", "updated", "removed", "errors")


def _has_accepted(counts: Counts) -> bool:
    return bool(_total(counts, "created", "updated", "unchanged", "removed"))


def _summed(many: list[Counts]) -> Counts:
    return {e: {b: sum(c.get(e, {}).get(b, 0) for c in many) for b in BUCKETS} for e in PER_SCHOOL}

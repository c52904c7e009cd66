"""Deliveries for the report tests and the golden files: one clean, one with many errors, one refused, one held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import Dictionary, load_dictionary
from rostersync.configuration.districts import District
from rostersync.model import (
    BUCKETS,
    DateChanges,
    Evaluation,
    Finding,
    NotRestored,
    NotRestoredReason,
    Outcome,
    RawRow,
    Reading,
    Report,
    RosterSchool,
    RowCounts,
    Severity,
)
from rostersync.reporting import (
    ReportFacts,
    absent_people_files,
    count_report,
    count_reports,
    discarded,
    nothing_new,
    undone,
)

RECEIVED = datetime(2026, 11, 24, 8, 5, tzinfo=UTC)
DELIVERY = "rivertown-20261124-7f3a9c"
PERSON = {
    "schoolId": "0100",
    "userId": "004512",
    "userRole": "Teacher",
    "userFirstName": "Zoë",
    "userLastName": "Quillfeather",
    "userEmail": "z.quillfeather@rivertown.example.org",
    "primaryTeacher": "No",
}
"""A made-up person; none of these words may appear in a mail body."""


def district(name: str = "Rivertown School District") -> District:
    """A district of configuration, in Chicago's time zone."""
    return District.model_validate(
        {
            "code": "rivertown",
            "name": name,
            "state": "IL",
            "timezone": "America/Chicago",
            "source": {"file": "inboxes/rivertown"},
            "contacts": [{"address": "roster@rivertown.example.org", "name": "Roster team"}],
            "email_domains": ["rivertown.example.org"],
        }
    )


def reading(rows: Sequence[Mapping[str, str]], *, raw_rows: Sequence[RawRow] = (), start: int = 2) -> Reading:
    """A reading of these rows (missing cells are blank) at lines `start` and following."""
    headers = load_dictionary().headers
    kind = pd.StringDtype("pyarrow", na_value=np.nan)
    frame = pd.DataFrame({h: pd.Series([row.get(h, "") for row in rows], dtype=kind) for h in headers})
    lines = np.arange(start, start + len(rows), dtype=np.int64)
    return Reading(header=headers, frame=frame, lines=lines, raw_rows=tuple(raw_rows), findings=(), encoding="utf-8")


def entity(*numbers: int) -> dict[str, int]:
    """Buckets in the order created, updated, unchanged, removed, errors."""
    return dict(zip(BUCKETS, (*numbers, *[0] * (len(BUCKETS) - len(numbers))), strict=True))


def facts(outcome: Outcome, **changes: Any) -> ReportFacts:
    """A report's facts of this outcome; Judgement fields and ReportFacts fields may be given by name."""
    evaluation: dict[str, Any] = {
        "outcome": outcome,
        "rows": RowCounts(),
        "counts": {},
        "by_school": {},
        "findings": (),
    }
    report: dict[str, Any] = {
        "district": district(),
        "delivery": DELIVERY,
        "attempt": 1,
        "reported_at": RECEIVED,
        "received_at": RECEIVED,
        "reading": None,
        "dictionary": load_dictionary(),
    }
    for name, value in changes.items():
        (evaluation if name in Evaluation.__dataclass_fields__ else report)[name] = value
    return ReportFacts(evaluation=Evaluation(**evaluation), **report)


def clean() -> ReportFacts:
    """Everything applied, two remarks; assignments had begun and ended by their dates since the last mail."""
    return facts(
        Outcome.APPLIED,
        dated=DateChanges(started=2, ended=3, deactivated=1),
        rows=RowCounts(read=244, accepted=244),
        counts={
            "school": entity(0, 0, 6),
            "staff": entity(12, 3, 118, 1),
            "class": entity(4, 0, 57),
            "enrollment": entity(21, 2, 160, 3),
        },
        by_school={
            "0100": {"staff": entity(7, 2, 30), "class": entity(3, 0, 20), "enrollment": entity(12, 2, 60)},
            "0200": {"staff": entity(5, 1, 28, 1), "class": entity(1, 0, 17), "enrollment": entity(9, 0, 40, 3)},
            "0310": {"staff": entity(0, 0, 60), "class": entity(0, 0, 20), "enrollment": entity(0, 0, 60)},
        },
        findings=(
            make_finding("reactivated", line=19, column="userId", value=PERSON["userId"], entity="person"),
            *(make_finding("value-alias", line=n, column="classGrade", value="KG", accepted="K") for n in (31, 44, 45)),
        ),
        changes=46,
        reading=reading([PERSON]),
    )


def not_in_file() -> ReportFacts:
    """Everything applied; three of 120 people were not in the file any more."""
    headers, removal = load_dictionary().headers, PERSON | {"action": "REMOVE-USER"}
    rows = pa.table({name: pa.array([removal.get(name, "")] * 3, type=pa.large_string()) for name in headers})
    return replace(
        clean(),
        evaluation=replace(
            clean().evaluation, findings=(make_finding("people-not-in-file", count=3, of=120),), changes=46
        ),
        dated=DateChanges(),
        absent_people=absent_people_files(rows, load_dictionary()),
    )


def many_errors() -> ReportFacts:
    """Faults of several kinds in many schools; most rows applied."""
    rows = [{**PERSON, "userId": f"{4000 + n:06d}", "userEmail": f"z{n}@@rivertown.example.org"} for n in range(60)]
    dictionary = load_dictionary()
    return facts(
        Outcome.APPLIED_WITH_ERRORS,
        rows=RowCounts(read=5_204, accepted=5_142, rejected=61, set_aside=1),
        counts={
            "school": entity(0, 0, 46, 0, 1),
            "staff": entity(214, 57, 2_310, 12, 55),
            "class": entity(38, 4, 981, 2, 9),
            "enrollment": entity(402, 61, 3_377, 31, 14),
        },
        by_school={f"{100 * n:04d}": _school(n) for n in range(1, 56)}
        | {"Zoë Quillfeather": {"staff": entity(0, 0, 0, 0, 2)}, "(none)": {"staff": entity(0, 0, 0, 0, 1)}},
        findings=tuple(_faults(dictionary)),
        schools=_named_schools(),
        changes=821,
        reading=reading(rows, raw_rows=[RawRow(line=62, text="0100,004599,Teacher")]),
    )


def _named_schools() -> tuple[RosterSchool, ...]:
    """Fifty-five schools whose names are in another order than their IDs."""
    trees = ("Willow", "Ash", "Maple", "Birch", "Hazel", "Cedar", "Rowan", "Alder", "Linden", "Elm", "Juniper")
    kinds = ("Elementary School", "Middle School", "High School", "Academy", "Primary School")
    names = [f"{tree} {kind}" for kind in kinds for tree in trees]
    return tuple(RosterSchool(school_id=f"{100 * n:04d}", name=name) for n, name in enumerate(names, start=1))


def _school(number: int) -> dict[str, dict[str, int]]:
    errors = 55 - number if number < 9 else 0
    changed = number if number < 50 else 0
    return {
        "staff": entity(changed, changed // 2, 40 + number, 0, errors // 2),
        "class": entity(0, changed // 9, 20, 0, errors // 7),
        "enrollment": entity(changed * 2, 0, 61, changed // 10, errors // 3),
    }


def _faults(dictionary: Dictionary) -> list[Finding]:
    grades = ", ".join(dictionary.by_header["classGrade"].accepted)
    listed = [
        make_finding(
            "email-invalid",
            line=n,
            column="userEmail",
            value=f"z{n - 2}@@rivertown.example.org",
            reason="it has more than one @",
        )
        for n in range(2, 44)
    ]
    listed += [make_finding("cell-required", line=n, column="userLastName") for n in range(44, 54)]
    listed += [
        make_finding("value-not-allowed", line=n, column="classGrade", value="Third", accepted=grades, hint="")
        for n in range(54, 60)
    ]
    listed += [
        make_finding(
            "email-taken",
            line=60,
            column="userEmail",
            value=PERSON["userEmail"],
            user_id=PERSON["userId"],
            whom=f"userId {PERSON['userId']}",
            otherwise="if it is the same person, write the userId they already have",
        )
    ]
    listed += [
        make_finding("row-conflict", line=n, columns="userLastName", lines=other)
        for n, other in ((60, "61"), (61, "60"))
    ]
    listed += [
        make_finding("row-cell-count", line=62, cells=3, expected=20, problem="has 3 cells, but the header has 20")
    ]
    listed += [make_finding("cell-trimmed", line=n, column="userFirstName", value=" Zoë ") for n in range(100, 130)]
    listed += [
        make_finding("email-changed", line=n, column="userEmail", value="z@rivertown.example.org") for n in (300, 301)
    ]
    return listed


def refused() -> ReportFacts:
    """A header with six faults."""
    return facts(
        Outcome.REFUSED,
        findings=(
            make_finding("header-capitalization", line=1, column="Schoolid", suggestion="schoolId"),
            make_finding("header-misspelled", line=1, column="userEmial", suggestion="userEmail"),
            make_finding(
                "header-whitespace",
                line=1,
                column="userRole\u200b",
                suggestion="userRole",
                code_points="U+200B ZERO WIDTH SPACE",
            ),
            make_finding(
                "header-unknown",
                line=1,
                column="T-shirt <size>",
                hint=" The nearest valid header is staffType.",
                remedy=", or write staffType if that is what it holds",
            ),
            make_finding(
                "header-duplicate",
                line=1,
                column="userLastName",
                same_as="userLastName",
                position=9,
                first=8,
                letters="H and I",
            ),
            make_finding("header-missing", line=1, column="action", need="header"),
        ),
    )


def held() -> ReportFacts:
    """A mass removal that waits."""
    return facts(
        Outcome.HELD,
        rows=RowCounts(read=310, accepted=310),
        counts={
            "school": entity(0, 0, 4),
            "staff": entity(1, 0, 66, 120),
            "class": entity(),
            "enrollment": entity(0, 0, 44, 203),
        },
        by_school={"0100": {"staff": entity(1, 0, 30, 90), "enrollment": entity(0, 0, 0, 150)}},
        findings=(
            make_finding("hold-removals", entity="people", count=120, of=186),
            make_finding(
                "hold-school",
                entity="enrollments",
                count=150,
                of=180,
                school="0100",
                school_name="Willow Elementary School",
            ),
        ),
        changes=324,
        reading=reading([PERSON]),
    )


def approved_in_part() -> ReportFacts:
    """The mass removal, approved without its held school; a newer file had changed one more row's person."""
    rows = [PERSON | {"schoolId": "0100"}, PERSON | {"userId": "000901"}]
    return facts(
        Outcome.APPLIED,
        rows=RowCounts(read=310, accepted=308, set_aside=2),
        counts={
            "school": entity(0, 0, 4),
            "staff": entity(1, 0, 66, 30),
            "class": entity(),
            "enrollment": entity(0, 0, 44, 53),
        },
        by_school={"0200": {"staff": entity(1, 0, 30, 30), "enrollment": entity(0, 0, 0, 53)}},
        findings=(
            make_finding(
                "row-left-out",
                line=2,
                column="schoolId",
                value="0100",
                reason="its school was left out of the approval",
            ),
            make_finding("row-left-out", line=3, reason="a newer file has changed the same record since"),
        ),
        changes=84,
        reading=reading(rows),
    )


def discarded_report() -> Report:
    """The mass removal that nobody decided about."""
    return discarded(replace(held(), reading=None), expired_after=14)


def nothing_new_report() -> Report:
    """The file of four days ago once more."""
    again = facts(Outcome.APPLIED_WITH_ERRORS, rows=RowCounts(read=244, accepted=230, rejected=14))
    return nothing_new(again, applied_at=datetime(2026, 11, 20, 8, 4, tzinfo=UTC))


def undone_report() -> Report:
    """The clean file undone a day later; a newer file and a hand had changed some of it."""
    counts = {
        "school": {"restored": 0, "deactivated": 0, "left": 0},
        "person": {"restored": 4, "deactivated": 11, "left": 2},
        "placement": {"restored": 3, "deactivated": 12, "left": 0},
        "class": {"restored": 0, "deactivated": 3, "left": 1},
        "enrollment": {"restored": 5, "deactivated": 20, "left": 1},
    }
    newer = {"since_delivery": DELIVERY, "since_actor": "rostersync", "since_at": RECEIVED}
    user = PERSON["userId"]
    left = (
        NotRestored(entity="class", key=("c-12",), field="status", reason=NotRestoredReason.IN_USE),
        NotRestored(entity="enrollment", key=(user, "c-12"), field="status", reason=NotRestoredReason.CHANGED, **newer),
        NotRestored(entity="person", key=(user,), field="email", reason=NotRestoredReason.TAKEN),
        NotRestored(entity="person", key=("000901",), field="last_name", reason=NotRestoredReason.CHANGED, **newer),
    )
    applied = facts(Outcome.APPLIED, rows=RowCounts(read=244, accepted=244))
    since = datetime(2026, 11, 23, 8, 4, tzinfo=UTC)
    return undone(applied, ways=(), counts=counts, left=left, applied_at=since)["attach"]


def golden_reports() -> dict[str, Report]:
    """name → report: what `tests/golden` holds as HTML and text."""
    return {
        "clean": count_report(clean()),
        "not-in-file": count_report(not_in_file()),
        "many-errors": count_report(many_errors()),
        "list-in-folder": count_reports(many_errors(), ["sftp"])["sftp"],
        "counts-only": count_reports(many_errors(), ["counts-only"])["counts-only"],
        "refused-header": count_report(refused()),
        "held": count_report(held()),
        "held-operators": count_report(replace(held(), for_operators=True, reading=None)),
        "approved-in-part": count_report(approved_in_part()),
        "discarded": discarded_report(),
        "nothing-new": nothing_new_report(),
        "undone": undone_report(),
    }


__all__ = ["DELIVERY", "PERSON", "Severity", "clean", "facts", "golden_reports", "held", "many_errors", "refused"]

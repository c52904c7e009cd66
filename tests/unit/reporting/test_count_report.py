"""The count report: outcome by outcome, what it shows, what it never shows, and its golden files."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rostersync.catalogue.findings import make_finding
from rostersync.model import BUCKETS, ENTITIES, Outcome, RowCounts, Severity
from rostersync.reporting import (
    ReportFacts,
    attachments,
    count_report,
    count_reports,
    grouping,
    nothing_new,
    rendering,
)
from tests.support import report_cases
from tests.support.report_cases import PERSON, entity, facts
from tests.support.write import goldens as golden_write

REWRITE = "ROSTERSYNC_WRITE_GOLDENS" in os.environ
"""Read before any test's environment is cleaned."""
REPORTED = [
    report_cases.clean,
    report_cases.not_in_file,
    report_cases.many_errors,
    report_cases.refused,
    report_cases.held,
]


class Tables(HTMLParser):
    """The cells of the count table, row by row; and every address the HTML would load something from."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.loads: list[str] = []
        self._inside = False
        self._cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found_attrs = dict(attrs)
        self._inside = self._inside or found_attrs.get("class") == "numbers"
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "background") and v]
        if self._inside and tag == "tr":
            self.rows.append([])
        self._cell = self._inside and tag in ("td", "th")

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "table"
        self._cell = False

    def handle_data(self, data: str) -> None:
        if self._cell:
            self.rows[-1].append(data)


@pytest.mark.parametrize("name", [*golden_write.bodies()])
def test_golden_mail(name: str) -> None:
    """What contacts see changes only on purpose: `make goldens`, look, commit."""
    if REWRITE:
        golden_write.write()
    assert (golden_write.GOLDEN / name).read_bytes() == golden_write.bodies()[name].encode()


@pytest.mark.parametrize("case", REPORTED)
def test_no_cell_of_a_file_is_in_a_mail(case: type[ReportFacts]) -> None:
    report = count_report(case())
    for word in ("Quillfeather", "Zoë", PERSON["userEmail"], "@@", PERSON["userId"], "004599"):
        assert word not in report.subject + report.text + report.html


@pytest.mark.parametrize("case", REPORTED)
def test_the_html_loads_nothing_and_is_small_enough(case: type[ReportFacts]) -> None:
    html = count_report(case()).html
    assert Tables(html).loads == []
    assert "@import" not in html
    assert "url(" not in html
    assert len(html.encode()) < rendering.HTML_LIMIT


def test_each_way_has_its_own_mail_and_one_has_the_files() -> None:
    made = count_reports(report_cases.many_errors(), ["sftp", "counts-only"])
    assert {way: report.kind for way, report in made.items()} == {
        "attach": "count_report",
        "sftp": "count_report_sftp",
        "counts-only": "count_report_counts_only",
    }
    files = made["attach"].files
    start = f"{report_cases.DELIVERY}-1-"
    assert [(file.name, file.attached, file.target) for file in files] == [
        (name, True, start + name) for name in ("users-errors.xlsx", "users-errors.csv")
    ]
    assert made["sftp"].files == made["counts-only"].files == ()
    assert all(f"reports/{file.target}" in made["sftp"].text for file in files)
    for report in made.values():
        assert ("users-errors" in report.text + report.html) is (report is not made["counts-only"])


def test_without_a_list_all_ways_are_one_report() -> None:
    made = count_reports(report_cases.clean(), ["sftp", "counts-only"])
    assert all(report is made["attach"] for report in made.values())
    assert made["attach"].files == ()


def test_nobody_wants_the_folder_so_nothing_is_dropped_unless_it_is_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = report_cases.many_errors()
    assert [file.target for file in count_report(facts).files] == [None, None]
    monkeypatch.setattr(attachments, "ATTACH_UP_TO", 16_000)  # the CSV is larger, its twin is not
    book, csv = count_report(facts).files
    assert len(csv.content) > 16_000 > len(book.content)
    assert not csv.attached
    assert not book.attached
    assert "too large for a mail" in count_report(facts).text


def test_the_count_table_is_four_by_five_in_html_and_text() -> None:
    report = count_report(report_cases.many_errors())
    rows = Tables(report.html).rows
    assert rows[1:] == [
        ["Schools", "0", "0", "46", "0", "1"],
        ["Staff", "214", "57", "2,310", "12", "55"],
        ["Classes", "38", "4", "981", "2", "9"],
        ["Enrollments", "402", "61", "3,377", "31", "14"],
    ]
    for row in rows[1:]:
        assert re.search(r"^" + r"\s+".join(row) + "$", report.text, re.MULTILINE)


@pytest.mark.parametrize(
    ("case", "kind", "words"),
    [
        (report_cases.clean, "count_report", "37 created, 5 updated and 4 removed"),
        (report_cases.many_errors, "count_report", "61 rows need a correction - 5,142 of 5,204 applied"),
        (report_cases.refused, "refused", "6 header faults to correct"),
        (report_cases.held, "held", "waits for approval - 1 created and 323 removed if approved"),
    ],
)
def test_a_subject_says_district_day_and_what_happened(case: type[ReportFacts], kind: str, words: str) -> None:
    report = count_report(case())
    assert report.kind == kind
    assert report.subject.startswith("Rivertown School District, Nov 24, 2026: ")
    assert words in report.subject


def test_the_day_is_the_districts_own() -> None:
    late = facts(Outcome.APPLIED, reported_at=datetime(2026, 11, 24, 3, 0, tzinfo=UTC))
    assert "Nov 23, 2026" in count_report(late).subject


def test_a_refused_file_names_every_fault() -> None:
    headers = [f"bogus{n}" for n in range(40)]
    refused = facts(
        Outcome.REFUSED,
        findings=tuple(
            make_finding(
                "header-unknown",
                line=1,
                column=h,
                hint=" The nearest valid header is schoolId.",
                remedy=", or write schoolId if that is what it holds",
            )
            for h in headers
        ),
    )
    report = count_report(refused)
    assert "40 header faults" in report.subject
    assert report.text.count("\n* ") == 40
    assert [file.name for file in report.files] == ["users-template.csv"]


def test_what_stands_in_place_of_a_header_is_not_shown() -> None:
    """Without a header the first row is a person's; its cells must not be listed as unknown headers."""
    refused = facts(
        Outcome.REFUSED,
        findings=(
            make_finding("file-no-header", problem="line 1 looks like data", header_line=1),
            make_finding(
                "header-unknown",
                line=1,
                column="Quillfeather",
                hint=" The nearest valid header is userLastName.",
                remedy=", or write userLastName if that is what it holds",
            ),
        ),
    )
    report = count_report(refused)
    assert "Quillfeather" not in report.text + report.html


def test_the_error_files_go_along_when_a_row_was_rejected() -> None:
    assert [f.name for f in count_report(report_cases.many_errors()).files] == ["users-errors.xlsx", "users-errors.csv"]
    assert count_report(report_cases.clean()).files == ()


def test_a_dry_run_says_would_be_and_that_nothing_changed() -> None:
    dry = facts(
        Outcome.APPLIED,
        dry_run=True,
        changes=1,
        rows=RowCounts(read=1, accepted=1),
        counts={"staff": entity(1)},
        by_school={},
    )
    report = count_report(dry)
    assert report.subject.startswith("[Dry run] ")
    assert "would be applied" in report.subject
    assert "the roster was not changed" in report.text
    assert "WHAT WOULD CHANGE" in report.text


@pytest.mark.parametrize("outcome", [Outcome.DUPLICATE, Outcome.WAITING, Outcome.NO_FILE, Outcome.FAILED])
def test_other_outcomes_have_no_count_report(outcome: Outcome) -> None:
    with pytest.raises(ValueError, match=outcome.value):
        count_report(facts(outcome))


def test_nothing_new_is_one_mail_a_day() -> None:
    """The kind carries the district's day: the outbox keeps one report per delivery, attempt and kind."""
    applied = datetime(2026, 11, 20, 8, tzinfo=UTC)
    today = facts(Outcome.APPLIED)
    later = facts(Outcome.APPLIED, reported_at=today.reported_at + timedelta(hours=2))
    tomorrow = facts(Outcome.APPLIED, reported_at=today.reported_at + timedelta(days=1))
    kinds = [nothing_new(f, applied_at=applied).kind for f in (today, later, tomorrow)]
    assert kinds[0] == kinds[1] != kinds[2]
    assert "nothing new" in nothing_new(today, applied_at=applied).subject


def test_markup_in_names_is_shown_not_run() -> None:
    shady = report_cases.district("<script>alert(1)</script> & Söhne")
    report = count_report(facts(Outcome.APPLIED, district=shady))
    assert "<script" not in report.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; Söhne" in report.html
    assert shady.name in report.text


def test_a_school_known_from_rejected_rows_only_is_not_named() -> None:
    """Its ID may be anything that was typed into that cell."""
    report = count_report(
        facts(
            Outcome.APPLIED_WITH_ERRORS,
            rows=RowCounts(read=3, accepted=1, rejected=2),
            by_school={"0100": {"staff": entity(1)}, "Zoë Quillfeather": {"staff": entity(0, 0, 0, 0, 2)}},
        )
    )
    assert "Quillfeather" not in report.html
    assert "2 errors" in report.text


def test_remarks_that_a_person_must_see_are_listed_before_frequent_ones() -> None:
    findings = [make_finding("cell-trimmed", line=n, column="schoolId") for n in range(2, 90)]
    findings += [make_finding("role-raised", line=99), make_finding("email-changed", line=99)]
    text = count_report(facts(Outcome.APPLIED, findings=tuple(findings))).text
    assert text.index("role-raised") < text.index("cell-trimmed")
    assert text.index("email-changed") < text.index("cell-trimmed")


numbers = st.integers(0, 10**7)
bucketed = st.fixed_dictionaries(dict.fromkeys(BUCKETS, numbers))
named = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=100)


@settings(max_examples=20, deadline=None)
@given(
    schools=st.lists(named, min_size=30, max_size=60, unique=True),
    counted=st.fixed_dictionaries(dict.fromkeys(ENTITIES, bucketed)),
    header=st.lists(named, min_size=150, max_size=200),
    outcome=st.sampled_from([Outcome.APPLIED_WITH_ERRORS, Outcome.REFUSED]),
)
def test_no_report_is_too_large_for_gmail(
    schools: list[str], counted: dict[str, dict[str, int]], header: list[str], outcome: Outcome
) -> None:
    findings = [
        make_finding(
            "header-unknown",
            line=1,
            column=h,
            hint=" The nearest valid header is schoolId.",
            remedy=", or write schoolId if that is what it holds",
        )
        for h in header
    ]
    report = count_report(
        facts(outcome, counts=counted, by_school=dict.fromkeys(schools, counted), findings=tuple(findings))
    )
    assert len(report.html.encode()) < rendering.HTML_LIMIT
    assert all(f.severity is Severity.FILE for f in findings)


def test_a_detail_that_may_hold_a_cell_is_not_shown_in_a_mail() -> None:
    """Identifiers of people, parts of cells and spelled-out characters; phrases of the rules stay."""
    dictionary = report_cases.load_dictionary()
    hidden = {"known": "004512", "user_id": "004512", "old": "004512", "domain": "quill.example", "first": "2026-01-01"}
    hidden |= {"school": "Zoë Quillfeather", "characters": "'Z' U+005A, 'o' U+006F"}
    shown = {"reason": "it has no @", "lines": "60, 61", "missing": "className", "max": 100, "word": "REMOVE-USER"}
    masked = grouping.without_cells(make_finding("id-taken", line=2, column="userId", **hidden, **shown), dictionary)
    assert masked.detail == {**dict.fromkeys(hidden, "(not shown)"), **shown}

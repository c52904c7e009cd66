"""What goes along with a mail beside the rows: the schools where one is unknown, the template for a wrong header."""

from __future__ import annotations

import csv
import io

import pytest

from rostersync.catalogue.findings import make_finding
from rostersync.configuration.dictionary import load_dictionary
from rostersync.model import Finding, Outcome, RosterSchool, RowCounts
from rostersync.reporting import ReportFacts, count_report, count_reports
from tests.support.report_cases import PERSON, entity, facts, reading

SCHOOLS = (
    RosterSchool(school_id="0300", name="Ash Middle"),
    RosterSchool(school_id="0100", name="Birch Elementary"),
    RosterSchool(school_id="0900", name="Closed High", active=False),
    RosterSchool(school_id="0200", name="Zinnia High"),
)


def with_errors(*findings: Finding, **changes: object) -> ReportFacts:
    return facts(
        Outcome.APPLIED_WITH_ERRORS,
        rows=RowCounts(read=2, accepted=1, rejected=1),
        findings=findings,
        reading=reading([PERSON]),
        schools=SCHOOLS,
        **changes,
    )


def unknown() -> Finding:
    return make_finding(
        "school-unknown", line=2, column="schoolId", value="77", school="77", suggestion="none", hint=""
    )


def test_an_unknown_school_brings_the_list_of_schools_by_name() -> None:
    files = {file.name: file.content for file in count_report(with_errors(unknown())).files}
    assert list(files) == ["users-errors.xlsx", "users-errors.csv", "schools.csv"]
    assert list(csv.reader(io.StringIO(files["schools.csv"].decode("utf-8-sig")))) == [
        ["schoolName", "schoolId"],
        ["Ash Middle", "0300"],
        ["Birch Elementary", "0100"],
        ["Zinnia High", "0200"],
    ]


def test_no_other_error_brings_it_and_who_wants_counts_only_gets_none() -> None:
    other = count_report(with_errors(make_finding("cell-required", line=2, column="userLastName")))
    assert [file.name for file in other.files] == ["users-errors.xlsx", "users-errors.csv"]
    alone = count_reports(with_errors(unknown()), ["counts-only"])["counts-only"]
    assert alone.files == ()
    assert "Attached" not in alone.text


@pytest.mark.parametrize(
    ("finding", "attached"),
    [
        (make_finding("header-missing", line=1, column="action", need="header"), True),
        (make_finding("file-no-header", problem="line 1 looks like data", header_line=1, remedy=""), True),
        (make_finding("file-delimiter", problem="starts with a sep= line", remedy=""), False),
    ],
)
def test_a_fault_of_the_header_brings_the_template_to_everybody(finding: Finding, attached: bool) -> None:
    """It holds nobody's data: contacts who want counts only get it as well."""
    made = count_reports(facts(Outcome.REFUSED, findings=(finding,)), ["attach", "sftp", "counts-only"])
    assert len({id(report) for report in made.values()}) == 1
    files = [(file.name, file.attached, file.target) for file in made["attach"].files]
    assert files == ([("users-template.csv", True, None)] if attached else [])
    if attached:
        assert made["attach"].files[0].content.decode("utf-8-sig").rstrip("\r\n").split(",") == list(
            load_dictionary().headers
        )


def test_schools_are_told_by_name_in_the_order_of_names() -> None:
    by_school = {
        "0100": {"staff": entity(1)},
        "0200": {"staff": entity(9)},
        "0300": {"staff": entity(0, 0, 0, 0, 2)},
        "(unknown)": {"staff": entity(0, 0, 0, 0, 3)},
    }
    text = count_report(with_errors(unknown(), by_school=by_school)).text
    places = [
        text.index(f"* {name}") for name in ("Ash Middle (0300)", "Birch Elementary (0100)", "Zinnia High (0200)")
    ]
    assert places == sorted(places)
    assert "* (unknown)" not in text


def test_a_hold_names_the_school() -> None:
    held = make_finding("hold-school", entity="people", count=9, of=10, school="0100", school_name="Birch Elementary")
    assert "at Birch Elementary (0100)" in count_report(facts(Outcome.HELD, findings=(held,))).text
    before = make_finding("hold-school", entity="people", count=9, of=10, school="0100")
    assert "at school 0100" in count_report(facts(Outcome.HELD, findings=(before,))).text


@pytest.mark.parametrize(
    ("code", "good"),
    [("file-encoding-fallback", False), ("id-looks-like-ssn", False), ("cell-trimmed", True), ("email-changed", True)],
)
def test_not_all_is_good_where_a_remark_asks_for_something(code: str, good: bool) -> None:
    remark = make_finding(code, line=2, column="userId", bad_line=2)
    text = count_report(facts(Outcome.APPLIED, findings=(remark,), rows=RowCounts(read=1, accepted=1))).text
    assert text.startswith("ALL GOOD") is good
    assert ("nothing you need to do" in text) is good

"""Rules about cells: one faulty cell in an otherwise valid row gets exactly its one finding, whatever stands around.

All rows are judged as one file, each about a school, person and class of its own; each test looks at its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from rostersync.model import Screened
from tests.support.factories import DICTIONARY, removal, row, screened, staff

Expected = list[tuple[str, str]]
Cells = Mapping[str, str]

COLUMNS = DICTIONARY.columns
REQUIRED = [c.header for c in COLUMNS if c.need == "required"]
OPTIONAL = [c.header for c in COLUMNS if c.need == "optional" and c.kind != "blank"]
TEXTS = [c.header for c in COLUMNS if c.kind == "text"]
IDS = [c.header for c in COLUMNS if c.kind == "id"]
PLAIN_IDS = [c.header for c in COLUMNS if c.kind == "id" and c.characters != "any"]
CHOICES = [c.header for c in COLUMNS if c.kind == "choice"]
DATES = [c.header for c in COLUMNS if c.kind == "date"]
NAMES = [c.header for c in COLUMNS if c.name]
UNSEEN = ["\n", "\r\n", "\t", "\x07", "\x7f", "\x85", "\u200b", "\u200d", "\u202e", "\u2066", "\u2028", "\ufeff"]


def broken() -> Iterator[tuple[str, str, str]]:
    """header, cell, code: every rule about a single cell, in every column it concerns."""
    yield from ((h, blank, "cell-required") for h in REQUIRED for blank in ("", "  ", "\u00a0"))
    yield from ((h, "", "class-incomplete") for h in DICTIONARY.class_group.needs)
    yield from (
        (h, s, "cell-placeholder") for h in REQUIRED if h not in NAMES for s in ("N/A", "null", "NONE", "-", "?")
    )
    yield from ((h, s, "cell-placeholder") for h in NAMES for s in ("-", "--", ".", "?", "N/A"))
    yield from ((h, "N/A", "cell-placeholder") for h in [*OPTIONAL, "action", "primaryTeacher", "userGrade", "classId"])
    yield from ((h, f"A{c}b", "cell-character") for h in TEXTS + IDS for c in UNSEEN)
    yield from ((h, "No\u200b", "cell-character") for h in [*CHOICES, *DATES, "userGrade", "userEmail"])
    yield from ((h, "Ａ１２", "cell-character") for h in IDS)
    yield from (
        (c.header, "x" * (c.max_length + 1), "cell-too-long") for c in COLUMNS if c.max_length and c.kind != "email"
    )
    yield from ((h, f"van{s}Dam", "cell-trimmed") for h in TEXTS for s in ("  ", " \u3000", "\u00a0"))
    yield from ((h, text, "cell-mojibake") for h in [*TEXTS, "schoolId"] for text in ("JosÃ©", "MÃ¼ller", "Itâ€™s"))
    yield from (
        (h, damage, "cell-spreadsheet-damage")
        for h in [*IDS, "classGrade"]
        for damage in ("1.23E+11", "4E+05", "12345.0", "12-Sep", "Sep-12", "3/1/2026", "2026-01-03")
    )
    yield from (
        (h, d, "cell-spreadsheet-damage") for h in DICTIONARY.headers for d in ("#REF!", "#N/A", "#####", '="001"')
    )
    yield from (
        (h, wrong, "id-character") for h in PLAIN_IDS for wrong in ("a b", "Müller", "a/b", "a,b", "a'b", "a–b")
    )
    yield from ((h, "123-45-6789", "id-looks-like-ssn") for h in ("userId", "userDistrictId", "userStateId"))
    yield from (("userId", "a:b", "id-character"), ("classId", "a@b", "id-character"))
    yield from ((h, "Perhaps", "value-not-allowed") for h in CHOICES)
    yield from ((c.header, v.swapcase(), "value-not-allowed") for c in COLUMNS for v in c.accepted if v.swapcase() != v)
    yield from ((c.header, alias, "value-alias") for c in COLUMNS for alias in c.aliases)
    yield from (("userRole", word, "role-student") for word in ("Student", "student", "STUDENT"))
    yield ("userGrade", "3", "grade-for-staff")
    yield from (("userEmail", address, "email-invalid") for address in INVALID)
    yield from (("userEmail", a, "email-look-alike") for a in ("аnn@example.org", "ann@exаmple.org", "αnn@example.org"))
    yield from (
        (h, wrong, "date-invalid")
        for h in DATES
        for wrong in (
            "2026-02-30",
            "2026-13-01",
            "0000-01-01",
            "15.8.2026",
            "8/15/2026",
            "20260815",
            "2026-8-15",
            "soon",
        )
    )
    yield ("endDate", "2026-08-14", "date-order")


INVALID = [
    "a@x",
    "no-at.example.org",
    "a@@example.org",
    "a b@example.org",
    "a..b@example.org",
    ".a@example.org",
    "a@example.org.",
    "a@.example.org",
    "Ann <a@example.org>",
    "mailto:a@example.org",
    "a@example.org;b@example.org",
    '"a b"@example.org',
    "a@[127.0.0.1]",
    "ä@example.org",
    "a@exa_mple.org",
    "a@example.org\r\nBcc: b@example.org",
    "a@-example.org",
    f"{'a' * 65}@example.org",
    f"a@{'b' * 63}.{'c' * 63}.{'d' * 63}.{'e' * 63}.org",
    "a@example.local",
]


def whole() -> Iterator[tuple[str, str]]:
    """header, cell: all kinds of unusual cells that are fine."""
    yield from ((h, "") for h in OPTIONAL)
    yield from ((h, name) for h in NAMES for name in ("Null", "NULL", "None", "NA", "Nan", "True", "0", "Nil"))
    yield from ((c.header, "x" * c.max_length) for c in COLUMNS if c.max_length and c.kind != "email")
    yield from (
        ("className", text) for text in ("𠮷" * 200, "Ａ１２", "=1+1", "<b>", "{{ 7*7 }}", "'; DROP TABLE x", "“CAFÉ”")
    )
    yield from (
        ("userLastName", n) for n in ("José", "Ñandú", "CAFÉ’S", "JÄ’S", "Łukasz", "ʻOkina", "山田", "O'Brien", "👩")
    )
    yield from (
        ("userId", i) for i in ("1E5", "00123", "NULLA", "E12", "12E", "a.b@c-d_e", "000-45-6789", "923-45-6789")
    )
    yield from (("classId", "a.b:c-d_e"), ("schoolId", "Oak Street / 12 ü"))
    yield from ((c.header, v) for c in COLUMNS if c.header not in ("action", "userRole") for v in c.accepted)
    yield from (("userEmail", a) for a in ("Ann.O'Brien+x@Example.ORG", "a@münchen.example", f"{'a' * 64}@example.org"))
    yield ("endDate", "2026-08-15")


CASES: list[tuple[Cells, Expected]] = [
    *(({header: cell}, [(header, code)]) for header, cell, code in broken()),
    *(({header: cell}, []) for header, cell in whole()),
]


@pytest.fixture(scope="module")
def judged() -> Screened:
    return screened(*(row(number, **cells) for number, (cells, _) in enumerate(CASES, start=1)))


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda n: ascii([*CASES[n][0].items(), *CASES[n][1]])[:80])
def test_one_cell_gets_exactly_its_finding(judged: Screened, number: int) -> None:
    expected = [(number + 2, header, code) for header, code in CASES[number][1]]
    assert [finding.flat for finding in judged.findings if finding.line == number + 2] == expected


def test_rows_with_errors_are_rejected_and_no_others(judged: Screened) -> None:
    errors = {finding.line for finding in judged.findings if finding.severity == "row"}
    assert set(judged.rows.line[judged.rows.status == "rejected"]) == errors


def test_findings_are_in_the_order_of_the_file(judged: Screened) -> None:
    lines = [finding.line for finding in judged.findings]
    assert lines == sorted(line for line in lines if line is not None)


def test_a_finding_carries_the_cell_as_typed() -> None:
    assert screened(row(userEmail=" no body ")).findings[0].value == " no body "


def test_remarks_change_the_value_and_keep_the_row() -> None:
    kinds = {"classGrade": (" KG ", "K"), "userFirstName": ("Jose\u0301  ", "José"), "staffType": ("none", "")}
    rows = [row(n, **{header: typed}) for n, (header, (typed, _)) in enumerate(kinds.items(), start=1)]
    judged = screened(*rows)
    assert judged.rows.status.tolist() == ["accepted"] * 3
    assert [judged.rows[header][n] for n, header in enumerate(kinds)] == [meant for _, meant in kinds.values()]


@pytest.mark.parametrize("header", [c.header for c in COLUMNS if c.kind != "blank" and c.header != "action"])
def test_outer_spaces_are_removed(header: str) -> None:
    valid = row()[header] or (DICTIONARY.by_header[header].accepted or ("x",))[0]
    judged = screened(row(**{header: f" \u00a0{valid}  "}))
    assert [finding.flat for finding in judged.findings] == [(2, header, "cell-trimmed")]
    assert judged.rows[header].tolist() == [valid]


def test_addresses_are_folded_to_a_key() -> None:
    addresses = {
        "Ann.O'Brien+x@Example.ORG": "ann.o'brien+x@example.org",
        "a@münchen.example": "a@xn--mnchen-3ya.example",
        "B@XN--MNCHEN-3YA.example": "b@xn--mnchen-3ya.example",
        "nobody": "",
    }
    judged = screened(*(row(n, userEmail=address) for n, address in enumerate(addresses, start=1)))
    assert judged.rows.email_key.tolist() == [*addresses.values()]
    assert judged.rows.userEmail.tolist() == [*addresses]


def test_addresses_outside_the_districts_domains_are_remarked() -> None:
    told = ["a@district.org", "b@K12.District.ORG", "c@notdistrict.org", "d@district.org.example"]
    rows = [row(n, userEmail=address) for n, address in enumerate(told, start=1)]
    judged = screened(*rows, email_domains=("district.org",))
    assert [finding.flat for finding in judged.findings] == [
        (4, "userEmail", "email-domain"),
        (5, "userEmail", "email-domain"),
    ]


def test_a_class_group_opens_by_any_of_its_columns() -> None:
    rows = [
        staff(1),
        staff(2, primaryTeacher="No", classDisplayName="Reading"),
        staff(3, primaryTeacher="Yes"),
        staff(4, className="Reading"),
        staff(5, classGrade="N/A", classId="-"),
        staff(6, classGrade="3", classId="-"),
    ]
    judged = screened(*rows)
    assert [finding.flat for finding in judged.findings] == [
        (4, "classId", "class-incomplete"),
        (5, "classId", "class-incomplete"),
        (6, "classId", "cell-placeholder"),
        (6, "classGrade", "cell-placeholder"),
        (7, "classId", "cell-placeholder"),
        (7, "className", "class-incomplete"),
    ]
    assert judged.findings[0].detail["missing"] == "classId, className, classGrade"
    assert judged.rows.status.tolist() == ["accepted", "accepted", "rejected", "rejected", "accepted", "rejected"]


def test_removals_need_their_keys_and_nothing_else() -> None:
    rows, expected = [], []
    for word, action in DICTIONARY.actions.items():
        others = [h for h in DICTIONARY.headers if h not in ("action", *action.keys)]
        rows.append(removal(word, len(rows) + 1, **dict.fromkeys(others, " ä/\u200b N/A ")))
        for key in action.keys:
            for cell, code in (("", "action-incomplete"), ("N/A", "cell-placeholder")):
                rows.append(removal(word, len(rows) + 1, **{key: cell}))
                expected.append((len(rows) + 1, key, code))
    judged = screened(*rows)
    assert [finding.flat for finding in judged.findings] == expected
    # Name and address stay as they are, for the plan to compare; no other cell that is not asked for does.
    assert judged.rows.userMiddleName.tolist() == [""] * len(rows)
    assert [bool(name) for name in judged.rows.userLastName] == [bool(row["userLastName"]) for row in rows]


def test_a_row_with_an_unknown_action_is_not_asked_for_more() -> None:
    judged = screened(removal("REMOVE-USER", action="remove-user"), removal("REMOVE-USER", 2, action=" REMOVE-USER"))
    assert [finding.flat for finding in judged.findings] == [
        (2, "action", "value-not-allowed"),
        (3, "action", "cell-trimmed"),
    ]
    assert judged.rows.action.tolist() == ["remove-user", "REMOVE-USER"]


def test_all_faults_of_a_row_are_told_at_once() -> None:
    bad = row(userId="a b", userRole="Boss", userEmail="nobody", startDate="soon", userGrade="3")
    assert {finding.code for finding in screened(bad).findings} == {
        "id-character",
        "value-not-allowed",
        "email-invalid",
        "date-invalid",
        "grade-for-staff",
    }


def test_the_nearest_accepted_value_is_offered() -> None:
    judged = screened(row(userRole="Techer"), row(2, userRole="TEACHER"), row(3, userRole="Boss"))
    hints = [finding.detail["hint"] for finding in judged.findings]
    assert ["Teacher" in hint for hint in hints] == [True, True, False]
    assert hints[0] != hints[1]

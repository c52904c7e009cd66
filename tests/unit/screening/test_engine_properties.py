"""Properties of the screening: generated valid files are accepted; one broken cell is one finding; nothing crashes."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rostersync.catalogue.findings import finding_texts
from rostersync.model import Severity
from tests.support.factories import DICTIONARY, flat, removal, row, screened, staff
from tests.unit.screening.test_rules_cells import broken
from tests.unit.screening.test_rules_rows import AGREEING

SLOW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SECOND_BYTES = "ªºµŠŒŽšœžŸƒ"
"""Letters of which `Â` or `Ã` before them makes a letter of a wrong decoding: no name of that kind is valid."""
LETTERS = st.characters(categories=["Lu", "Ll", "Lo"], max_codepoint=0x24F, exclude_characters=SECOND_BYTES)
NAMES = st.text(LETTERS, min_size=1, max_size=30).filter(str.isprintable)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@st.composite
def valid_rows(draw: st.DrawFn) -> list[dict[str, str]]:
    """People with one to three rows each, some without a class, some removed."""
    rows = []
    for person in range(1, draw(st.integers(1, 12)) + 1):
        own = {"userFirstName": draw(NAMES), "userLastName": draw(NAMES), "userRole": draw(st.sampled_from(ROLES))}
        keys = {header: row(person)[header] for header in PERSONAL}
        classes = draw(st.lists(st.integers(1, 5), unique=True, max_size=3))
        rows += [row(100 * person + number, **(keys | own)) for number in classes]
        rows += [] if classes else [staff(person, **own)]
    count = draw(st.integers(0, 3))
    return rows + [removal(draw(st.sampled_from([*DICTIONARY.actions])), 9000 + number) for number in range(count)]


ROLES = DICTIONARY.by_header["userRole"].accepted
PERSONAL = ("schoolId", "userId", "userDistrictId", "userStateId", "userEmail")


@SLOW
@given(rows=valid_rows())
def test_valid_files_are_accepted_entirely(rows: list[dict[str, str]]) -> None:
    judged = screened(*rows)
    assert [finding.flat for finding in judged.findings] == []
    assert judged.rows.status.tolist() == ["accepted"] * len(rows)


@SLOW
@given(rows=valid_rows(), fault=st.sampled_from([*broken()]), data=st.data())
def test_one_broken_cell_is_one_finding(
    rows: list[dict[str, str]], fault: tuple[str, str, str], data: st.DataObject
) -> None:
    header, cell, code = fault
    place = data.draw(st.integers(0, len(rows)))
    expected = [(place + 2, header, code)]
    assert flat(*rows[:place], row(77, **{header: cell}), *rows[place:]) == expected


OTHER_ROW = {
    "email-duplicate": [("userEmail", row(77)["userEmail"], {}, (0, 1))],
    "row-conflict": [
        *((h, other, {h: row(77)[h] for h in PERSONAL}, (0, 1)) for h, other in AGREEING.items() if row(77)[h]),
        ("className", "Another", {"classId": row(77)["classId"], "schoolId": row(77)["schoolId"]}, (0, 1)),
    ],
    "role-both": [("userRole", "Administrator", {h: row(77)[h] for h in PERSONAL}, (0,))],
}
"""code → one cell of a second row that contradicts the first: header, cell, what both say, which of them are told."""


@SLOW
@given(rows=valid_rows(), code=st.sampled_from([*OTHER_ROW]), data=st.data())
def test_one_cell_that_contradicts_another_row_is_told_at_both(
    rows: list[dict[str, str]], code: str, data: st.DataObject
) -> None:
    header, cell, shared, at = data.draw(st.sampled_from(OTHER_ROW[code]))
    teacher = {"userRole": "Teacher"}
    pair = (row(77, **teacher), row(78, **(teacher | shared | {header: cell})))
    first, second = sorted(data.draw(st.lists(st.integers(0, len(rows)), min_size=2, max_size=2)))
    lines = (first + 2, second + 3)
    expected = [(lines[place], header, code) for place in at]
    assert flat(*rows[:first], pair[0], *rows[first:second], pair[1], *rows[second:]) == expected


@SLOW
@given(rows=valid_rows(), word=st.sampled_from([*DICTIONARY.actions]), data=st.data())
def test_a_blank_key_of_a_removal_is_one_finding(rows: list[dict[str, str]], word: str, data: st.DataObject) -> None:
    key = data.draw(st.sampled_from(DICTIONARY.actions[word].keys))
    place = data.draw(st.integers(0, len(rows)))
    broken_one = removal(word, 9500, **{key: ""})
    assert flat(*rows[:place], broken_one, *rows[place:]) == [(place + 2, key, "action-incomplete")]


@SLOW
@given(rows=valid_rows(), data=st.data())
def test_an_address_of_another_domain_is_one_finding(rows: list[dict[str, str]], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows)))
    told = flat(*rows[:place], row(77, userEmail="a@elsewhere.example"), *rows[place:], email_domains=("example.org",))
    assert told == [(place + 2, "userEmail", "email-domain")]


def test_every_fault_of_one_cell_is_tried() -> None:
    """Whole-file, header and row-shape faults, copies and contradicting actions take more than one cell, and numbers a
    workbook.
    """
    tried = {code for _, _, code in broken()} | OTHER_ROW.keys() | {"action-incomplete", "email-domain"}
    whole_rows = {
        "row-cell-count",
        "row-blank",
        "row-short",
        "row-duplicate",
        "row-repeated-header",
        "row-folded",
        "action-conflict",
        "cell-number",
    }
    told_by_the_file = {code for code, entry in finding_texts().items() if entry.by == "F"}
    assert {code for code in told_by_the_file if not code.startswith(("file-", "header-"))} == tried | whole_rows


@SLOW
@given(cells=st.lists(st.dictionaries(st.sampled_from(DICTIONARY.headers), ANYTHING, max_size=20), max_size=20))
def test_any_cells_are_judged_and_rows_add_up(cells: list[dict[str, str]]) -> None:
    judged = screened(*cells)
    rejected = {finding.line for finding in judged.findings if finding.severity is Severity.ROW}
    assert set(judged.rows.line[judged.rows.status == "rejected"]) == rejected
    assert len(judged.rows) == len(cells)
    roots = [(f.line, f.column) for f in judged.findings if f.severity is Severity.ROW and f.code.startswith("cell-")]
    assert len(roots) == len(set(roots))

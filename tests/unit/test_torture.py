"""The public torture sets: nothing crashes, nothing is misread in silence."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rostersync.catalogue.findings import make_finding
from rostersync.model import Finding, Outcome, Report, RowCounts, Screened, Severity
from rostersync.reading.body import read_body
from rostersync.reading.record import parse_record
from rostersync.reading.row_layout import RowLayout
from rostersync.reporting import count_report
from rostersync.screening import screen
from tests.support import report_cases
from tests.support.factories import DICTIONARY, csv_bytes
from tests.support.reading_cases import HEADER, read_bytes
from tests.support.shared_data import needs_data, torture_files
from tests.support.strict_csv import disagreements, rows_of
from tests.support.torture_cases import PLACES, naughty, rows_with, strings, text_of_file, tidied

pytestmark = needs_data
FILES = torture_files()


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_file_is_refused_as_a_users_csv_and_below_our_header_is_never_misread(path: Path) -> None:
    data = path.read_bytes()
    alone = read_bytes(data)
    assert alone.refused
    assert alone.rows_read == 0
    for header in (HEADER, HEADER + ",,", f"{HEADER},line,errors,resolutions"):
        below = header.encode() + b"\n" + data
        assert disagreements(below, read_bytes(below)) == []


def everything_in(data: bytes, *, bulk: bool) -> tuple[dict[int, list[str]], dict[int, str]] | None:
    """All columns of any CSV, read with its own first row as the header: rows, rejected rows; None when refused."""
    header = parse_record(data, 0, 0)
    cells = tuple(cell.decode() for cell in header.cells)
    layout = RowLayout(typed=cells, wanted=tuple(range(len(cells))), columns={}, dictionary=DICTIONARY)
    body = read_body(data, header.end, 1 + header.lines, layout, max_rows=1 << 20, bulk=bulk)
    if header.open_at is not None or body.open_line is not None:
        return None
    numbers = [int(line) for part in body.lines for line in part]
    columns = [[cell for part in body.parts[place] for cell in part.to_pylist()] for place in layout.wanted]
    rows = dict(zip(numbers, map(list, zip(*columns, strict=True)), strict=True))
    return rows, {raw.line: raw.text for raw in body.raw_rows}


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_each_file_is_read_alike_by_the_fast_path_the_letter_and_an_independent_reader(path: Path) -> None:
    text = text_of_file(path).replace("\0", "")
    data = text.encode()
    fast, slow = everything_in(data, bulk=True), everything_in(data, bulk=False)
    assert fast == slow
    if fast is None:
        return
    rows, raw = fast
    _, *below = rows_of(text).items()
    assert {line: cells for line, cells in below if line in rows} == rows
    silent = {line for line, cells in below if any(cell.strip(" \t") for cell in cells)} - rows.keys() - raw.keys()
    assert silent == set()


@pytest.fixture(scope="module")
def placed() -> tuple[list[tuple[str, tuple[str, ...]]], bytes, Screened]:
    """Every string in every kind of column, one row each, as one file: (string, columns), bytes, judged."""
    made = [(text, *some) for number, text in enumerate(strings(), start=1) for some in rows_with(text, number)]
    data = csv_bytes(*(cells for _, _, cells in made))
    return [(text, places) for text, places, _ in made], data, screen(read_bytes(data), DICTIONARY)


def test_every_string_in_every_column_is_read_as_an_independent_reader_does(placed) -> None:
    given, data, judged = placed
    assert not judged.refused
    assert disagreements(data, judged.reading) == []
    assert len(judged.rows) == judged.reading.rows_read == len(given)


def test_what_is_accepted_is_what_was_written_but_for_spaces_and_nfc(placed) -> None:
    given, _, judged = placed
    rows = judged.rows.to_dict("list")
    remarked = {(finding.line, finding.column) for finding in judged.findings if finding.severity is Severity.REMARK}
    for place, (text, columns) in enumerate(given):
        if rows["status"][place] != "accepted":
            continue
        for header in columns:
            kept, column = rows[header][place], DICTIONARY.by_header[header]
            if kept != tidied(text, header):
                assert kept in ("", *column.accepted)
                assert (rows["line"][place], header) in remarked
            if kept != text:
                assert (rows["line"][place], header) in remarked or tidied(text, header) == kept
            assert not column.accepted or kept in ("", *column.accepted)


def test_every_rejected_row_has_a_reason_and_enough_are_accepted(placed) -> None:
    given, _, judged = placed
    errors = {finding.line for finding in judged.findings if finding.severity is Severity.ROW}
    assert set(judged.rows.line[judged.rows.status == "rejected"]) == errors
    accepted = [columns for (_, columns), status in zip(given, judged.rows.status, strict=True) if status == "accepted"]
    assert {PLACES[0], PLACES[1], PLACES[2]} <= set(accepted)
    assert accepted.count(PLACES[0]) > len(strings()) // 4


class _Page(HTMLParser):
    """The elements with their attributes' names, and all text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def page(report: Report) -> _Page:
    parsed = _Page()
    parsed.feed(report.html)
    parsed.close()
    return parsed


def squeezed(text: str) -> str:
    """A text without spaces: a page may break and fold them."""
    return "".join(text.split())


def visible(text: str) -> str:
    """What a mail makes of a text that it shows: what cannot be seen is spelled out."""
    return "".join(f"[U+{ord(c):04X}]" if unicodedata.category(c).startswith("C") else c for c in text)


def refused(names: Sequence[str]) -> Report:
    told: list[Finding] = [
        make_finding(
            "header-unknown",
            line=1,
            column=name,
            hint=" The nearest valid header is userId.",
            remedy=", or write userId if that is what it holds",
        )
        for name in names
    ]
    return count_report(report_cases.facts(Outcome.REFUSED, findings=tuple(told)))


def counted(names: Sequence[str]) -> Report:
    by_school = {name: {"staff": report_cases.entity(1)} for name in names}
    facts = report_cases.facts(
        Outcome.APPLIED,
        rows=RowCounts(read=9, accepted=9),
        counts={"school": report_cases.entity(9)},
        by_school=by_school,
    )
    return count_report(facts)


@pytest.mark.parametrize("report", [refused, counted])
def test_naughty_strings_stay_text_in_a_mail(report) -> None:
    some = naughty()
    for start in range(0, len(some), 18):
        names = some[start : start + 18]
        harmless = page(report([f"plain {number}" for number in range(len(names))]))
        hostile = page(report(names))
        assert hostile.elements == harmless.elements
        for name in names:
            assert squeezed(visible(name)[:59]) in squeezed(hostile.text)

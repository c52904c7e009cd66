"""The error file sent back: unedited it says the same again, corrected it applies, in CSV and in the workbook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes, policy

from hypothesis import given, note
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine

from rostersync import reading, screening
from rostersync.configuration import dictionary
from rostersync.model import Finding, Outcome, Reading, Severity
from rostersync.pipeline import SyncResult
from rostersync.reporting.error_file import csv_bytes, error_table, faulty_cells
from rostersync.reporting.error_workbook import workbook_bytes
from tests.support import spreadsheets, strategies
from tests.support.district_nights import Nights, person
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import load, load_screened, modest, rolled_back
from tests.support.oracle.values import MANUAL, SOURCE, Class, Enrollment, Person, Placement, Roster, School
from tests.support.strategies import ADDRESSES
from tests.support.valid_files import Table, calm_nights

WORDS = dictionary.load_dictionary()
DAMAGE = "#REF!"
"""An error in every column."""
Way = Callable[[bytes, bytes], bytes]
"""(CSV, workbook) as sent → the file as a contact sends it back."""
WAYS: dict[str, Way] = {
    "csv": lambda sent, _: sent,
    "csv saved again": lambda sent, _: spreadsheets.as_csv(spreadsheets.cells_of_csv(sent)),
    "workbook": lambda _, book: book,
    "workbook saved as csv": lambda _, book: spreadsheets.as_csv(spreadsheets.cells_of_book(book)),
}


ways = st.sampled_from(sorted(WAYS)).map(WAYS.__getitem__)


@dataclass(frozen=True, kw_only=True)
class Night:
    """One file applied: how it was read and everything found."""

    read: Reading
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> dict[int, set[tuple[str | None, str]]]:
        """line → (column, code) of the errors that reject it; rows that could not be laid over the header are out."""
        raw = {row.line for row in self.read.raw_rows}
        listed = [finding for finding in self.findings if finding.severity is Severity.ROW and finding.line not in raw]
        found: dict[int, set[tuple[str | None, str]]] = {each.line: set() for each in listed if each.line}
        for each in listed:
            found[each.line or 0].add((each.column, each.code))
        return dict(sorted(found.items()))

    def rejected(self) -> list[tuple[tuple[str, ...], set[tuple[str | None, str]]]]:
        """Cells as typed and errors of each rejected row, in the order of the file."""
        cells = dict(zip(self.read.lines.tolist(), self.read.frame.itertuples(index=False, name=None), strict=True))
        return [(cells[line], codes) for line, codes in self.errors.items()]

    def sent(self) -> tuple[bytes, bytes]:
        """The error file and its twin."""
        table = error_table(self.read, self.findings, WORDS)
        return csv_bytes(table), workbook_bytes(table, faulty_cells(self.findings), WORDS)


def night(conn: Connection, data: bytes) -> Night:
    """Read, screen, plan and apply, as every delivery is."""
    note(repr(data) if data.startswith(b"PK") else data.decode("utf-8-sig"))
    screened = screening.screen(reading.read(data, WORDS, max_bytes=1 << 20, max_rows=1000), WORDS)
    assert not screened.refused
    findings = load_screened(conn, screened).findings if len(screened.rows) else screened.findings
    return Night(read=screened.reading, findings=findings)


def known() -> Roster:
    """Everybody whom generated files name by an ID that could be mistyped, of all owners; an address held elsewhere."""
    owners = dict.fromkeys(strategies.KNOWN_IDS, "file") | {"u3": SOURCE, "m5": MANUAL}
    made = Roster(schools={school: School(name=f"School {school}") for school in ("S1", "S2")})
    made.schools["S3"] = School(name="School S3", status="inactive")
    made.classes = {"C1": Class(school_id="S1", name="Reading", grade="1", owner=SOURCE)}
    made.classes["C2"] = Class(school_id="S2", name="Math", grade="2")
    for (who, owner), address in zip(owners.items(), ADDRESSES, strict=False):
        named = {"first_name": "Ada", "last_name": "Lovelace", "email": address, "email_key": address}
        made.people[who] = Person(role="Teacher", owner=owner, **named)
        made.placements[who, "S1"] = Placement(owner=owner)
    made.enrollments["u1", "C2"] = Enrollment()
    made.taken_elsewhere = frozenset(ADDRESSES[-1:])
    return made


FORMULAS = st.builds(
    lambda quotes, sign, rest: "'" * quotes + sign + rest,
    st.integers(0, 3),
    st.sampled_from("=+-@\t\r"),
    st.sampled_from(("", "1+1", 'HYPERLINK("x")', "'", "a\r\nb", "cmd|' /C calc'!A0")),
)
SPOILED = st.one_of(
    FORMULAS, st.sampled_from((DAMAGE, "", "00042", "'", "x" * 300, "nobody", "a\nb", 'a"b', "Student"))
)
BROKEN_LINES = st.sampled_from(
    (
        ",".join(["x"] * 40),
        "only,two",
        '=1+1,"a\nb"' + "," * 40,
        'a"b' + "," * 10,
        ",".join(strategies.REQUIRED),
    )
)


@st.composite
def faulty_files(draw: st.DrawFn) -> bytes:
    """Rows for the roster above with spoiled cells among them, and lines that are no rows. Removals stand alone."""
    headers, table = draw(strategies.sheets(known(), max_rows=12))
    table = [dict(cells) for cells in table]
    for _ in range(draw(st.integers(1, 8))):
        draw(st.sampled_from(table))[draw(st.sampled_from(headers[1:]))] = draw(SPOILED)
    table = _without_company_of_removals(table)
    lines = strategies.as_csv(headers, table).decode()
    return (lines + "".join(line + "\r\n" for line in draw(st.lists(BROKEN_LINES, max_size=2)))).encode()


def _without_company_of_removals(table: Table) -> Table:
    """An accepted removal is not in the error file: what it folds of rejected rows would be judged the second time."""
    removed = {cells[key] for cells in table if cells["action"] for key in ("userId", "classId")} - {""}
    return [cells for cells in table if cells["action"] or not removed & {cells["userId"], cells["classId"]}]


@modest(6)
@given(data=faulty_files(), way=ways)
def test_sent_back_unedited_it_has_the_same_errors_and_no_others(
    superuser_engine: Engine, data: bytes, way: Way
) -> None:
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, known())
        first = night(conn, data)
        if not first.errors:
            return
        again = night(conn, way(*first.sent()))
        assert again.rejected() == first.rejected()


@modest(4)
@given(calm=calm_nights(), way=ways, data=st.data())
def test_corrected_it_applies(
    superuser_engine: Engine, calm: tuple[Roster, tuple[str, ...], Table], way: Way, data: st.DataObject
) -> None:
    """Cells are damaged, the error file comes, the cells are put right in it: the roster is that of the sound file."""
    before, headers, table = calm
    spoiled = [dict(cells) for cells in table]
    for number in data.draw(st.sets(st.integers(0, len(table) - 1), min_size=1)):
        spoiled[number][data.draw(st.sampled_from(headers))] = DAMAGE
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, before)
        first = night(conn, strategies.as_csv(headers, spoiled))
        assert first.errors
        assert not night(conn, corrected(way(*first.sent()), headers, table)).errors
        repaired = model_database.read(conn, before)
    with rolled_back(superuser_engine) as conn:
        model_database.write(conn, before)
        assert load(conn, strategies.as_rows(table), headers).findings == ()
        assert repaired == model_database.read(conn, before)


def corrected(content: bytes, headers: Sequence[str], table: Table) -> bytes:
    """The error file with the sound cells of each line, the added columns left as they are."""
    if content.startswith(b"PK"):
        lines = [int(row[0]) for row in spreadsheets.cells_of_book(content)[1:]]
        sound = {(n, h): table[line - 2][h] for n, line in enumerate(lines, start=2) for h in headers}
        return spreadsheets.edited_book(content, sound)
    header, *rows = spreadsheets.cells_of_csv(content)
    place = header.index("line")
    corrections = [table[int(row[place]) - 2] for row in rows]
    sheet = [
        [cells.get(name, cell) for name, cell in zip(header, row, strict=True)]
        for cells, row in zip(corrections, rows, strict=True)
    ]
    return spreadsheets.as_csv([header, *sheet])


def test_the_attachments_of_a_nights_mail_can_be_sent_back(nights: Nights) -> None:
    """The whole night: what the mail brought comes back unedited, then corrected from the workbook."""
    faulty = [person(1), person(2, userLastName="=1+1", userEmail="nobody"), person(3, schoolId="900")]
    nights.put(faulty)
    [first] = nights.sync("night-1")
    sent = attachments(nights)
    nights.now += timedelta(days=1)
    nights.put(sent["users-errors.csv"])
    [again] = nights.sync("night-2")
    assert rejected(first) == [(3, "userEmail", "email-invalid"), (4, "schoolId", "school-unknown")]
    assert rejected(again) == [(2, "userEmail", "email-invalid"), (3, "schoolId", "school-unknown")]
    corrections = {(2, "userEmail"): "ada.2@springfield.example", (3, "schoolId"): "200"}
    nights.now += timedelta(days=1)
    (nights.inbox / "users.csv").unlink()
    nights.put(spreadsheets.edited_book(sent["users-errors.xlsx"], corrections), "users.xlsx")
    [put_right] = nights.sync("night-3")
    assert (put_right.outcome, rejected(put_right)) == (Outcome.APPLIED, [])
    assert nights.people() == ["u1", "u2", "u3"]
    assert "=1+1" in str(nights.roster()["person"])


def attachments(nights: Nights) -> dict[str, bytes]:
    """name → content of what the latest mail brought."""
    latest = max((nights.folder / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    mail = message_from_bytes(latest.read_bytes(), policy=policy.default)
    return {part.get_filename() or "": part.get_payload(decode=True) for part in mail.iter_attachments()}


def rejected(result: SyncResult) -> list[tuple[int | None, str | None, str]]:
    return [finding.flat for finding in result.findings if finding.severity is Severity.ROW]

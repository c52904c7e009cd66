"""For any bytes: no exception, and the bulk path sees just what the reader by the letter sees."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from rostersync.reading.line_scan import MAX_LINE
from tests.support.reading_cases import HEADER, NEEDED, ROW, read_bytes, read_otherwise, seen
from tests.support.strict_csv import disagreements

WIDTH = len(NEEDED)
CHARACTERS = st.sampled_from(
    ["a", "é", "😀", ",", '"', '""', "\n", "\r", "\r\n", " ", "\t", "'", "=", ";", "\ufeff", "userId"]
)
CELLS = st.lists(CHARACTERS, max_size=4).map("".join)
ROWS = st.lists(CELLS, min_size=WIDTH, max_size=WIDTH)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def written(cell: str, *, everything: bool) -> str:
    return quoted(cell) if everything or set(cell) & set(',"\r\n') else cell


@st.composite
def lines(draw) -> str:
    """A row, well written or not: proper quotes, no quotes at all, a wrong number of cells, a header, anything."""
    kind = draw(st.sampled_from(["good", "bare", "count", "header", "noise", "blank"]))
    if kind == "good":
        return ",".join(written(cell, everything=draw(st.booleans())) for cell in draw(ROWS))
    if kind == "bare":
        return ",".join(draw(ROWS))
    if kind == "count":
        return ",".join(map(quoted, draw(st.lists(CELLS, min_size=1, max_size=WIDTH + 2))))
    if kind == "header":
        return draw(
            st.sampled_from([HEADER, ",".join(reversed(NEEDED)), HEADER + ",x", HEADER.replace("userId", '"userId"')])
        )
    return draw(st.sampled_from(["", ",,", "," * (WIDTH - 1)])) if kind == "blank" else draw(CELLS)


@st.composite
def bodies(draw) -> bytes:
    parts = draw(st.lists(lines(), max_size=8))
    ends = [draw(st.sampled_from(["\n", "\r\n", "\r"])) for _ in parts]
    text = "".join(part + end for part, end in zip(parts, ends, strict=True))
    return (text[:-1] if draw(st.booleans()) else text).encode()


@given(
    body=bodies(),
    chunk=st.integers(20, 400),
    header=st.sampled_from([HEADER, HEADER + ",", HEADER + ",line,errors,resolutions"]),
)
@settings(max_examples=120, deadline=None)
def test_the_bulk_path_reads_what_the_reader_by_the_letter_reads(body: bytes, chunk: int, header: str) -> None:
    data = header.encode() + b"\n" + body
    expected = seen(read_otherwise(data, bulk=False))
    assert seen(read_otherwise(data, chunk=chunk)) == expected
    assert seen(read_bytes(data)) == expected
    assert disagreements(data, read_bytes(data)) == []


@given(rows=st.lists(ROWS, max_size=6), end=st.sampled_from(["\n", "\r\n"]), everything=st.booleans())
@settings(max_examples=80, deadline=None)
def test_well_written_rows_are_read_as_they_were_written(rows: list[list[str]], end: str, everything: bool) -> None:
    text = end.join(",".join(written(cell, everything=everything) for cell in row) for row in [NEEDED, *rows])
    reading = read_bytes(text.encode())
    if any(finding.code in ("file-unclosed-quote", "row-repeated-header") for finding in reading.findings):
        return  # rows of commas inside quotes, or of header names: refused on purpose, never misread
    assert reading.frame.to_numpy().tolist() == [row for row in rows if any(cell.strip(" \t") for cell in row)]
    assert not reading.raw_rows


@given(data=st.binary(max_size=300))
@settings(max_examples=150, deadline=None)
def test_no_bytes_raise(data: bytes) -> None:
    for start in (b"", HEADER.encode() + b"\n", f"{HEADER}\n{ROW}".encode()):
        reading = read_bytes(start + data)
        assert len(reading.frame) == len(reading.lines)


def test_a_line_longer_than_a_block_of_the_bulk_parser_is_read_too() -> None:
    long = ROW.replace("Ana", "x" * (2 * MAX_LINE))
    reading = read_bytes("\n".join((HEADER, ROW, long, ROW)).encode())
    assert reading.lines.tolist() == [2, 3, 4]

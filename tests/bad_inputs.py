"""The numbered bad inputs (B01-B100) that need no roster: what is delivered, and the verdict.

Those about transport, the roster or a person's decision are in `bad_nights`. Verdicts follow the dictionary; where
the list of bad inputs asks for something else, `differs` says what and why.
"""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import xlsxwriter

from tests.factories import DICTIONARY, Flat, csv_bytes, row, staff

GOOD = csv_bytes(row(1), row(2))
HEADER, FIRST, SECOND = GOOD.split(b"\r\n")[:3]
TEXTS = [column.header for column in DICTIONARY.columns if column.kind == "text"]
FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\uff1d1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example","y")')


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A file (a large one is made when asked for) and its verdict; `limits` of the reader, where not the usual ones."""

    data: bytes | Callable[[], bytes]
    verdict: str
    findings: list[Flat]
    limits: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.data if isinstance(self.data, bytes) else self.data()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """One number of the list."""

    number: int
    about: str
    deliveries: tuple[Delivery, ...]
    differs: str = ""


def accepted(data: bytes | Callable[[], bytes], *findings: Flat) -> Delivery:
    return Delivery(data=data, verdict="accepted", findings=[*findings])


def rejected(data: bytes | Callable[[], bytes], *findings: Flat) -> Delivery:
    return Delivery(data=data, verdict="accepted_with_errors", findings=[*findings])


def refused(data: bytes | Callable[[], bytes], *findings: Flat | str, **limits: Any) -> Delivery:
    """A bare code is a finding about the file as a whole."""
    told = [(None, None, each) if isinstance(each, str) else each for each in findings]
    return Delivery(data=data, verdict="refused", findings=told, limits=limits)


def in_cells(code: str, *cells: tuple[str, str]) -> Delivery:
    """One row for each (header, cell), rejected for `code` at that cell."""
    rows = [row(number, **{header: cell}) for number, (header, cell) in enumerate(cells, start=1)]
    heights = [len((cell + ".").splitlines()) if set(cell) & set("\r\n") else 1 for _, cell in cells]
    at = accumulate(heights, initial=2)
    return rejected(csv_bytes(*rows), *((line, header, code) for line, (header, _) in zip(at, cells, strict=False)))


def fine(*cells: tuple[str, str]) -> Delivery:
    """One row for each (header, cell), accepted without a word."""
    return accepted(csv_bytes(*(row(n, **{header: cell}) for n, (header, cell) in enumerate(cells, start=1))))


def remarked(code: str, *cells: tuple[str, str]) -> Delivery:
    rows = [row(number, **{header: cell}) for number, (header, cell) in enumerate(cells, start=1)]
    return accepted(csv_bytes(*rows), *((line, header, code) for line, (header, _) in enumerate(cells, start=2)))


def lines(*given: bytes, end: bytes = b"\r\n") -> bytes:
    return b"".join(line + end for line in given)


def header(old: str, new: str) -> bytes:
    """The good file with another header."""
    return GOOD.replace(old.encode(), new.encode(), 1)


def typed(cell: bytes) -> bytes:
    """The second row with these bytes for a first name."""
    return SECOND.replace("María".encode(), cell)


def short_rows(count: int) -> bytes:
    """A file of so many rows with as few cells as may be."""
    few = csv_bytes(staff(1), headers=[column.header for column in DICTIONARY.columns if column.header_required])
    head, line, _ = few.split(b"\r\n")
    return head + b"\n" + (line + b"\n") * count


def zipped(name: str, content: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return target.getvalue()


def workbook() -> bytes:
    target = io.BytesIO()
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        book.add_worksheet().write_row(0, 0, DICTIONARY.headers)
    return target.getvalue()


def lying_gzip() -> bytes:
    """A gzip file whose trailer claims three bytes."""
    return gzip.compress(GOOD)[:-4] + struct.pack("<I", 3)


def _encodings() -> Iterator[Bad]:
    latin = GOOD.decode().encode("cp1252")
    yield Bad(number=1, about="UTF-8 with a byte order mark", deliveries=(accepted(b"\xef\xbb\xbf" + GOOD),))
    yield Bad(
        number=2,
        about="UTF-16 with a byte order mark",
        deliveries=tuple(
            refused(mark + GOOD.decode().encode(name), "file-encoding")
            for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
        ),
    )
    yield Bad(
        number=3,
        about="UTF-16 without a mark",
        deliveries=tuple(refused(GOOD.decode().encode(name), "file-encoding") for name in ("utf-16-le", "utf-16-be")),
    )
    yield Bad(
        number=4,
        about="Windows-1252",
        differs="refused on the list; the dictionary reads it with a remark, unless the district forbids that",
        deliveries=(
            accepted(latin, (None, None, "file-encoding-fallback")),
            refused(latin, "file-encoding", fallback_encoding=False),
        ),
    )
    mixed = lines(HEADER, FIRST, SECOND.decode().encode("cp1252"))
    yield Bad(number=5, about="UTF-8 and Windows-1252 mixed", deliveries=(refused(mixed, "file-encoding"),))
    yield Bad(
        number=6,
        about="double-encoded text",
        deliveries=(
            in_cells("cell-mojibake", ("userFirstName", "JosÃ©"), ("className", "MÃ¼ller"), ("schoolName", "Itâ€™s")),
        ),
    )
    yield Bad(
        number=7,
        about="NUL in a cell",
        deliveries=(refused(GOOD.replace(b"Brien", b"Br\0ien"), "file-control-character"),),
    )
    yield Bad(
        number=8,
        about="overlong UTF-8, a lone surrogate, a character beyond Unicode",
        deliveries=tuple(
            refused(lines(HEADER, typed(bad)), "file-encoding")
            for bad in (b"\xc0\xaf", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xe0\x80\xaf")
        ),
    )
    yield Bad(
        number=9,
        about="cut off inside a character",
        deliveries=tuple(refused(GOOD + cut, "file-encoding") for cut in (b"Jos\xc3", b"\xe2\x80", b"\xf0\x9f\x98")),
    )
    yield Bad(
        number=10,
        about="Ctrl-Z at the end; other control characters in cells",
        deliveries=(
            accepted(GOOD + b"\x1a", (None, None, "file-ctrl-z")),
            in_cells("cell-character", *(("userFirstName", f"A{c}b") for c in "\x01\x07\x0b\x0c\x1a\x1f\x7f\x85")),
        ),
    )
    yield Bad(
        number=11,
        about="nothing in it",
        deliveries=tuple(refused(data, "file-empty") for data in (b"", b"\xef\xbb\xbf", b"\n\n", b"\r\n \r\n,,\r\n")),
    )
    kinds = (
        workbook(),
        zipped("users.csv", GOOD),
        b"%PDF-1.7\n1 0 obj",
        b"<!DOCTYPE html>\n<html>",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    )
    yield Bad(
        number=12,
        about="another kind of file, renamed",
        deliveries=tuple(refused(data, "file-not-csv") for data in kinds),
    )
    yield Bad(
        number=13,
        about="EBCDIC, UTF-32, base64",
        deliveries=(
            refused(GOOD.decode().encode("cp037"), "file-encoding"),
            *(refused(GOOD.decode().encode(name), "file-encoding") for name in ("utf-32", "utf-32-le", "utf-32-be")),
            refused(base64.encodebytes(GOOD), "file-no-header"),
        ),
    )


def _lines_and_quotes() -> Iterator[Bad]:
    three = (HEADER, FIRST, SECOND)
    yield Bad(
        number=14,
        about="LF, CRLF, mixed",
        deliveries=(
            accepted(lines(*three, end=b"\n")),
            accepted(lines(*three)),
            accepted(HEADER + b"\n" + FIRST + b"\r\n" + SECOND + b"\n"),
        ),
    )
    yield Bad(
        number=15,
        about="lone CR",
        differs="noted on the list; the dictionary has no finding for it: read like any other line break",
        deliveries=(accepted(lines(*three, end=b"\r")),),
    )
    yield Bad(number=16, about="no line break at the end", deliveries=(accepted(GOOD.rstrip()),))
    broken = [row(number, **{name: "A\nb"}) for number, name in enumerate(DICTIONARY.headers, start=1)]
    yield Bad(
        number=17,
        about="a line break inside quotes, in each column; lines below are still counted right",
        deliveries=(
            rejected(
                csv_bytes(*broken, row(99, userRole="Boss")),
                *(
                    (2 * number, name, "email-invalid" if name == "userEmail" else "cell-character")
                    for number, name in enumerate(DICTIONARY.headers, start=1)
                ),
                (2 * len(broken) + 2, "userRole", "value-not-allowed"),
            ),
        ),
    )
    yield Bad(
        number=18,
        about="a quote that is never closed",
        deliveries=(
            refused(lines(HEADER, typed(b'"Ana'), FIRST), "file-unclosed-quote"),
            refused(lines(HEADER, typed(b'"Ana'), typed(b'Bo"'), FIRST), "file-unclosed-quote"),
        ),
    )
    yield Bad(
        number=19,
        about="a quote inside a bare cell",
        deliveries=(rejected(lines(HEADER, FIRST, typed(b'A"b')), (3, "userFirstName", "row-cell-count")),),
    )
    yield Bad(
        number=20,
        about="a quote escaped with a backslash",
        deliveries=(
            rejected(lines(HEADER, FIRST, typed(b'"A \\"B\\" C"')), (3, "userFirstName", "row-cell-count")),
            rejected(lines(HEADER, FIRST, typed(b'"A \\"B\\", C"')), (3, None, "row-cell-count")),
            rejected(lines(HEADER, FIRST, typed(b'"A, \\"B"')), (3, "userFirstName", "row-cell-count")),
            refused(lines(HEADER, typed(b'"5\\""'), FIRST), "file-unclosed-quote"),
        ),
    )
    yield Bad(
        number=21,
        about="a row too short",
        deliveries=(rejected(lines(HEADER, FIRST, SECOND.rpartition(b",")[0]), (3, None, "row-cell-count")),),
    )
    yield Bad(
        number=22,
        about="a row too long, the first one too",
        deliveries=(rejected(lines(HEADER, FIRST + b",x", SECOND), (2, None, "row-cell-count")),),
    )
    yield Bad(
        number=23,
        about="semicolons, tabs",
        deliveries=tuple(refused(GOOD.replace(b",", sign), "file-delimiter") for sign in (b";", b"\t")),
    )
    yield Bad(
        number=24,
        about="vertical bars; a sep= line",
        deliveries=(
            refused(GOOD.replace(b",", b"|"), "file-delimiter"),
            refused(b"sep=;\r\n" + GOOD.replace(b",", b";"), "file-delimiter"),
            refused(b"sep=,\r\n" + GOOD, "file-delimiter"),
        ),
    )


def _rows_and_columns() -> Iterator[Bad]:
    yield Bad(
        number=25,
        about="Excel's trailing commas",
        differs="open on the list; the dictionary: a remark",
        deliveries=(accepted(lines(HEADER + b",,", FIRST + b",,", SECOND + b",,"), (1, "", "header-blank")),),
    )
    yield Bad(
        number=26,
        about="data below a blank header",
        deliveries=(refused(lines(HEADER + b",", FIRST + b",", SECOND + b",x"), (1, "", "header-blank")),),
    )
    commas = b"," * HEADER.count(b",")
    yield Bad(
        number=27,
        about="blank lines",
        deliveries=(
            rejected(
                lines(HEADER, b"", FIRST, b"", b"", SECOND.replace(b"Teacher", b"Boss")),
                (2, None, "row-blank"),
                (6, "userRole", "value-not-allowed"),
            ),
        ),
    )
    yield Bad(
        number=28,
        about="a row of nothing but commas",
        deliveries=(accepted(lines(HEADER, FIRST, commas, SECOND), (3, None, "row-blank")),),
    )
    yield Bad(
        number=29,
        about="a title above the header",
        deliveries=(
            refused(b"Staff of Lincoln\r\n\r\n" + GOOD, "file-no-header"),
            refused(b"Staff of Lincoln" + commas + b"\r\n" + GOOD, "file-no-header"),
        ),
    )
    yield Bad(
        number=30,
        about="a footer",
        deliveries=(
            rejected(GOOD + b"Total: 312\r\n", (4, None, "row-cell-count")),
            rejected(GOOD + b"Total: 312" + commas + b"\r\n", (4, "action", "value-not-allowed")),
        ),
    )
    yield Bad(
        number=31,
        about="a second header in the middle",
        deliveries=(rejected(lines(HEADER, FIRST, HEADER, SECOND), (3, None, "row-repeated-header")),),
    )
    single = b",".join(b"'" + cell + b"'" for cell in HEADER.split(b","))
    yield Bad(
        number=32,
        about="apostrophes for quotes",
        deliveries=(
            rejected(lines(HEADER, FIRST, typed(b"'Ana, Maria'")), (3, None, "row-cell-count")),
            refused(lines(single, FIRST), *((1, f"'{name}'", "header-misspelled") for name in DICTIONARY.headers)),
        ),
    )
    yield Bad(
        number=33,
        about="spaces around quoted cells",
        deliveries=tuple(
            rejected(lines(HEADER, FIRST, typed(cell)), (3, "userFirstName", "row-cell-count"))
            for cell in (b'"A" ', b' "A"')
        ),
    )
    yield Bad(
        number=34,
        about="comment lines",
        deliveries=(
            rejected(lines(HEADER, b"# as of Monday", FIRST), (2, None, "row-cell-count")),
            rejected(lines(HEADER, b"# as of Monday" + commas, FIRST), (2, "action", "value-not-allowed")),
        ),
    )


def _headers() -> Iterator[Bad]:
    without = csv_bytes(row(1), headers=[name for name in DICTIONARY.headers if name not in ("userEmail", "className")])
    yield Bad(
        number=35,
        about="a required and a conditional header missing",
        deliveries=(refused(without, (1, "userEmail", "header-missing"), (1, "className", "header-missing")),),
    )
    yield Bad(
        number=36,
        about="a misspelled header",
        deliveries=(refused(header("userEmail", "userEmial"), (1, "userEmial", "header-misspelled")),),
    )
    yield Bad(
        number=37,
        about="a header in wrong case",
        deliveries=(refused(header("userEmail", "Useremail"), (1, "Useremail", "header-capitalization")),),
    )
    yield Bad(
        number=38,
        about="spaces and invisible characters in a header",
        deliveries=tuple(
            refused(header("userEmail", name), (1, name, "header-whitespace"))
            for name in (
                " userEmail",
                "userEmail ",
                "userEmail\u00a0",
                "user\u200bEmail",
                "\u2060userEmail",
                "user Email",
            )
        ),
    )
    yield Bad(
        number=39,
        about="a header that is not in the dictionary",
        deliveries=(refused(lines(HEADER + b",Shirt size", FIRST + b",L"), (1, "Shirt size", "header-unknown")),),
    )
    yield Bad(
        number=40,
        about="a header twice",
        deliveries=(refused(lines(HEADER + b",userLastName", FIRST + b",x"), (1, "userLastName", "header-duplicate")),),
    )
    yield Bad(
        number=41,
        about="another order of columns",
        deliveries=(accepted(csv_bytes(row(1), headers=[*reversed(DICTIONARY.headers)])),),
    )
    yield Bad(
        number=42,
        about="a header alone",
        deliveries=(accepted(HEADER, (None, None, "file-header-only")),),
    )
    yield Bad(number=43, about="no header", deliveries=(refused(lines(FIRST, SECOND), "file-no-header"),))


def _spreadsheets() -> Iterator[Bad]:
    ids = ("schoolId", "userId", "userDistrictId", "userStateId", "classId")
    damage = "cell-spreadsheet-damage"
    yield Bad(number=45, about="1.23E+11", deliveries=(in_cells(damage, *((name, "1.23E+11") for name in ids)),))
    yield Bad(number=46, about="12345.0", deliveries=(in_cells(damage, *((name, "12345.0") for name in ids)),))
    days = ("3-Jan", "Jan-03", "2026-01-03", "1/3/2026")
    yield Bad(
        number=47,
        about="a date where an ID or a grade was",
        deliveries=(in_cells(damage, *((name, day) for name in (*ids, "classGrade") for day in days)),),
    )
    errors = ("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!")
    yield Bad(
        number=48,
        about="error words of a spreadsheet",
        deliveries=(
            in_cells(damage, *((name, word) for name in ("userId", "userLastName", "userEmail") for word in errors)),
        ),
    )
    yield Bad(
        number=49,
        about="a column too narrow",
        deliveries=(in_cells(damage, *((name, "########") for name in ("userId", "className", "startDate"))),),
    )
    yield Bad(
        number=50,
        about="typographic signs",
        deliveries=(
            fine(("userFirstName", "“Zoë”"), ("userLastName", "O’Brien – Núñez…"), ("className", "Reading — advanced")),
            in_cells("id-character", ("userId", "O’Brien"), ("classId", "A–1")),
            in_cells("email-invalid", ("userEmail", "o’brien@example.org"), ("userEmail", "a–b@example.org")),
        ),
    )
    yield Bad(
        number=51,
        about='="00123", bare as scripts write it, and quoted as a spreadsheet does',
        deliveries=(
            in_cells(damage, *((name, '="00123"') for name in (*ids, "userLastName"))),
            rejected(lines(HEADER, FIRST, SECOND.replace(b"000002", b'="000002"', 1)), (3, "userId", damage)),
        ),
    )
    yield Bad(
        number=52,
        about="a thousands separator",
        deliveries=(rejected(lines(HEADER, SECOND.replace(b"000002", b"12,345", 1)), (2, None, "row-cell-count")),),
    )
    yes_no = [("primaryTeacher", word) for word in ("TRUE", "FALSE", "1", "0", "yes", "Y", "X")]
    yield Bad(
        number=53,
        about="other words for yes and no",
        deliveries=(
            in_cells("value-not-allowed", *yes_no, ("userRole", "Yes"), ("staffType", "1"), ("classGrade", "TRUE")),
        ),
    )


def _texts() -> Iterator[Bad]:
    words = ("Null", "NULL", "None", "NA", "Nan", "nan", "True", "0")
    yield Bad(
        number=54,
        about="surnames that are words of programs",
        deliveries=(fine(*(("userLastName", w) for w in words)),),
    )
    same = {name: row(1)[name] for name in ("schoolId", "userId", "userDistrictId", "userStateId", "userEmail")}
    twice = csv_bytes(row(1, userFirstName="Jos\u00e9"), row(2, **same, userFirstName="Jose\u0301"))
    yield Bad(number=55, about="one name in two Unicode forms: it agrees with itself", deliveries=(accepted(twice),))
    hidden = "\u200b\u200c\u200d\u2060\ufeff"
    yield Bad(
        number=56,
        about="zero-width characters",
        differs="a joiner inside a name is legal on the list; the dictionary refuses zero-width characters everywhere",
        deliveries=(
            in_cells(
                "cell-character",
                *(("userId", f"A{c}1") for c in hidden),
                *(("userEmail", f"a{c}b@example.org") for c in hidden),
                *(("userLastName", f"A{c}b") for c in hidden),
            ),
        ),
    )
    yield Bad(
        number=57,
        about="right-to-left override",
        deliveries=(
            in_cells("cell-character", *((name, "ab\u202ecd") for name in (*TEXTS, "userId", "userEmail", "classId"))),
        ),
    )
    yield Bad(
        number=58,
        about="look-alike letters in an address",
        deliveries=(in_cells("email-look-alike", ("userEmail", "аnn@example.org"), ("userEmail", "ann@exаmple.org")),),
    )
    yield Bad(
        number=59,
        about="full-width letters and digits in an ID",
        deliveries=(in_cells("cell-character", ("userId", "\uff11\uff12\uff13"), ("classId", "\uff21\uff22")),),
    )
    names = ("👩", "山田", "محمد", "O'Brien", "Smith-Jones", "X", "n" * 100, "Łukasz", "Nguyễn", "ʻOkina")
    yield Bad(number=60, about="unusual names", deliveries=(fine(*(("userLastName", name) for name in names)),))
    yield Bad(
        number=61,
        about="500 combining marks",
        deliveries=(
            in_cells("cell-too-long", ("userLastName", "Z" + "\u0335" * 500), ("className", "Z" + "\u0489" * 500)),
        ),
    )
    yield Bad(
        number=62,
        about="spaces at the edges, doubled or no-break inside",
        deliveries=(
            remarked(
                "cell-trimmed",
                *(("userLastName", text) for text in (" Bo", "Bo ", "Van  Dam", "Van\u00a0Dam", "\u3000Bo")),
                ("userId", " 000006 "),
                ("userEmail", "p7@example.org "),
            ),
            in_cells("id-character", ("userId", "00 01"), ("classId", "A\u00a01")),
        ),
    )
    again = csv_bytes(row(1), row(2, **{**same, "userEmail": "PERSON1@Example.ORG"}))
    yield Bad(number=63, about="an address in other case: the same person", deliveries=(accepted(again),))


def _addresses() -> Iterator[Bad]:
    wrong: dict[int, tuple[str, tuple[str, ...]]] = {
        64: (
            "no @, two @, spaces, dots",
            ("ab", "a@@b.org", "a@b@c.org", "a b@c.org", "a@c.org.", "a..b@c.org", ".a@c.org"),
        ),
        65: ("too long", ("a" * 65 + "@example.org", "a@" + ".".join(["b" * 63] * 4) + ".org")),
        66: ("quoted, literal, commented", ('"a b"@example.org', "a@[127.0.0.1]", "a(x)@example.org")),
        69: (
            "more than an address",
            ("Ann <a@example.org>", "mailto:a@example.org", "a@x.org;b@x.org", "a@x.org, b@x.org"),
        ),
    }
    for number, (about, addresses) in wrong.items():
        bad = in_cells("email-invalid", *(("userEmail", address) for address in addresses))
        yield Bad(number=number, about=about, deliveries=(bad,))
    yield Bad(number=67, about="an international domain", deliveries=(fine(("userEmail", "user@münchen.example")),))
    yield Bad(
        number=68,
        about="a non-ASCII local part",
        differs="may be allowed on the list; the dictionary never takes it",
        deliveries=(in_cells("email-invalid", ("userEmail", "josé@example.org"), ("userEmail", "用户@example.org")),),
    )
    inject = "a@example.org\r\nBcc: b@example.org"
    yield Bad(
        number=70,
        about="line breaks that would add a mail header",
        deliveries=(
            rejected(
                csv_bytes(
                    row(1, userEmail=inject), row(2, userFirstName=inject), row(3, userEmail="a@x.org\r\n b@x.org")
                ),
                (2, "userEmail", "email-invalid"),
                (4, "userFirstName", "cell-character"),
                (6, "userEmail", "email-invalid"),
            ),
        ),
    )


def _sizes() -> Iterator[Bad]:
    def large() -> bytes:
        return lines(HEADER, typed(b"x" * 10_000_000))

    def million() -> bytes:
        return short_rows(1_000_001)

    def wide() -> bytes:
        return csv_bytes(row(1), headers=[*DICTIONARY.headers, *(f"column{n}" for n in range(10_000 - 20))])

    def bomb() -> bytes:
        return zipped("users.csv", b"0" * 20_000_000)

    yield Bad(
        number=72,
        about="a cell of 10 MB",
        deliveries=(
            rejected(large, (2, "userFirstName", "cell-too-long")),
            refused(large, "file-too-large", max_bytes=1_000_000),
        ),
    )
    yield Bad(
        number=73,
        about="more than a million rows where a million are allowed; below the limit, size is no special case",
        deliveries=(refused(million, "file-too-large", max_rows=1_000_000),),
    )
    yield Bad(
        number=74,
        about="10,000 columns: the first thousand are told; more than a spreadsheet can have",
        deliveries=(
            refused(wide, *((1, f"column{n}", "header-unknown") for n in range(1000))),
            refused(lines(HEADER + b"," * 16_365, FIRST), "file-too-large"),
        ),
    )
    bombs = (bomb, zipped("inner.zip", zipped("users.csv", GOOD)), lying_gzip())
    yield Bad(
        number=75,
        about="zip bomb, zip in a zip, gzip with a false size: never opened",
        deliveries=tuple(refused(data, "file-not-csv") for data in bombs),
    )
    paths = ("../../etc/passwd", "/etc/passwd", "C:\\users.csv")
    yield Bad(
        number=76,
        about="a zip with paths in it: never opened",
        deliveries=tuple(refused(zipped(path, GOOD), "file-not-csv") for path in paths),
    )


def _hostile() -> Iterator[Bad]:
    yield Bad(
        number=79,
        about="cells that a spreadsheet runs",
        differs="a leading tab or CR is accepted on the list; the dictionary takes no control characters",
        deliveries=(
            fine(*(("userLastName", text) for text in FORMULAS[:5]), ("className", "=1+1")),
            in_cells(
                "cell-character", ("userLastName", "\t=1+1"), ("userLastName", "\r=1+1"), ("userLastName", "\n=1+1")
            ),
        ),
    )
    yield Bad(number=80, about="DDE and links", deliveries=(fine(*(("userLastName", text) for text in FORMULAS[5:])),))
    sql = ("'; DROP TABLE person; --", "O'Brien", "1' OR '1'='1", "$$; SELECT 1; $$", "%s", ":name", "\\")
    yield Bad(number=81, about="SQL", deliveries=(fine(*(("userLastName", text) for text in sql)),))
    html = ("<script>alert(1)</script>", '<img src=x onerror="alert(1)">', "javascript:alert(1)", "&lt;b&gt;")
    yield Bad(number=82, about="HTML", deliveries=(fine(*(("userLastName", text) for text in html)),))
    templates = ("{{ 7*7 }}", "{% raw %}", "${7*7}", "%s%n", "{0}", "{value}", "#{x}")
    yield Bad(number=83, about="templates", deliveries=(fine(*(("userLastName", text) for text in templates)),))
    escapes = ("\x1b[2Jx", "a\nERROR forged", "a\r\nb", "\x9b2J")
    yield Bad(
        number=84,
        about="terminal escapes, forged log lines",
        deliveries=(in_cells("cell-character", *(("userLastName", text) for text in escapes)),),
    )
    urls = ("http://x.example/win", "Click here: x.example", "www.x.example")
    yield Bad(number=85, about="links as names", deliveries=(fine(*(("userLastName", text) for text in urls)),))


def _meanings() -> Iterator[Bad]:
    same = {name: row(1)[name] for name in ("schoolId", "userId", "userDistrictId", "userStateId", "userEmail")}
    yield Bad(
        number=86,
        about="an exact copy",
        deliveries=(
            accepted(csv_bytes(row(1), row(1), row(1)), (3, None, "row-duplicate"), (4, None, "row-duplicate")),
        ),
    )
    yield Bad(
        number=87,
        about="one ID, contradicting rows",
        deliveries=(
            rejected(
                csv_bytes(row(1), row(2, **same, userLastName="Jones"), row(3)),
                (2, "userLastName", "row-conflict"),
                (3, "userLastName", "row-conflict"),
            ),
        ),
    )
    elsewhere = {**same, "schoolId": "0009", "schoolName": "Other"}
    yield Bad(
        number=88,
        about="one person in two classes and two schools",
        deliveries=(accepted(csv_bytes(row(1), row(2, **same), staff(3, **elsewhere))),),
    )
    yield Bad(
        number=89,
        about="one address, two IDs",
        deliveries=(
            rejected(
                csv_bytes(row(1), row(2, userEmail=row(1)["userEmail"]), row(3)),
                (2, "userEmail", "email-duplicate"),
                (3, "userEmail", "email-duplicate"),
            ),
        ),
    )
    yield Bad(
        number=95,
        about="a student",
        deliveries=(
            in_cells("role-student", ("userRole", "Student"), ("userRole", "student")),
            in_cells("grade-for-staff", ("userGrade", "3")),
        ),
    )
    yield Bad(
        number=97,
        about="a class without all that belongs to it",
        deliveries=(
            rejected(
                csv_bytes(row(1, classGrade=""), row(2, classId="", className=""), staff(3, primaryTeacher="Yes")),
                (2, "classGrade", "class-incomplete"),
                (3, "classId", "class-incomplete"),
                (4, "classId", "class-incomplete"),
            ),
        ),
    )


CASES: tuple[Bad, ...] = (
    *_encodings(),
    *_lines_and_quotes(),
    *_rows_and_columns(),
    *_headers(),
    *_spreadsheets(),
    *_texts(),
    *_addresses(),
    *_sizes(),
    *_hostile(),
    *_meanings(),
)

"""Bad inputs about bytes, encodings and sizes."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zipfile
from collections.abc import Iterator

import xlsxwriter

from tests.support.bad_inputs.files import (
    FIRST,
    GOOD,
    HEADER,
    SECOND,
    Bad,
    accepted,
    in_cells,
    lines,
    refused,
    rejected,
    typed,
)
from tests.support.factories import DICTIONARY, csv_bytes, row, staff


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
        zipped("users.csv", GOOD),
        b"%PDF-1.7\n1 0 obj",
        b"<!DOCTYPE html>\n<html>",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    )
    yield Bad(
        number=12,
        about="another kind of file, renamed; a workbook is read whatever its name",
        deliveries=(
            accepted(workbook(), (None, None, "file-header-only")),
            *(refused(data, "file-not-csv") for data in kinds),
        ),
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


CASES = (*_encodings(), *_sizes())

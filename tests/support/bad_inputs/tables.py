"""Bad inputs about lines, quotes, columns and headers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.bad_inputs.files import FIRST, GOOD, HEADER, SECOND, Bad, accepted, lines, refused, rejected, typed
from tests.support.factories import DICTIONARY, csv_bytes, row


def header(old: str, new: str) -> bytes:
    """The good file with another header."""
    return GOOD.replace(old.encode(), new.encode(), 1)


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
        deliveries=(
            rejected(lines(HEADER, FIRST, b",".join(SECOND.split(b",")[:5])), (3, None, "row-cell-count")),
            accepted(lines(HEADER, FIRST, SECOND.rpartition(b",")[0]), (3, None, "row-short")),
        ),
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


CASES = (*_lines_and_quotes(), *_rows_and_columns(), *_headers())

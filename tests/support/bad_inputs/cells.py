"""Bad inputs about what is in cells, and what rows say together."""

from __future__ import annotations

from collections.abc import Iterator

from tests.support.bad_inputs.files import (
    FIRST,
    HEADER,
    SECOND,
    TEXTS,
    Bad,
    accepted,
    fine,
    in_cells,
    lines,
    rejected,
    remarked,
)
from tests.support.factories import csv_bytes, row, staff

FORMULAS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\uff1d1+1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x.example","y")')

SAME = {name: row(1)[name] for name in ("schoolId", "userId", "userDistrictId", "userStateId", "userEmail")}
"""What makes another row about the first person at the first school."""


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
    twice = csv_bytes(row(1, userFirstName="Jos\u00e9"), row(2, **SAME, userFirstName="Jose\u0301"))
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
    again = csv_bytes(row(1), row(2, **{**SAME, "userEmail": "PERSON1@Example.ORG"}))
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
    html = ("<script>alert(1)</script>", '<img src=x onerror="alert(1)">', "javascript:alert(1)")
    yield Bad(
        number=82,
        about="HTML",
        deliveries=(
            fine(*(("userLastName", text) for text in html)),
            in_cells("cell-mojibake", ("userLastName", "&lt;b&gt;")),
        ),
    )
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
                csv_bytes(row(1), row(2, **SAME, userLastName="Jones"), row(3)),
                (2, "userLastName", "row-conflict"),
                (3, "userLastName", "row-conflict"),
            ),
        ),
    )
    elsewhere = {**SAME, "schoolId": "0009", "schoolName": "Other"}
    yield Bad(
        number=88,
        about="one person in two classes and two schools",
        deliveries=(accepted(csv_bytes(row(1), row(2, **SAME), staff(3, **elsewhere))),),
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


CASES = (*_spreadsheets(), *_texts(), *_addresses(), *_hostile(), *_meanings())

"""Letters that programs lost or replaced are told from names that only look unusual."""

from __future__ import annotations

import csv
import gzip
import sys
import unicodedata
from pathlib import Path

import pyarrow as pa
import pytest

from rostersync import text_columns as c
from rostersync.screening import email_addresses, text_damage
from tests.support.factories import row, screened
from tests.support.shared_data import known_files, needs_data

UNSEEN = [
    *("\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u180e", "\u200c", "\u200d", "\u2061", "\u206f", "\u2800"),
    *("\u3164", "\ufe0f", "\uffa0", "\ufff9", "\ue000", "\U0010fffd", "\u0378", "\U000e0041", "\U000e0100", "\u061c"),
]
DAMAGED = [
    *("JosÃ©", "Itâ€™s", "Ren√©", "Nu√±ez", "Jos├⌐", "Jos├®", "Jos\ufffd", "ï¿½rsted"),
    *("JosŽ", "Pe–a", "ZoŽ", "Nœ–ez", "L—pez", "PŽrez", "AndrŽs", "JOSƒ", "PƒREZ", "Mu–oz"),
    *("Jos‚", "Pe¤a", "Garc¡a", "L¢pez", "Mu¤oz", "NU¥EZ", "Fran‡ois", "M„rz", "Zo‰", "Citro‰n", "Andr‚s", "J\u201arg"),
    *(
        "O&#39;Connor",
        "Pe&ntilde;a",
        "O&apos;Brien",
        "Smith &amp; Sons",
        "&#xD1;andu",
        "Pe\\u00f1a",
        "O\\'Brien",
        "Pe\\xf1a",
    ),
]
NAMES = [
    *("José", "Ñandú", "O’Brien", "D’Étienne", "L’Évêque", "d’été", "Kaʻiulani", "Ka‘iulani", "Ka`iulani", "Kaʼiulani"),
    *("Smith–Jones", "Smith – Jones", "Robert “Bob” Smith", "Robert «Bob» Smith", "Božena", "Mašek", "Šimůnek", "Živa"),
    *(
        "Cœur",
        "Œuvrard",
        "Ÿ",
        "DŽemal",
        "DeŽuan",
        "Eƒe",
        "Mawuƒé",
        "ƒoli",
        "Núñez…",
        "Smith & Jones",
        "AT&T;",
        "R&D",
        "Łukasz",
    ),
    *("MÜŠLI", "ŠIMŮNEK", "ŽŽ", "Nguyễn Thị", "Ọlúwáṣeun", "Adébáyọ̀", "山田", "İpek", "ẞ", "Straße", "Ærø", "👩"),
    *("سال\u200cها", "ക്ഷ\u0d4d\u200d", "ශ්\u200dරී", "क्\u200dष", "葛\U000e0100城", "辻\U000e0101", "ᠮ\u180bᠤ"),
]


LATIN = ["userLastName", "className", "userId", "schoolId", "userEmail", "userRole"]
TITLES = [
    *("Pre–kindergarten", "Lexia™ Reading", "Math • Science", "Level 2 – co–teaching", "“Reading”", "¡Vamos!", "5¢"),
    *("A…Z", "O\\nline"),
]
NOT_JOINED = ["\u200dक", "ن\u200c", "a\u200db", "x\U000e0100", "\u180b", "ᠮx\u180b"]
NOTHING = ["\\N", "<NA>", "[object Object]", "(null)", "<null>"]
LOOK_ALIKES = ["exаmple.org", "mаple.k12.tx.us", "аpple.com", "gοοgle.com"]
ONE_ALPHABET = ["münchen.de", "пример.рф", "例え.jp", "café.fr"]


def encoded(domain: str) -> str:
    """The domain in its A-label form."""
    labels = domain.split(".")
    return ".".join(part if part.isascii() else "xn--" + part.encode("punycode").decode() for part in labels)


def around(letter: str, valid: str) -> list[str]:
    return [letter, f"{letter}{valid}", f"{valid}{letter}", f"{valid[:2]}{letter}{valid[2:]}"]


VALID = {"userEmail": "ann@example.org", "userRole": "Teacher"}
CASES: list[tuple[str, str, list[str]]] = [
    *((h, text, ["cell-character"]) for h in LATIN for u in UNSEEN for text in around(u, VALID.get(h, "Ruiz"))),
    *(("userLastName", text, ["cell-mojibake"]) for text in DAMAGED),
    *((h, text, []) for h in ("userFirstName", "className") for text in NAMES),
    *(("className", text, []) for text in TITLES),
    *(("userLastName", text, ["cell-character"]) for text in NOT_JOINED),
    ("schoolId", "क्\u200dष", ["cell-character"]),
    *((h, text, ["cell-placeholder"]) for h in ("userLastName", "userId", "schoolId") for text in NOTHING),
    *((h, "undefined", ["cell-placeholder"]) for h in ("userId", "schoolId", "userEmail", "userRole")),
    ("userLastName", "Undefined", []),
    *(
        ("userEmail", f"ann@{form}", ["email-look-alike"])
        for domain in LOOK_ALIKES
        for form in (domain, encoded(domain), encoded(domain).upper())
    ),
    *(("userEmail", f"{n}@{form}", []) for n, d in enumerate(ONE_ALPHABET) for form in (d, encoded(d))),
]


@pytest.fixture(scope="module")
def judged() -> dict[tuple[int, str], list[str]]:
    """(line, column) → codes of row errors. An address occurs once: `email-duplicate` is another rule."""
    rows = [row(number, **{header: text}) for number, (header, text, _) in enumerate(CASES, start=1)]
    codes: dict[tuple[int, str], list[str]] = {}
    for finding in screened(*rows).findings:
        if finding.severity == "row" and finding.code not in ("email-duplicate", "row-conflict"):
            codes.setdefault((finding.line or 0, finding.column or ""), []).append(finding.code)
    return codes


def test_each_cell_gets_exactly_its_finding(judged: dict[tuple[int, str], list[str]]) -> None:
    wrong = [
        (header, ascii(text), expected, found)
        for line, (header, text, expected) in enumerate(CASES, start=2)
        if (found := judged.get((line, header), [])) != expected
    ]
    assert wrong == []


def test_no_format_or_private_code_point_passes_between_latin_letters() -> None:
    letters = [chr(code) for code in range(0xA0, sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cf", "Co")]
    words = pa.array([f"a{letter}b" for letter in [*letters[:3000], *UNSEEN]], pa.large_string())
    assert c.match(words, text_damage.SUSPECT).all()
    assert all(text_damage.unprintable_characters(word, "text") for word in words.to_pylist())


def test_the_letters_that_look_alike_are_shown_of_an_a_label_too() -> None:
    assert all("U+" in email_addresses.strangers(f"ann@{encoded(domain)}") for domain in LOOK_ALIKES)


def names_of(path: Path) -> list[str]:
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    made_wrong = {"mojibake"}
    rows = [line for line in csv.reader(data.decode().splitlines()) if line and line[0] not in made_wrong]
    return [cell for line in rows[1:] for cell in line if not cell.isascii() or "&" in cell or "\\" in cell]


@needs_data
@pytest.mark.parametrize("path", known_files("names"), ids=lambda path: path.name)
def test_no_name_of_any_list_is_damaged(path: Path) -> None:
    rejected = [name for name in names_of(path) if text_damage.is_damaged_name(name)]
    rejected += [name for name in names_of(path) if text_damage.unprintable_characters(name, "text")]
    assert rejected in ([], ["Robert\u200b"])


@pytest.mark.timeout(60)  # a look back over the whole cell at each letter takes hours
@pytest.mark.parametrize("cell", ["DŽ" * 500_000, "Dž" * 500_000, "é" * 1_000_000, "·Ž" * 500_000], ids=range(4))
def test_a_cell_of_a_megabyte_is_judged_in_one_pass(cell: str) -> None:
    assert not text_damage.is_damaged(cell)
    assert not text_damage.is_damaged_name(cell)

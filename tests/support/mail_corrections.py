"""A contact who does what the mail says, and nothing else: its sentences are read by pattern, its list is filled in.

What a sentence cannot state (a name, an address) comes from `Truth`: the contact's own system, asked only for the cells
that the mail names.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from pathlib import Path

from tests.support.district_nights import Nights

Row = dict[str, str]
Truth = Mapping[tuple[int, str], str]
"""(line, column) → what the contact's own system says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What the contact got: the text, and the attached files by name."""

    text: str
    files: Mapping[str, bytes]


def newest_mail(nights: Nights) -> Mail:
    """The mail of the last night, as it was sent."""
    path = max(Path(nights.folder / "outbox").rglob("*.eml"), key=lambda one: one.stat().st_mtime_ns)
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    body = message.get_body(("plain",))
    files = {str(part.get_filename()): part.get_payload(decode=True) for part in message.iter_attachments()}
    return Mail(text=body.get_content() if body else "", files=files)  # type: ignore[arg-type]  # attachments are bytes


def corrected(mail: Mail, sent: bytes, truth: Truth) -> bytes:
    """The file that the mail asks for: the rows of its list, or the whole file where that was refused."""
    if "users-errors.csv" in mail.files:
        return corrected_rows(mail, truth)
    return corrected_file(mail, sent)


def corrected_rows(mail: Mail, truth: Truth) -> bytes:
    """The list, each cell corrected as the row's own remedies say."""
    table = csv.DictReader(io.StringIO(mail.files["users-errors.csv"].decode("utf-8-sig")))
    rows = [row for row in map(dict, table) if not _row_goes(row)]
    for row in rows:
        for error, remedy in zip(row["errors"].split(" | "), row["resolutions"].split(" | "), strict=True):
            if error.startswith("ERROR"):
                _follow(row, error, remedy, truth, mail)
    out = io.StringIO()
    writer = csv.DictWriter(out, table.fieldnames or [], lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def _row_goes(row: Row) -> bool:
    return bool(re.search(r"Delete (this row|the second header)", row["resolutions"]))


def _follow(row: Row, error: str, remedy: str, truth: Truth, mail: Mail) -> None:
    """Change the cells that one remedy is about. Raises AssertionError where it says nothing that can be done."""
    line = int(row["line"])
    named = re.search(r"Line \d+, (\w+):", error)
    columns = [named[1]] if named else re.findall(r"\b[a-z]+[A-Z]\w+", remedy.split(" or ")[0])
    stated = _stated_value(error, remedy, row.get(columns[0], "") if columns else "")
    if remedy.startswith("Fill in"):
        columns, stated = re.findall(r"\b[a-z]+[A-Z]\w+", remedy.split(", or ")[0]), None
    assert columns, remedy
    if stated is None and "schools.csv" in remedy:
        stated = _looked_up(row[columns[0]], mail.files["schools.csv"])
    for column in columns:
        row[column] = truth[line, column] if stated is None else stated


def _looked_up(typed: str, schools: bytes) -> str:
    """The ID of the school whose name the contact finds in the list: one begins as the other does."""
    listed = csv.DictReader(io.StringIO(schools.decode("utf-8-sig")))
    names = {school["schoolName"].casefold(): school["schoolId"] for school in listed}
    [found] = [ident for name, ident in names.items() if typed.casefold().startswith(name)]
    return found


def _stated_value(error: str, remedy: str, cell: str) -> str | None:
    """What the sentences state is to be written; None where they only say what kind of thing."""
    for pattern in _VALUES:
        if match := re.search(pattern, f"{error} {remedy}"):
            return match[1]
    for start, rewrite in _REWRITES.items():
        if start in remedy:
            return rewrite(cell)
    return "" if re.match(r"Leave \w+ blank", remedy) else None


_VALUES = (
    r"[Ww]rite the ID exactly as ([^ ]+)\.",
    r"and write ([^ ]+)\.$",
    r"nearest in the roster is ([^ ]+)",
    r"differ: write '([^']+)'",
    r"Did you mean '([^']+)'",
    r"Write one of: ([^,(]+?)(?:,| \(|\.$)",
)
_REWRITES: Mapping[str, Callable[[str], str]] = {
    "Write the date as YYYY-MM-DD": lambda cell: datetime.strptime(cell, "%m/%d/%Y").date().isoformat(),  # noqa: DTZ007 - a day
    "Delete the cell's content and type it anew": lambda cell: "".join(c for c in cell if c.isprintable()),
    "Write the letters as they should be": lambda cell: cell.encode("cp1252").decode(),
    "Shorten it to 100 characters": lambda cell: cell[:100],
}


def corrected_file(mail: Mail, sent: bytes) -> bytes:
    """A refused file after each of the mail's remedies about it."""
    data = sent
    for pattern, change in _FILE_REMEDIES.items():
        for match in re.finditer(pattern, " ".join(mail.text.split())):
            data = change(data, match, mail)
    return data


def _table(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"))))


def _bytes(rows: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue().encode()


def _rename(data: bytes, match: re.Match[str], _: Mail) -> bytes:
    header, *rows = _table(data)
    seen = re.sub(r"\[U\+(\w{4})\]", lambda code: chr(int(code[1], 16)), match[1])
    return _bytes([[match[2] if name == seen else name for name in header], *rows])


def _without_column(data: bytes, position: int) -> bytes:
    return _bytes([[*row[:position], *row[position + 1 :]] for row in _table(data)])


def _delete_named(data: bytes, match: re.Match[str], _: Mail) -> bytes:
    return _without_column(data, _table(data)[0].index(match[1]))


def _delete_letter(data: bytes, match: re.Match[str], _: Mail) -> bytes:
    return _without_column(data, ord(match[1]) - ord("A"))


def _add(data: bytes, match: re.Match[str], mail: Mail) -> bytes:
    """A missing column; the mail brings a template with its name."""
    assert match[1] in mail.files["users-template.csv"].decode("utf-8-sig").rstrip().split(",")
    header, *rows = _table(data)
    return _bytes([[*header, match[1]], *([*row, ""] for row in rows)])


def _without_lines_above(data: bytes, match: re.Match[str], _: Mail) -> bytes:
    return b"".join(data.splitlines(keepends=True)[int(match[1]) - 1 :])


def _without_quote(data: bytes, match: re.Match[str], _: Mail) -> bytes:
    lines = data.splitlines(keepends=True)
    lines[int(match[1]) - 1] = lines[int(match[1]) - 1].replace(b'"', b"")
    return b"".join(lines)


_FILE_REMEDIES: Mapping[str, Callable[[bytes, re.Match[str], Mail], bytes]] = {
    r"separates its cells with semicolons": lambda data, *_: data.replace(b";", b","),
    r"separates its cells with tabs": lambda data, *_: data.replace(b"\t", b","),
    r"Delete the first line, sep=": lambda data, *_: b"".join(data.splitlines(keepends=True)[1:]).replace(b";", b","),
    r"line (\d+) becomes line 1": _without_lines_above,
    r"Put the header row of the template, users-template.csv, above": lambda data, _, mail: (
        mail.files["users-template.csv"] + data
    ),
    r"Header: '([^']+)' (?!is not a column).*?(?:exactly as|anew as) (\w+)": _rename,
    r"Header: '([^']+)' is not a column of this file\.(?! The nearest)": _delete_named,
    r"in columns \w+ and (\w+)\. Keep one": _delete_letter,
    r"has no header \(column (\w)\)": _delete_letter,
    r"the column (\w+) is missing": _add,
    r"The file is UTF-16": lambda data, *_: data.decode("utf-16").encode(),
    r"opens in line (\d+) is never closed": _without_quote,
    r"holds a NUL character": lambda data, *_: data.replace(b"\0", b""),
}
"""What the mail says about the whole file → what is done about it."""

"""Files with 50 canaries, and every kind of fault for the night that reads them.

| district | its file | its fault |
|---|---|---|
| egret | rows of every kind; a canary in its name | a contact is refused; the database refuses a row |
| falcon | accepted rows | the database fails, and quotes the row in message and DETAIL |
| grouse | a first delivery above its hold | the worker is killed before the commit |
| heron | two refused files: without a header, and with an unknown one | |
| ibis | a canary in its name | the line is cut, then the server refuses and quotes the name |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncssh
from sqlalchemy import Engine, text

from tests.support.airflow_nights import Country, row
from tests.support.canaries.words import WORDS
from tests.support.district_nights import users_csv
from tests.support.servers import SftpFiles, SftpServer, SmtpServer

CODES = ("egret", "falcon", "grouse", "heron", "ibis")
_words = iter(WORDS)


def _person(code: str, number: int, **cells: str) -> dict[str, str]:
    """A row with a canary in every cell that names the person."""
    said = {column: next(_words) for column in ("userId", "userFirstName", "userLastName")}
    return row(code, number) | said | {"userEmail": f"{next(_words)}@{code}.example.org"} | cells


MAILBOX = f"{next(_words)}@egret.example.org"
"""Whom the mail server does not know."""
HEADER = next(_words)
NAMES = {code: f"users-{next(_words)}.csv" for code in ("egret", "ibis")}
_CONFLICTING = _person("egret", 3)
_UNSTORABLE = _person("egret", 4)
_ACCEPTED = _person("egret", 1) | {
    column: next(_words) for column in ("userMiddleName", "userDistrictId", "userStateId", "classId", "className")
}
EGRET = [
    _ACCEPTED | {"classGrade": "3"},
    _person("egret", 2, userRole="Janitor"),
    _CONFLICTING,
    _CONFLICTING | {"userLastName": next(_words)},
    _UNSTORABLE,
    row("egret", 5, userEmail=next(_words)),
]
BROKEN_ROW = f"one,cell,too,few,{next(_words)}\r\n".encode()
FALCON = [_person("falcon", 1)]
GROUSE = [_person("grouse", number) for number in (1, 2)]
HEADERLESS = [_person("heron", 1)]
IBIS = [_person("ibis", 1)]
UNKNOWN_HEADER = [row("heron", 2, userFirstName=next(_words), userLastName=next(_words))]
LEFT = list(_words)
"""Canaries that no file holds: none."""
UNREAD = frozenset(word for word in WORDS if word in f"{IBIS} {NAMES['ibis']}")
"""Those of the file that nobody gets."""

SOURCES: Mapping[str, Mapping[str, str]] = {
    "egret": {"pattern": "users*.csv"},
    "heron": {"pattern": "users*.csv"},
    "ibis": {"sftp": "ibis", "directory": "/", "pattern": "users*.csv"},
}
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "egret": {"contacts": [{"address": MAILBOX, "name": "Office"}]},
    "grouse": {"holds": {"first_delivery": 1}},
}


def put(country: Country) -> list[Path]:
    """The files into their inboxes."""
    headerless = users_csv(HEADERLESS).split(b"\r\n", 1)[1]
    unknown = users_csv(UNKNOWN_HEADER).replace(b"userMiddleName", HEADER.encode())
    files = {
        country.inbox("egret") / NAMES["egret"]: users_csv(EGRET) + BROKEN_ROW,
        country.inbox("falcon") / "users.csv": users_csv(FALCON),
        country.inbox("grouse") / "users.csv": users_csv(GROUSE),
        country.inbox("heron") / "users-1.csv": headerless,
        country.inbox("heron") / "users-2.csv": unknown,
        country.inbox("ibis") / NAMES["ibis"]: users_csv(IBIS),
    }
    for path, content in files.items():
        path.write_bytes(content)
    return list(files)


class QuotingFiles(SftpFiles):
    """Files that nobody gets: the first request cuts the line, the others are refused with the file's name."""

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        outer = self.outer
        assert isinstance(outer, QuotingSftp)
        outer.asked += 1
        if outer.asked == 1:
            self.connection.abort()
            raise asyncssh.SFTPConnectionLost(f"cut while opening {path.decode()}")
        raise asyncssh.SFTPPermissionDenied(f"you may not open {path.decode()}")


class QuotingSftp(SftpServer):
    """`asked`: how often a file was to be opened."""

    files = QuotingFiles
    asked = 0


@contextmanager
def quoting_sftp(root: Path) -> Iterator[QuotingSftp]:
    """A started one over `root`."""
    server = QuotingSftp(root)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def refuse_mail(smtp: SmtpServer) -> None:
    """The mail server knows one contact not, and quotes it."""
    smtp.recipients[MAILBOX] = f"550 5.1.1 <{MAILBOX}>: no such user"


_TRIGGER = """
CREATE FUNCTION roster.injected() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.district = 'falcon' THEN
        RAISE EXCEPTION 'no room for %', NEW.email USING DETAIL = NEW::text, ERRCODE = 'XX000';
    ELSIF NEW.last_name = '{unstorable}' THEN
        RAISE EXCEPTION 'nobody is called %', NEW.last_name USING DETAIL = NEW::text, ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER injected BEFORE INSERT ON roster.person FOR EACH ROW EXECUTE FUNCTION roster.injected();
"""


@contextmanager
def quoting_database(owner: Engine) -> Iterator[None]:
    """While the block runs, the database fails for falcon and refuses a row of egret, and quotes both."""
    with owner.begin() as conn:
        conn.execute(text(_TRIGGER.format(unstorable=_UNSTORABLE["userLastName"])))
    try:
        yield
    finally:
        with owner.begin() as conn:
            conn.execute(text("DROP FUNCTION roster.injected() CASCADE"))

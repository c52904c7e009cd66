"""Canaries: words that stand for personal data, and the search for them wherever they must not be.

A place is searched in every form a word may take there: any case, hexadecimal (bytea) and base64.
"""

from __future__ import annotations

import base64
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from string import ascii_lowercase

import psycopg
from psycopg import sql

LETTERS = ascii_lowercase.replace("q", "")
WORDS = tuple(f"Qanar{first}{second}q" for first in LETTERS[:5] for second in LETTERS[:10])
"""50 of them. None is part of another, and none is a word of any language or library."""


@dataclass(frozen=True, slots=True, order=True)
class Violation:
    """A canary and where it was found."""

    place: str
    word: str


def _hexadecimal(word: str) -> Iterator[bytes]:
    return (spelled.encode().hex().encode() for spelled in (word, word.lower()))


def coded(word: str) -> Iterator[bytes]:
    """The base64 of a word, wherever in a text it begins: without the letters that its neighbours have a part in."""
    for shift in range(3):
        text = base64.b64encode(b"x" * shift + word.encode() + b"xxx")
        yield text[-(-shift * 8 // 6) : (shift + len(word)) * 8 // 6]


PLAIN = {form: word for word in WORDS for form in (word.lower().encode(), *_hexadecimal(word))}
CODED = {form: word for word in WORDS for spelled in (word, word.lower()) for form in coded(spelled)}
"""What is looked for regardless of case, and what is not."""


def hits(place: str, content: bytes | str) -> Iterator[Violation]:
    """Every canary in this content, once."""
    data = content.encode(errors="surrogatepass") if isinstance(content, str) else content
    folded = data.lower()
    found = {word for form, word in PLAIN.items() if form in folded}
    found |= {word for form, word in CODED.items() if form in data}
    for word in sorted(found):
        yield Violation(place, word)


def in_files(folder: Path, besides: Collection[Path] = ()) -> Iterator[Violation]:
    """In names and contents of all files below a folder, `besides` the allowed ones."""
    for path in sorted(folder.rglob("*")):
        if any(path == beside or beside in path.parents for beside in besides):
            continue
        yield from hits(f"name {path}", str(path.relative_to(folder)))
        if path.is_file() and not path.is_symlink():
            yield from hits(str(path), path.read_bytes())


def in_database(url: str, besides: Collection[str] = ()) -> Iterator[Violation]:
    """In every column of every row of every table and in what sessions ran last; `besides` schemas and tables.

    Rows are read as text; a column of an allowed table that must be empty of canaries is asked for with `in_column`.
    """
    with psycopg.connect(url.replace("+psycopg", "")) as conn:
        tables = conn.execute(
            "SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' "
            "AND table_schema NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        assert tables
        for schema, name in tables:
            if schema in besides or f"{schema}.{name}" in besides:
                continue
            rows = conn.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(schema, name)))
            yield from _of_rows(f"table {schema}.{name}", rows)
        yield from _of_rows("pg_stat_activity", conn.execute("SELECT t::text FROM pg_stat_activity t"))


def in_column(url: str, table: str, column: str) -> Iterator[Violation]:
    """In one column of an allowed table."""
    statement = sql.SQL("SELECT {}::text FROM {}").format(sql.Identifier(column), sql.Identifier(*table.split(".")))
    with psycopg.connect(url.replace("+psycopg", "")) as conn:
        yield from _of_rows(f"column {table}.{column}", conn.execute(statement))


def _of_rows(place: str, rows: Iterable[tuple[str | None, ...]]) -> Iterator[Violation]:
    found = {hit for (text,) in rows if text for hit in hits(place, text)}
    yield from sorted(found)


@dataclass(slots=True)
class Arguments:
    """The arguments of every process that ran meanwhile, looked at five times a second."""

    seen: set[bytes] = field(default_factory=set)
    _over: threading.Event = field(default_factory=threading.Event)

    def watch(self) -> None:
        while not self._over.wait(0.2):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self.seen.add(path.read_bytes())
                except OSError:  # it has ended
                    continue

    def end(self) -> None:
        self._over.set()

    def found(self) -> list[Violation]:
        """The canaries among them."""
        return sorted({hit for each in self.seen for hit in hits("process arguments", each)})


@contextmanager
def watched_arguments() -> Iterator[Arguments]:
    """Looks at all processes while the block runs."""
    watched = Arguments()
    thread = threading.Thread(target=watched.watch, name="process arguments")
    thread.start()
    try:
        yield watched
    finally:
        watched.end()
        thread.join()

"""A reader beside the fault: looks at the roster over and over and remembers every state it ever saw."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import psycopg

from tests.faults.scenario import HERE, NEXT_DOOR

TABLES = ("school", "person", "placement", "class", "enrollment")
_ROWS = " UNION ALL ".join(
    f"SELECT district, owner, '{name}' || (to_jsonb(t) - '{{created_at,updated_at,assigned_at}}'::text[])::text"
    f' AS image FROM roster."{name}" t'
    for name in TABLES
)
LOOK = f"""
WITH rows AS ({_ROWS})
SELECT (SELECT roster_version FROM roster.district WHERE code = '{HERE}'),
       md5(string_agg(image, '' ORDER BY image) FILTER (WHERE district = '{HERE}')),
       md5(string_agg(image, '' ORDER BY image) FILTER (WHERE district = '{NEXT_DOOR}')),
       md5(string_agg(image, '' ORDER BY image) FILTER (WHERE owner = 'source'))
FROM rows
"""
"""One statement is one moment. Without times: two nights must agree on it."""


@dataclass(frozen=True, slots=True, order=True)
class Seen:
    """The roster at a moment, as checksums: ours, the district's next door, and what the enrollment source owns."""

    version: int
    here: str
    next_door: str
    source: str


def look(url: str) -> Seen:
    """The roster now."""
    with psycopg.connect(url, autocommit=True) as conn:
        return _look(conn)


def _look(conn: psycopg.Connection) -> Seen:
    row = conn.execute(LOOK).fetchone()
    assert row is not None
    return Seen(*row)


@dataclass(slots=True)
class Observer:
    """Looks every few milliseconds from `start` to `stop`; a database that is away is looked for again."""

    url: str
    seen: set[Seen] = field(default_factory=set)
    looks: int = 0
    _end: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._watch, name="observer", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        if self._thread is not None:
            self._thread.join(timeout=30)

    def _watch(self) -> None:
        while not self._end.is_set():
            try:
                with psycopg.connect(self.url, autocommit=True) as conn:
                    self._look_on(conn)
            except psycopg.OperationalError:
                self._end.wait(0.05)

    def _look_on(self, conn: psycopg.Connection) -> None:
        while not self._end.wait(0.01):
            self.seen.add(_look(conn))
            self.looks += 1

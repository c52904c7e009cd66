"""A district with a database of its own, tonight's file in its inbox, servers around it: what faults befall."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import psycopg
import yaml
from sqlalchemy import Connection, select

from rostersync.database import tables
from rostersync.settings import include_path
from tests.faults.child_tasks import Order
from tests.faults.fork_client import KILLED, Ended, Parent
from tests.faults.observer import Seen, look
from tests.faults.scenario import HERE, TONIGHT
from tests.support.district_nights import Nights
from tests.support.servers import SmtpServer

NIGHT = ["pull", "validate", "upsert", "email"]
STALE = timedelta(minutes=31)
"""After so long a relay that was killed is known to be gone."""


@dataclass(slots=True, kw_only=True)
class Bench:
    """`before` and `after`: the roster as tonight's file finds it, and as an undisturbed night leaves it.

    `undisturbed`: everything else that night came to. `own_story`: this fault tells of other files, so that only what
    holds for all stories is judged; `elsewhere`: the roster after each time that somebody else wrote to it.
    """

    nights: Nights
    url: str
    superuser: str
    log: Path
    parent: Parent
    smtp: SmtpServer
    before: Seen
    after: Seen | None = None
    undisturbed: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    own_story: bool = False
    elsewhere: list[Seen] = field(default_factory=list)
    said: list[Ended] = field(default_factory=list)

    def order(self, **changed: Any) -> Order:
        """Tonight's tasks; `changed` replaces single wishes, `point` names a crash point."""
        settings_ = {**self.defaults, **changed}
        environment = {"ROSTERSYNC_SMTP_URL": "", **settings_.pop("environment", {})}
        if point := settings_.pop("point", None):
            once = str(self.nights.folder / f"struck-{len(self.said)}")
            environment |= {"ROSTERSYNC_CRASH": point, "ROSTERSYNC_CRASH_ONCE": once}
            environment["ROSTERSYNC_CRASH_SIGNAL"] = settings_.get("signal", "KILL")
        usual: dict[str, Any] = {
            "database": self.url,
            "folder": str(self.nights.folder),
            "log": str(self.log),
            "run": "night-2",
            "now": (TONIGHT + settings_.pop("later", timedelta())).isoformat(),
            "steps": NIGHT,
            "delivery": None,
            "config": {},
            "smtp": self.smtp.url,
            "sftp": None,
            "session": {},
            "patience": None,
            "settle": 0.0,
            "file_bytes": None,
            "memory": None,
            "force": False,
            "patched": {},
            "lock_seconds": 20.0,
            "statement": None,
            "before": False,
            "signal": "KILL",
            "repeat": 1,
            "child": True,
        }
        return Order(**{**usual, **settings_, "environment": environment})  # type: ignore[typeddict-item] - the tests' own words

    def night(self, **changed: Any) -> Ended:
        """The night's tasks in a process of their own."""
        return self._heard(self.parent.work(self.order(**changed)))

    def begin(self, **changed: Any) -> int:
        """The same, not waited for; the pid."""
        return self.parent.start(self.order(**changed))

    def end(self, pid: int) -> Ended:
        """Until that process ends, or stops."""
        return self._heard(self.parent.wait(pid))

    def killed(self, **changed: Any) -> Ended:
        """The night's tasks in a process that does not survive them."""
        ended = self.night(**changed)
        assert ended.code == KILLED, f"it was not killed: {ended}"
        return ended

    def fine(self, **changed: Any) -> list[Any]:
        """The night's tasks, without trouble; what they told."""
        return self.well(self.night(**changed))

    def well(self, ended: Ended) -> list[Any]:
        """The words of a process that had no trouble."""
        assert (ended.code, ended.error) == (0, None), ended
        assert ended.results is not None
        return ended.results

    def _heard(self, ended: Ended) -> Ended:
        self.said.append(ended)
        return ended

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """As the superuser, committed at once."""
        with psycopg.connect(self.superuser, autocommit=True) as conn:
            found = conn.execute(statement, values)
            return found.fetchall() if found.description else []

    def sql_of_cluster(self, statement: str, *values: Any) -> None:
        """The same, connected to no roster database."""
        with psycopg.connect(self.superuser.rpartition("/")[0] + "/postgres", autocommit=True) as conn:
            conn.execute(statement, values)

    def others(self, statement: str, *values: Any) -> None:
        """The same, for a write of somebody else's to the roster: the oracle hears of it."""
        self.sql(statement, *values)
        self.elsewhere.append(self.roster)

    @property
    def roster(self) -> Seen:
        """The roster now."""
        return look(self.superuser)

    def include(self, **fields: Any) -> dict[str, str]:
        """An environment whose include folder knows this one district."""
        include = self.nights.folder / "include"
        (include / "districts").mkdir(parents=True)
        for each in include_path().iterdir():
            if each.name != "districts":
                (include / each.name).symlink_to(each)
        spec = {"code": HERE, "name": "Springfield", "state": "CA", "timezone": "America/Los_Angeles"}
        spec |= {"source": {"file": str(self.nights.inbox)}, **fields}
        path = include / "districts" / f"{HERE}.yaml"
        path.write_text(yaml.safe_dump(spec))
        long_ago = (TONIGHT - timedelta(days=30)).timestamp()
        os.utime(path, (long_ago, long_ago))
        return {"ROSTERSYNC_INCLUDE": str(include)}

    @property
    def statements(self) -> int:
        """How many statements the last undisturbed child gave to the database."""
        return int((self.nights.folder / "statements").read_text())

    @property
    def delivery(self) -> str:
        """The id of the last delivery that arrived."""
        return str(self.sql("SELECT id FROM intake.delivery WHERE district = %s ORDER BY sequence DESC", HERE)[0][0])

    def outcome(self) -> dict[str, Any]:
        """What tonight came to beside the roster: whatever two nights must agree on."""
        with self.nights.owner.connect() as conn:
            return {
                "states": self.nights.states(),
                "mail": self.nights.messages(),
                "mailed": sorted(_headers(each.content) for each in self.smtp.accepted),
                **_ledger(conn),
            }


def _ledger(conn: Connection) -> dict[str, Any]:
    a, c, f = tables.attempt.c, tables.change.c, tables.finding.c

    def rows(*columns: Any) -> list[str]:
        return sorted(str(tuple(row)) for row in conn.execute(select(*columns)))

    return {
        "attempts": rows(a.delivery, a.number, a.outcome, a.rows, a.counts, a.by_school, a.changes),
        "changes": rows(c.delivery, c.attempt, c.entity, c.key, c.action, c.before, c.after, c.line),
        "findings": rows(f.delivery, f.attempt, f.stage, f.code, f.line, f.column),
    }


def _headers(content: bytes) -> tuple[str, str, str]:
    mail = message_from_bytes(content)
    return str(mail["Message-ID"]), str(mail["To"]), str(mail["Subject"])

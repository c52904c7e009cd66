"""Districts for nights that Airflow runs: configuration, schools and files, and what the roster and outbox came to."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Engine, insert, select

from rostersync.database import tables
from rostersync.settings import include_path
from rostersync.transports.protocol import DONE
from tests.support.district_nights import users_csv

DAG = "staff_sync_nightly"
SCHOOL = "100"
ROSTER = ("school", "person", "placement", "class", "enrollment")
MOMENTS = ("created_at", "updated_at", "assigned_at")


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """Some districts with an include folder and inboxes of their own below `folder`."""

    folder: Path

    @property
    def include(self) -> Path:
        return self.folder / "include"

    def found(
        self,
        codes: Sequence[str],
        sources: Mapping[str, Mapping[str, str]] | None = None,
        fields: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        """Configure these districts: an inbox folder each, unless `sources` says otherwise; `fields` replace others."""
        shutil.copytree(include_path(), self.include, ignore=shutil.ignore_patterns("districts"))
        (self.include / "districts").mkdir()
        for code in codes:
            self.inbox(code).mkdir(parents=True)
            source = dict((sources or {}).get(code, {}))
            if "sftp" not in source:
                source["file"] = str(self.inbox(code))
            configured = yaml.safe_dump(_configuration(code, source) | dict((fields or {}).get(code, {})))
            (self.include / "districts" / f"{code}.yaml").write_text(configured)

    def inbox(self, code: str) -> Path:
        return self.folder / "inbox" / code

    def put(self, code: str, rows: Sequence[Mapping[str, str]]) -> None:
        """Put a file into a district's inbox; with its marker, so that nobody pauses to see whether it grows."""
        path = self.inbox(code) / "users.csv"
        path.write_bytes(users_csv(rows))
        path.with_name(path.name + DONE).touch()


def _configuration(code: str, source: Mapping[str, str]) -> dict[str, Any]:
    return {
        "code": code,
        "name": f"{code.title()} Unified",
        "state": "CA",
        "timezone": "America/Los_Angeles",
        "source": dict(source),
        "contacts": [{"address": f"office@{code}.example.org", "name": "Office"}],
        "email_domains": [f"{code}.example.org"],
    }


def row(code: str, number: int, **cells: str) -> dict[str, str]:
    """A valid row about a person of this district; `cells` override."""
    return {
        "schoolId": SCHOOL,
        "userId": f"{code}-{number}",
        "userRole": "Teacher",
        "userFirstName": f"Canary{number}",
        "userLastName": "Quimby",
        "userEmail": f"canary.{number}@{code}.example.org",
    } | cells


def open_schools(owner: Engine, codes: Sequence[str]) -> None:
    """One school per district, owned by the enrollment source."""
    with owner.begin() as conn:
        conn.execute(insert(tables.district), [{"code": code, "name": code} for code in codes])
        facts = {"school_id": SCHOOL, "name": "First School", "owner": "source"}
        conn.execute(insert(tables.school), [{"district": code} | facts for code in codes])


def state_of(owner: Engine, code: str) -> dict[str, Any]:
    """Everything of a district that two nights must agree on: roster, attempts with counts, changes, mails."""
    attempt, change, message, report = tables.attempt, tables.change, tables.message, tables.report
    with owner.connect() as conn:

        def rows(*columns: Any, of: Any) -> list[str]:
            return sorted(str(tuple(found)) for found in conn.execute(select(*columns).where(of == code)))

        roster = {}
        for name in ROSTER:
            table = tables.metadata.tables[f"roster.{name}"]
            roster[name] = rows(*(c for c in table.c if c.name not in MOMENTS), of=table.c.district)
        a, c, m = attempt.c, change.c, message.c
        mails = select(report.c.kind, m.recipient, m.state).join(message, m.report == report.c.id)
        return {
            **roster,
            "attempts": rows(a.delivery, a.number, a.outcome, a.rows, a.counts, a.changes, of=a.district),
            "changes": rows(c.entity, c.key, c.action, c.line, of=c.district),
            "mails": sorted(str(tuple(r)) for r in conn.execute(mails.where(report.c.district == code))),
        }

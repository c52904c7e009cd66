"""What the database has of a district's ledger, reports and roster, as plain values."""

from __future__ import annotations

import csv
import io
from collections import Counter

from sqlalchemy import select

from rostersync import ledger, pipeline
from rostersync.database import tables as t
from tests.support.district_nights import Nights
from tests.support.oracle import database as model_database
from tests.support.oracle.other_writers import OtherWriters
from tests.support.oracle.values import Roster


class LedgerReading(OtherWriters):
    """A machine that looks into the database of its nights, past all rights."""

    nights: Nights

    def _rows(self) -> dict[str, tuple[str, int]]:
        d = t.delivery.c
        with self.nights.owner.connect() as conn:
            return {row.id: (row.state, row.sequence) for row in conn.execute(select(d.id, d.state, d.sequence))}

    def _stored_roster(self) -> Roster:
        with self.nights.owner.connect() as conn:
            return model_database.read(conn, self.roster)

    def _version(self) -> int:
        with self.nights.owner.connect() as conn:
            return ledger.roster_version(conn, model_database.DISTRICT)

    def _latest(self) -> str | None:
        with self.nights.owner.connect() as conn:
            found = ledger.latest_applied(conn, model_database.DISTRICT)
        return found[0] if found else None

    def _messages(self) -> Counter[tuple[str, int, str, str]]:
        r, m = t.report.c, t.message.c
        wanted = select(r.delivery, r.attempt, r.kind, m.recipient).join(t.message, m.report == r.id)
        with self.nights.owner.connect() as conn:
            return Counter(tuple(row) for row in conn.execute(wanted))

    def _listed(self, result: pipeline.SyncResult) -> set[int]:
        """The lines of the users-errors.csv of this result."""
        r, f = t.report.c, t.report_file.c
        wanted = select(f.content).join(t.report, r.id == f.report).where(f.name == "users-errors.csv")
        with self.nights.owner.connect() as conn:
            found = conn.scalars(wanted.where(r.delivery == result.delivery, r.attempt == result.attempt)).first()
        return {int(row["line"]) for row in csv.DictReader(io.StringIO(found.decode("utf-8-sig")))} if found else set()

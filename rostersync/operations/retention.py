"""Retention: what is older than its term goes, from the stores of files and from the ledger, and the proof of it stays.

Deleting takes a login of its own (the role `roster_sweep`), which can write nothing: the proof is noted by the tasks'
login. It is committed just before the deletion, so that nothing ever goes without one; a sweep that dies in between is
finished by the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from rostersync import database, fault_points, ledger
from rostersync.configuration.district import Retention
from rostersync.ledger import Proof
from rostersync.mailing import MAILS, EmlFolder
from rostersync.pipeline.run_progress import ENDED_WORK

if TYPE_CHECKING:
    from rostersync.transports.landing_store import LandingStore

RAW_FILES = "raw_files"
MAIL_FILES = "mail_files"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stores:
    """Where the data is: the ledger, by a login that may delete, the landing store, and the folder of `.eml` files.

    `notes`: the same ledger by the tasks' login, which writes the proof. `dry_run`: nothing goes, it is only said what
    would.
    """

    engine: Engine
    notes: Engine
    landing: LandingStore
    outbox: Path
    clock: Callable[[], datetime]
    dry_run: bool = False

    def open(self, code: str) -> AbstractContextManager[Connection]:
        """A transaction that concerns a district; rolled back when it is only to be said what would go."""
        return (
            database.rolled_back_transaction(self.engine, code)
            if self.dry_run
            else database.transaction(self.engine, code)
        )


def sweep(stores: Stores, code: str, terms: Retention, *, landed: bool = True) -> Mapping[str, Proof]:
    """Sweep one district; kind → proof, empty under a legal hold. Again at any time: nothing is left to do.

    `landed`: the district has a place in the landing store. Raises TransientError, DatabaseUnavailable.
    """
    now = stores.clock()
    with stores.open(code) as conn:
        contents = ledger.contents(conn, code)
    proof: dict[str, Proof] = {}
    if not terms.legal_hold:
        if landed:
            proof[RAW_FILES] = _sweep_raw(stores, code, contents, now - timedelta(days=terms.raw_files))
        proof[MAIL_FILES] = _sweep_mails(stores, code, now - timedelta(days=terms.reports))
        fault_points.reached("sweep.after_files")
    with stores.open(code) as conn:
        for kind in () if terms.legal_hold else ledger.KINDS:
            proof[kind.name] = ledger.sweep_kind(conn, kind, code, now - timedelta(days=kind.days(terms)))
        if not stores.dry_run:
            with database.transaction(stores.notes, code) as noting:
                ledger.record_sweep(noting, code, proof, legal_hold=terms.legal_hold, at=now)
        fault_points.reached("sweep.before_commit")
    return proof


def sweep_old_runs(stores: Stores, terms: Retention) -> int:
    """Sweep what belongs to no district: the lists of old runs (how many went), the notes about old mails and works."""
    for folder in (MAILS, ENDED_WORK):
        stores.landing.forget(folder, stores.clock() - timedelta(days=terms.reports))
    with database.transaction(stores.engine, None) as conn:
        return ledger.sweep_runs(conn, stores.clock() - timedelta(days=terms.ledger))


def _sweep_raw(stores: Stores, code: str, contents: Mapping[str, tuple[datetime, bool]], before: datetime) -> Proof:
    """Bytes count from when they were last seen in the inbox, or written; those of an open delivery stay.

    Bytes that the ledger does not know (of a dry run, of a crash) count from when they were written.
    """
    kept: list[datetime] = []
    swept = 0
    for sha256, written in stores.landing.kept(code).items():
        seen, is_open = contents.get(sha256, (written, False))
        age = max(seen, written)
        if age < before and not is_open:
            swept += 1
            if not stores.dry_run:
                stores.landing.remove(code, sha256)
        else:
            kept.append(age)
    return _proof(swept, before, kept)


def _sweep_mails(stores: Stores, code: str, before: datetime) -> Proof:
    mails = EmlFolder(stores.outbox).written(code)
    old = [path for path, written in mails.items() if written < before]
    for path in () if stores.dry_run else old:
        path.unlink(missing_ok=True)
    return _proof(len(old), before, [written for path, written in mails.items() if path not in old])


def _proof(swept: int, before: datetime, left: Iterable[datetime]) -> Proof:
    ages = sorted(left)
    staying = sum(age < before for age in ages)
    return Proof(swept=swept, before=before, left=len(ages), oldest=ages[0] if ages else None, staying=staying)

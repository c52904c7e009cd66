"""A worker killed with SIGKILL anywhere, and its task cleared: the same roster, counts and mails as undisturbed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from rostersync import database, tables
from rostersync.embedded import Server
from rostersync.settings import PROJECT
from tests.nights import Nights, district, person, teaching
from tests.servers import RosterDatabase, fresh_database

FILE = [person(1), teaching(2, "c1"), person(3, userRole="Janitor"), person(4, schoolId="999")]
POINTS = (
    "pull.before_ledger",
    "validate.before_commit",
    "upsert.after_begin",
    "upsert.after_write",
    "upsert.before_commit",
    "upsert.after_commit",
    "email.before_send",
    "email.after_send",
)


@pytest.fixture(scope="module")
def worker() -> Iterator[subprocess.Popen[str]]:
    """The preloaded process of `tests.killed_nights`."""
    command = [sys.executable, "-m", "tests.killed_nights"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith("ROSTERSYNC_")}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT, env=clean
    ) as made:
        yield made
        assert made.stdin is not None
        made.stdin.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """One database and inbox, and the way to have a night worked on them."""

    nights: Nights
    database: RosterDatabase
    worker: subprocess.Popen[str]

    def work(
        self,
        crash: str | None = None,
        run: str = "night-1",
        child: bool = True,
        approve: str | None = None,
        undo: str | None = None,
    ) -> int:
        """The tasks of a night (or an approval, or an undo), in a child or in the worker itself; the exit status."""
        order = {
            "database": self.database.url,
            "owner": self.database.superuser_url,
            "folder": str(self.nights.folder),
            "run": run,
            "approve": approve,
            "undo": undo,
            "crash": crash,
            "child": child,
        }
        assert self.worker.stdin is not None
        assert self.worker.stdout is not None
        print(json.dumps(order), file=self.worker.stdin, flush=True)
        return int(self.worker.stdout.readline())

    def outcome(self) -> dict[str, Any]:
        """Everything that two nights must agree on."""
        a, c, f = tables.attempt.c, tables.change.c, tables.finding.c
        with self.nights.owner.connect() as conn:
            attempts = [
                tuple(r) for r in conn.execute(select(a.number, a.outcome, a.rows, a.counts, a.by_school, a.changes))
            ]
            changes = sorted(
                str(tuple(r)) for r in conn.execute(select(c.entity, c.key, c.action, c.before, c.after, c.line))
            )
            findings = sorted(str(tuple(r)) for r in conn.execute(select(f.stage, f.code, f.line, f.column)))
        return {
            "roster": self.nights.roster(),
            "attempts": attempts,
            "changes": changes,
            "findings": findings,
            "messages": self.nights.messages(),
            "mails": sorted(_mail(each) for each in (self.nights.folder / "outbox").glob("*.eml")),
            "states": self.nights.states(),
        }


def _mail(path: Path) -> tuple[str, str, str]:
    mail = message_from_bytes(path.read_bytes())
    return str(mail["Message-ID"]), str(mail["To"]), str(mail["Subject"])


@contextmanager
def benches(postgres: Server, worker: subprocess.Popen[str], folder: Path) -> Iterator[Callable[[], Bench]]:
    """Makes benches: each with a fresh database, the two schools and the same file in its inbox."""
    with ExitStack() as stack:

        def made() -> Bench:
            own = stack.enter_context(fresh_database(postgres))
            (folder / own.name / "inbox").mkdir(parents=True)
            engine, owner = database.engine(own.url), database.engine(own.superuser_url)
            stack.callback(engine.dispose)
            stack.callback(owner.dispose)
            config = district(folder / own.name / "inbox")
            nights = Nights(engine=engine, owner=owner, folder=folder / own.name, config=config)
            nights.seed()
            nights.put(FILE)
            return Bench(nights=nights, database=own, worker=worker)

        yield made


@pytest.fixture(scope="module")
def undisturbed(
    postgres: Server, worker: subprocess.Popen[str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """What an undisturbed night comes to."""
    with benches(postgres, worker, tmp_path_factory.mktemp("undisturbed")) as made:
        bench = made()
        assert bench.work(child=False) == 0
        return bench.outcome()


@pytest.fixture
def killed(
    postgres: Server, worker: subprocess.Popen[str], undisturbed: dict[str, Any], tmp_path: Path
) -> Iterator[Bench]:
    """A bench whose worker is going to be killed."""
    with benches(postgres, worker, tmp_path) as made:
        yield made()


@pytest.mark.parametrize("point", POINTS)
def test_a_task_killed_anywhere_and_cleared_ends_like_an_undisturbed_night(
    killed: Bench, undisturbed: dict[str, Any], point: str
) -> None:
    assert killed.work(crash=point) == -signal.SIGKILL
    assert killed.work() == 0
    assert killed.outcome() == undisturbed
    assert killed.nights.states() == ["applied"]


def test_a_task_killed_before_the_commit_leaves_the_roster_untouched(killed: Bench) -> None:
    before = killed.nights.fingerprint()
    for point in ("upsert.after_begin", "upsert.after_write", "upsert.before_commit"):
        assert killed.work(crash=point) == -signal.SIGKILL
        assert killed.nights.fingerprint() == before
        assert killed.nights.messages() == []


def test_a_night_killed_again_and_again_is_mailed_once(killed: Bench, undisturbed: dict[str, Any]) -> None:
    for point in POINTS:
        assert killed.work(crash=point) == -signal.SIGKILL
    assert killed.work() == 0
    assert killed.outcome() == undisturbed


def test_the_night_after_a_killed_one_finishes_it_too(killed: Bench, undisturbed: dict[str, Any]) -> None:
    assert killed.work(crash="upsert.after_write") == -signal.SIGKILL
    assert killed.work(run="night-2") == 0
    assert killed.outcome() == undisturbed


def test_an_approval_that_is_killed_decides_nothing_and_can_be_given_again(killed: Bench) -> None:
    nights = killed.nights
    assert killed.work() == 0
    nights.put([person(1, userLastName="Older")], at=nights.now - timedelta(days=2))
    assert killed.work(run="night-2") == 0
    assert nights.states() == ["applied", "held"]
    with nights.owner.connect() as conn:
        held = conn.execute(select(tables.delivery.c.id).where(tables.delivery.c.state == "held")).scalar_one()
    before = (nights.fingerprint(), nights.messages())
    for point in ("upsert.after_write", "review.before_commit"):
        assert killed.work(approve=held, crash=point) == -signal.SIGKILL
        assert (nights.fingerprint(), nights.messages(), nights.states()) == (*before, ["applied", "held"])
    assert killed.work(approve=held) == 0
    assert nights.states() == ["applied", "applied"]


def test_an_undo_that_is_killed_has_done_all_or_nothing(killed: Bench) -> None:
    nights = killed.nights
    assert killed.work() == 0
    with nights.owner.connect() as conn:
        applied = conn.execute(select(tables.delivery.c.id)).scalar_one()
    before = (nights.fingerprint(), nights.messages())
    for point in ("undo.after_write", "undo.before_commit"):
        assert killed.work(undo=applied, crash=point) == -signal.SIGKILL
        assert (nights.fingerprint(), nights.messages(), nights.states()) == (*before, ["applied"])
    assert killed.work(undo=applied, crash="undo.after_commit") == -signal.SIGKILL
    assert (nights.people(), nights.states()) == ([], ["undone"])
    after = (nights.fingerprint(), nights.messages())
    assert killed.work(undo=applied) == 0
    assert (nights.fingerprint(), nights.messages()) == after


def test_the_undisturbed_night_is_worth_comparing_with(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["states"] == ["applied"]
    assert len(undisturbed["roster"]["person"]) == len(undisturbed["mails"]) == 2

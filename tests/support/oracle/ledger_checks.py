"""How a district's nights are held against the oracle: inbox, ledger, roster, counts, error files and mails."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from hypothesis import note
from sqlalchemy import Engine

from rostersync import pipeline
from rostersync.configuration.districts import configuration_digest
from rostersync.ledger import delivery_id
from rostersync.model import Outcome
from tests.support import strategies
from tests.support.district_nights import Nights
from tests.support.oracle import database as model_database
from tests.support.oracle.comparison import assert_equal
from tests.support.oracle.ledger_model import (
    APPLIED,
    Conditions,
    Content,
    Look,
    check_came_to,
    check_mails,
    check_outcome,
    flats,
    judge,
)
from tests.support.oracle.ledger_reading import LedgerReading
from tests.support.oracle.whole_files import FIRST_LINE
from tests.support.strategies import NormalizedTable

NAMES = ("users.csv", "users-2.csv")


class LedgerChecks(LedgerReading):
    """A district's inbox, its ledger as it was seen to come about, and how each night is compared."""

    steps: ClassVar[int] = 0
    looks: ClassVar[int] = 0
    met: ClassVar[Counter[str]] = Counter()

    def __init__(self, nights: Nights, sweeper: Engine) -> None:
        super().__init__()
        self.nights, self.sweeper = nights, sweeper
        self.contents: dict[str, Content] = {}
        self.inbox: dict[str, tuple[str, datetime]] = {}
        self.applied: set[str] = set()
        self.number = 0

    def _count(self) -> None:
        LedgerChecks.steps += 1

    def _run(self, **fields: Any) -> pipeline.Run:
        self.number += 1
        return self.nights.run(f"night-{self.number}", **fields)

    def _today(self) -> Any:
        return self.nights.now.astimezone(self.nights.config.zone).date()

    def _blackout(self) -> bool:
        return self.nights.config.in_blackout(self._today())

    def _in(self, *states: str) -> list[Content]:
        return sorted((c for c in self.contents.values() if c.state in states), key=lambda c: c.id)

    def _put(self, sheet: NormalizedTable, *, beside: bool = False, days_old: int = 0) -> None:
        data = strategies.as_csv(*sheet)
        id_ = delivery_id(model_database.DISTRICT, hashlib.sha256(data).hexdigest())
        moment = self.nights.now - timedelta(hours=1, days=days_old)
        name = NAMES[1] if beside else NAMES[0]
        note(f"{name}, {moment:%m-%d %H:%M}, {id_}:\n{data.decode()}")
        self.nights.put(data, name, at=moment)
        self.inbox[name] = (id_, moment)
        made = Content(id=id_, sheet=sheet, data=data, last_seen=self.nights.now)
        self.contents.setdefault(id_, made)
        self._count()

    def _night(self, *, force: bool = False) -> None:
        """A whole night over what lies in the inbox."""
        LedgerChecks.looks += 1
        order = self._order(force=force)
        mails = self._messages()
        run = self._run(force=force, reason="said so" if force else None)
        note(f"{run.run_id} on {self._today()}{', forced' if force else ''}")
        results = pipeline.sync(self.nights.services, run, model_database.DISTRICT)
        note(str([(result.delivery, result.outcome.value, result.rows, result.error) for result in results]))
        for id_, (_, sequence) in self._rows().items():
            self.contents[id_].sequence = sequence
        if not order:
            assert [result.outcome for result in results] == [Outcome.NO_FILE]
            return
        assert [result.delivery for result in results] == [content.id for content, _ in order]
        told = []
        displaced = False
        for result, (content, planned) in zip(results, order, strict=True):
            look = replace(planned, latest=planned.latest and not displaced)
            told.append((result, look, content.state))
            self._seen(content)
            self._account(content, result, look)
            displaced = displaced or self._is_latest_now(content, result)
        check_mails(self._messages() - mails, self.contents, told)
        self._check()

    def _is_latest_now(self, content: Content, result: pipeline.SyncResult) -> bool:
        """Applied; of several that were applied at one moment and left the roster as it was, the last to arrive."""
        others = [c for c in self.contents.values() if c.applied_at == self.nights.now and c.id in self.applied]
        newest = content.sequence >= max((other.sequence for other in others), default=0)
        return result.outcome in APPLIED and (bool(result.changes) or newest)

    def _order(self, *, force: bool = False) -> list[tuple[Content, Look]]:
        """What a look goes through: what is unfinished by its sequence, then the files of the inbox by their time."""
        latest = self._latest()
        waiting = [] if self._blackout() else sorted(self._in("pulled", "validated"), key=lambda c: c.sequence)
        order = {content.id: self._look(content, latest=False, anew=False, force=force) for content in waiting}
        for _, (id_, moment) in sorted(self.inbox.items(), key=lambda item: (item[1][1], item[0])):
            content = self.contents[id_]
            anew = content.state != "new" and moment not in content.times
            known = order.get(id_)
            if known is not None and anew and content.state == "applied" and not known.latest and not force:
                del order[id_]  # left in place it came to nothing, sent once more it does
            anew = anew or (known is not None and known.anew)
            order[id_] = self._look(content, latest=id_ == latest, anew=anew, force=force)
        return [(self.contents[id_], look) for id_, look in order.items()]

    def _look(self, content: Content, **fields: bool) -> Look:
        older_file = self.nights.config.holds.older_file
        return Look(conditions=self._conditions(), blackout=self._blackout(), older_file=older_file, **fields)

    def _conditions(self) -> Conditions:
        return self._today(), self._version(), configuration_digest(self.nights.config)

    def _seen(self, content: Content) -> None:
        """The content is noted as met by a look."""
        times = {moment for id_, moment in self.inbox.values() if id_ == content.id}
        if times:
            content.last_seen = self.nights.now
        content.times |= times

    def _account(self, content: Content, result: pipeline.SyncResult, look: Look) -> None:
        """One result: allowed, and what the oracle says; the roster of the oracle goes on."""
        check_outcome(content, result, look)
        before = content.state
        LedgerChecks.met[f"{before} → {result.outcome}{', forced' if look.force else ''}"] += 1
        if result.outcome in (Outcome.WAITING, Outcome.REFUSED):
            content.state = "refused" if result.outcome is Outcome.REFUSED else "pulled" if before == "new" else before
            return
        if result.outcome is Outcome.DUPLICATE:
            self._still_true(content, look)
        elif result.outcome is Outcome.HELD:
            self._held(content, result, look, before)
        else:
            self._applied(content, result, look)

    def _still_true(self, content: Content, look: Look) -> None:
        if content.state != "applied" or not look.latest or content.left_out:
            return
        conditions = self._conditions()
        if content.judged != conditions:
            whole = self._judge(content)
            assert not whole.night.changed, "a duplicate, though it asks for something"
        content.judged, content.configuration = conditions, conditions[2]

    def _held(self, content: Content, result: pipeline.SyncResult, look: Look, before: str) -> None:
        if before == "held" and not look.force:
            return
        codes = {finding.code for finding in result.findings if finding.severity.value == "hold"}
        assert codes, "held without a reason"
        assert before != "applied" or look.anew or look.force or codes != {"hold-older-file"}, "older, left in place"
        self._keep_left_out(content, result, look)
        check_came_to(result, self._judge(content, content.left_out), content)
        self._note_held(content, result)

    def _keep_left_out(self, content: Content, result: pipeline.SyncResult, look: Look) -> None:
        """What an approval left out stays so until somebody insists."""
        told = left_out(result)
        assert told == content.left_out or (look.force and not told), "what an approval left out is asked for again"
        content.left_out = told

    def _note_held(self, content: Content, result: pipeline.SyncResult) -> None:
        schools = (str(finding.detail["school"]) for finding in result.findings if finding.code == "hold-school")
        content.state, content.held_at, content.held_schools = "held", self.nights.now, tuple(schools)
        content.told = flats(result)

    def _applied(self, content: Content, result: pipeline.SyncResult, look: Look) -> None:
        known = content.state == "applied" and look.latest and not look.force
        assert not known or result.changes or flats(result) != content.told, "nothing new, and no duplicate"
        self._keep_left_out(content, result, look)
        self._came_true(content, result)

    def _came_true(self, content: Content, result: pipeline.SyncResult) -> None:
        whole = self._judge(content, content.left_out)
        check_came_to(result, whole, content)
        # Just the rows that are not applied and not only set aside.
        assert_equal("lines of users-errors.csv", self._listed(result), set(whole.rejected | content.left_out))
        self.roster = whole.night.roster
        content.state, content.told = "applied", flats(result)
        content.judged, content.configuration = self._conditions(), configuration_digest(self.nights.config)
        content.applied_at = self.nights.now
        self.applied.add(content.id)

    def _approved(self, content: Content, result: pipeline.SyncResult, schools: tuple[str, ...]) -> None:
        if result.outcome is Outcome.HELD:
            self._note_held(content, result)
            return
        assert result.outcome in APPLIED
        rejected = self._judge(content).at_file
        table = enumerate(content.sheet[1], start=FIRST_LINE)
        expected = {line for line, cells in table if cells["schoolId"] in schools and line not in rejected}
        expected |= content.left_out
        content.left_out = left_out(result)
        assert expected <= content.left_out, "applied though it was left out"
        if content.left_out != expected:
            later = [id_ for id_ in self.applied if self.contents[id_].sequence > content.sequence]
            assert later, "left out although nobody has changed it since"
        self._came_true(content, result)

    def _judge(self, content: Content, left_out: frozenset[int] = frozenset()) -> Any:
        return judge(content, self.roster, self._today(), self.nights.config.policies.school_creation, left_out)

    def _check(self) -> None:
        """The roster is the oracle's; the ledger's states are those that were seen to come about."""
        stored = self._stored_roster()
        for name in model_database.KINDS:
            assert_equal(name, getattr(stored, name), getattr(self.roster, name))
        rows = self._rows()
        for id_, (state, sequence) in rows.items():
            content = self.contents[id_]
            content.sequence = sequence
            if content.state == "held" and state == "superseded":
                assert any(rows[other][1] > sequence for other in self.applied), "superseded by nothing"
                content.state = state
        assert_equal("states", {i: s for i, (s, _) in rows.items()}, self._states())

    def _states(self) -> dict[str, str]:
        return {content.id: content.state for content in self.contents.values() if content.state != "new"}


def left_out(result: pipeline.SyncResult) -> frozenset[int]:
    return frozenset(f.line for f in result.findings if f.code == "row-left-out" and f.line is not None)


def forgotten(content: Content) -> Content:
    """The ledger does not know it any more."""
    return Content(id=content.id, sheet=content.sheet, data=content.data, last_seen=content.last_seen)

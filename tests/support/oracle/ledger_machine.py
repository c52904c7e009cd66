"""Many nights through the whole pipeline and its ledger, with all that happens between them, against the oracle.

The plan-level machine plays files at the level of the plan. Here each file goes its way from the inbox to the mail: it
is pulled, validated, applied, found again, held, approved in part, undone, forgotten by retention.
"""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
from sqlalchemy import Executable, update

from rostersync import ledger, pipeline
from rostersync.configuration.district import Blackout, Holds, Policies, Retention, Threshold
from rostersync.configuration.districts import District, configuration_digest
from rostersync.database import tables as t
from rostersync.exceptions import ConfigurationError
from rostersync.model import Outcome
from rostersync.operations import date_changes, retention, reviewing, undoing
from rostersync.operations.retention import Stores
from rostersync.transports.landing_store import LandingStore
from tests.support import roster_strategies
from tests.support.district_nights import Nights, district
from tests.support.oracle import database as model_database
from tests.support.oracle import model as roster_model
from tests.support.oracle.ledger_checks import forgotten
from tests.support.oracle.ledger_model import OPEN, Content
from tests.support.oracle.ledger_stories import LedgerStories
from tests.support.oracle.values import Roster
from tests.support.oracle.whole_files import DOMAINS

TERMS = Retention(raw_files=10, reports=30, plans=15, changes=60, ledger=100)
STRICT = Holds(
    removals=Threshold(share=0.10, least=1),
    updates=Threshold(share=0.30, least=3),
    creates=Threshold(share=0.50, least=3),
    admins=2,
    emails=Threshold(share=0.10, least=2),
)
HOLDS = {"usual": Holds(), "strict": STRICT, "older files pass": Holds(older_file=False)}


def configured(nights: Nights) -> District:
    """The district of the oracle, with short terms of retention."""
    contacts = [
        {"address": "office@example.org", "name": "Office"},
        {"address": "desk@example.org", "name": "Desk", "reports": ["problems"]},
    ]
    return district(
        nights.inbox, code=model_database.DISTRICT, contacts=contacts, email_domains=list(DOMAINS), retention=TERMS
    )


class LedgerNights(LedgerStories):
    """A district night after night, and all that happens between the nights."""

    @initialize(roster=roster_strategies.rosters(), holds=st.sampled_from(sorted(HOLDS)))
    def begin(self, roster: Roster, holds: str) -> None:
        self.nights.empty()
        self.nights.config = configured(self.nights).model_copy(update={"holds": HOLDS[holds]})
        self.roster = roster
        with self.nights.owner.begin() as conn:
            model_database.write(conn, roster)

    # What people decide.

    @precondition(lambda self: self._in("held"))
    @rule(data=st.data(), without=st.booleans())
    def a_held_file_is_approved(self, data: st.DataObject, without: bool) -> None:
        content = data.draw(st.sampled_from(self._in("held")))
        self.approve(content, without=without and bool(content.held_schools))

    def approve(self, content: Content, *, without: bool) -> None:
        self._count()
        done = reviewing.approve(self.nights.services, content.id, actor="olga", without_held_schools=without)
        assert done.decided
        assert done.result is not None
        self._approved(content, done.result, content.held_schools if without else ())
        self._check()

    @precondition(lambda self: self._in("held"))
    @rule(data=st.data())
    def a_held_file_is_discarded(self, data: st.DataObject) -> None:
        content = data.draw(st.sampled_from(self._in("held")))
        self._count()
        assert reviewing.discard(self.nights.services, content.id, actor="olga", reason="not this one").decided
        content.state = "discarded"
        self._check()

    @precondition(lambda self: self._in("applied"))
    @rule(data=st.data())
    def a_file_is_undone(self, data: st.DataObject) -> None:
        """What an undo restores has tests of its own (`test_undo`); here the nights after it are of interest."""
        content = data.draw(st.sampled_from(self._in("applied")))
        self._count()
        try:
            undone = undoing.undo(self.nights.services, content.id, actor="olga", reason="wrong file")
        except ConfigurationError:
            return  # its changes are swept
        assert undone.done
        content.state, content.left_out = "undone", frozenset()
        self.applied.discard(content.id)
        self.roster = self._stored_roster()
        self._check()

    # What passes.

    @rule(days=st.sampled_from((1, 1, 1, 12, 40, 120)))
    def days_pass(self, days: int) -> None:
        self._count()
        self.nights.now += timedelta(days=days)

    @rule()
    def housekeeping_goes_by_the_dates(self) -> None:
        self._count()
        self.roster = roster_model.apply_date_changes(self.roster, self._today())
        date_changes.apply_district_date_changes(self.nights.services, self.nights.config)
        self._check()

    @rule()
    def nobody_decided_in_time(self) -> None:
        self._count()
        expired = {done.delivery for done in reviewing.expire_held(self.nights.services)}
        for content in self._in("held"):
            assert content.held_at is not None
            assert (content.id in expired) == (content.held_at < self.nights.now - timedelta(days=14))
            content.state = "discarded" if content.id in expired else content.state
        self._check()

    @rule()
    def retention_sweeps(self) -> None:
        self._count()
        for path in (self.nights.folder / "landing").rglob("*"):
            os.utime(path, (0, 0))  # only what the ledger says of it counts
        landing = LandingStore(str(self.nights.folder / "landing"))
        stores = Stores(
            engine=self.sweeper,
            notes=self.nights.engine,
            landing=landing,
            outbox=self.nights.folder / "outbox",
            clock=lambda: self.nights.now,
        )
        latest = self._latest()
        retention.sweep(stores, model_database.DISTRICT, TERMS)
        there, kept = self._rows(), landing.kept(model_database.DISTRICT)
        for content in [content for content in self.contents.values() if content.state != "new"]:
            if content.state in OPEN:
                assert content.id in there
                assert any(content.id.endswith(sha[:16]) for sha in kept)
            if content.id not in there:
                assert content.id != latest
                assert content.last_seen < self.nights.now - timedelta(days=TERMS.ledger)
                self.applied.discard(content.id)
                self.contents[content.id] = forgotten(content)
        self._check()

    @rule(holds=st.sampled_from(sorted(HOLDS)), creation=st.booleans(), blackout=st.sampled_from((*(False,) * 7, True)))
    def the_configuration_changes(self, holds: str, creation: bool, blackout: bool) -> None:
        self._count()
        day = self._today()
        closed = (Blackout(start=day, end=day + timedelta(days=1)),) if blackout else ()
        changed = {"holds": HOLDS[holds], "policies": Policies(school_creation=creation), "blackouts": closed}
        self.nights.config = self.nights.config.model_copy(update=changed)

    def the_holds_are_strict(self) -> None:
        self._count()
        self.nights.config = self.nights.config.model_copy(update={"holds": STRICT})

    def the_roster_is_written_by_others(self) -> None:
        mine = t.district.c.code == model_database.DISTRICT
        self.execute(update(t.district).values(name=t.district.c.name).where(mine))

    def execute(self, statement: Executable) -> None:
        self._count()
        with self.nights.owner.begin() as conn:
            conn.execute(statement)
            mine = t.district.c.code == model_database.DISTRICT
            conn.execute(update(t.district).values(roster_version=t.district.c.roster_version + 1).where(mine))

    # Runs that end early, and are made again.

    @rule(validated=st.booleans())
    def a_night_is_cut_off(self, validated: bool) -> None:
        """Its deliveries are pulled, some validated; the next night goes on."""
        self._count()
        if self._blackout():
            return
        run = self._run()
        order = self._order()
        pulled = pipeline.pull(self.nights.services, run, model_database.DISTRICT)
        for content, _ in order:
            self._seen(content)
            if content.state == "new":
                content.state = "pulled"
        for id_ in pulled.deliveries if validated else ():
            pipeline.validate(self.nights.services, run, model_database.DISTRICT, id_)
            content = self.contents[id_]
            if content.state in ("pulled", "validated"):
                refused = self._rows()[id_][0] == "refused"
                content.state = "refused" if refused else "validated"
                content.configuration = configuration_digest(self.nights.config)
        self._check()

    @precondition(lambda self: self.number)
    @rule(data=st.data())
    def an_old_run_is_made_again(self, data: st.DataObject) -> None:
        """It concludes what it took, if nobody else has; having taken something it never looks into the inbox again."""
        name = f"night-{data.draw(st.integers(1, self.number))}"
        run = self.nights.run(name)
        with self.nights.owner.connect() as conn:
            took = ledger.deliveries_of_run(conn, run.dag_id, name, model_database.DISTRICT)
        if not took or any(each.outcome is Outcome.WAITING for each in took):
            return
        self._count()
        looks, mails, version = self.nights.looks, self._messages(), self._version()
        results = pipeline.sync(self.nights.services, run, model_database.DISTRICT)
        assert self.nights.looks == looks
        settled = {each.delivery for each in took if each.outcome is not None}
        told = []
        for result in results:
            if result.delivery in settled:
                assert result.outcome in {each.outcome for each in took if each.delivery == result.delivery}
                continue
            content = self.contents[str(result.delivery)]
            told.append((result, self._look(content, latest=content.id == self._latest(), anew=True), content.state))
            if result.outcome is not Outcome.DUPLICATE and result.attempt is not None:
                self._account(content, result, replace(told[-1][1], force=True))
        if not told:
            assert (self._messages(), self._version()) == (mails, version)
        self._check()

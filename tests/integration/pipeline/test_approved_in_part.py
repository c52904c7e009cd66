"""What an approval left out stays left out: neither calendar nor roster nor rules bring any of it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

import pytest
from alembic import command
from sqlalchemy import Engine, insert, select, text, update

from rostersync import database
from rostersync.configuration.districts import District
from rostersync.database import tables as t
from rostersync.embedded_postgres.server import Server
from rostersync.model import DeliveryState, Outcome
from rostersync.operations import held_deliveries, reviewing
from rostersync.pipeline import SyncResult
from tests.support.district_nights import Nights, district, person
from tests.support.servers import fresh_database

STAFF = [person(n) for n in range(1, 9)]
THERE = [person(n, schoolId="200") for n in range(11, 19)]
ALL = [f"u{n}" for n in range(1, 9)]
LEFT_OUT = "row-left-out"


def leaving(number: int, school: str = "100") -> dict[str, str]:
    return {"action": "REMOVE-USER", "schoolId": school, "userId": f"u{number}"}


REMOVALS = [leaving(n) for n in range(1, 6)]
AT_BOTH = [leaving(1), *(leaving(n, "200") for n in range(11, 17))]


@pytest.fixture
def nights(emptied: Nights) -> Nights:
    emptied.seed()
    return emptied


def night(nights: Nights, rows: Sequence[Mapping[str, str]], name: str) -> SyncResult:
    """Another file, an hour later, that is taken away afterwards; the results of what stays are not looked at."""
    nights.now += timedelta(hours=1)
    nights.put(rows, "users-other.csv", at=nights.now)
    result = nights.sync(name)[-1]
    (nights.inbox / "users-other.csv").unlink()
    return result


def held_file(nights: Nights, rows: Sequence[Mapping[str, str]], codes: Sequence[str]) -> SyncResult:
    """The file that waits for an approval, and stays in the inbox."""
    nights.now += timedelta(hours=1)
    nights.put(rows, at=nights.now)
    [held] = nights.sync("held")
    assert (held.outcome, [finding.code for finding in held.findings if not finding.line]) == (Outcome.HELD, codes)
    return held


@pytest.fixture
def overtaken(nights: Nights) -> SyncResult:
    """Five removals, approved when a newer file had renamed u2, whose removal is left out (line 3)."""
    night(nights, STAFF, "first")
    held = held_file(nights, REMOVALS, ["hold-removals", "hold-school"])
    night(nights, [person(2, userLastName="Newer")], "newer")
    result = reviewing.approve(nights.services, held.delivery or "", actor="olga").result
    assert result is not None
    assert left_out(result) == [3]
    assert nights.people() == ["u2", "u6", "u7", "u8"]
    return result


@pytest.fixture
def without_school(nights: Nights) -> SyncResult:
    """Removals at two schools, approved without school 200: lines 3 to 8 are left out."""
    night(nights, [*STAFF, *THERE], "first")
    held = held_file(nights, AT_BOTH, ["hold-removals", "hold-school"])
    id_ = held.delivery or ""
    result = reviewing.approve(nights.services, id_, actor="olga", without_held_schools=True).result
    assert result is not None
    assert left_out(result) == [3, 4, 5, 6, 7, 8]
    assert nights.people() == sorted(set(ALL) - {"u1"} | {f"u{n}" for n in range(11, 19)})
    return result


def left_out(result: SyncResult) -> list[int | None]:
    return sorted(finding.line for finding in result.findings if finding.code == LEFT_OUT)


def a_day(nights: Nights) -> None:
    nights.now += timedelta(days=1)


def another_roster(nights: Nights) -> None:
    with nights.owner.begin() as conn:
        conn.execute(update(t.district).values(roster_version=t.district.c.roster_version + 1))


def other_rules(nights: Nights) -> None:
    nights.config = other_district(nights)


def other_district(nights: Nights) -> District:
    return district(nights.inbox, email_domains=["springfield.example", "b.example"])


CIRCUMSTANCES = [a_day, another_roster, other_rules]


@pytest.mark.parametrize("changed", CIRCUMSTANCES)
def test_what_a_newer_file_had_changed_stays_left_out(
    nights: Nights, overtaken: SyncResult, changed: Callable[[Nights], None]
) -> None:
    changed(nights)
    before, mails = nights.fingerprint(), nights.messages()
    [again] = nights.sync("again")
    assert (again.outcome, again.left_out, nights.states()[1]) == (Outcome.DUPLICATE, 1, "applied")
    assert (nights.fingerprint(), nights.messages()) == (before, mails)


@pytest.mark.parametrize("changed", CIRCUMSTANCES)
def test_a_school_that_was_left_out_is_not_held_again(
    nights: Nights, without_school: SyncResult, changed: Callable[[Nights], None]
) -> None:
    mails, people = nights.messages(), nights.people()
    for number in range(3):
        changed(nights)
        [again] = nights.sync(f"again-{number}")
        assert (again.outcome, again.left_out) == (Outcome.DUPLICATE, 6)
    assert (nights.messages(), nights.people()) == (mails, people)
    assert held_deliveries.open_reviews(nights.services) == []


def test_the_same_bytes_sent_again_keep_it_left_out_and_say_so_once_a_day(
    nights: Nights, overtaken: SyncResult
) -> None:
    mails, people = len(nights.messages()), nights.people()
    for number in range(2):
        nights.now += timedelta(days=1 - number, hours=1)
        nights.put(REMOVALS, at=nights.now)
        [again] = nights.sync(f"again-{number}")
        assert (again.outcome, again.left_out, nights.people()) == (Outcome.DUPLICATE, 1, people)
    assert len(nights.messages()) == mails + 1
    assert again.set_aside is not None


def test_other_bytes_with_the_rows_that_were_left_out_apply_them(nights: Nights, overtaken: SyncResult) -> None:
    nights.now += timedelta(days=1)
    assert night(nights, [leaving(2)], "corrected").outcome is Outcome.APPLIED
    assert nights.people() == ["u6", "u7", "u8"]


def test_force_applies_all_of_it(nights: Nights, overtaken: SyncResult) -> None:
    nights.now += timedelta(days=1)
    [forced] = nights.sync("by-hand", force=True, reason="she left, too")
    assert (forced.outcome, forced.left_out, nights.people()) == (Outcome.APPLIED, 0, ["u6", "u7", "u8"])
    nights.now += timedelta(days=1)
    [again] = nights.sync("again")
    assert (again.outcome, again.left_out) == (Outcome.DUPLICATE, 0)


def test_force_does_not_pass_the_hold_of_a_school_and_its_approval_applies_all(
    nights: Nights, without_school: SyncResult
) -> None:
    nights.now += timedelta(days=1)
    [forced] = nights.sync("by-hand", force=True, reason="they insist")
    assert (forced.outcome, forced.left_out) == (Outcome.HELD, 0)
    reviewed = reviewing.approve(nights.services, forced.delivery or "", actor="olga")
    assert reviewed.state is DeliveryState.APPLIED
    assert [name for name in nights.people() if name > "u1"] == ["u17", "u18", *ALL[1:]]


@pytest.mark.parametrize("reviewed", [True, False])
def test_the_same_bytes_after_another_file_keep_it_left_out(
    nights: Nights, overtaken: SyncResult, reviewed: bool
) -> None:
    """u1, who was removed, has come back since and goes again; u2, whose removal was left out, stays."""
    nights.config = district(nights.inbox, holds={"older_file": reviewed})
    nights.now += timedelta(days=1)
    night(nights, [person(1)], "returned")
    nights.now += timedelta(hours=1)
    nights.put(REMOVALS, at=nights.now)
    [again] = nights.sync("again")
    assert left_out(again) == [3]
    if reviewed:
        assert again.outcome is Outcome.HELD
        approved = reviewing.approve(nights.services, again.delivery or "", actor="olga").result
        assert approved is not None
        assert (approved.outcome, left_out(approved)) == (Outcome.APPLIED, [3])
    assert nights.people() == ["u2", "u6", "u7", "u8"]
    nights.now += timedelta(days=1)
    [later] = nights.sync("later")
    assert (later.outcome, later.left_out, nights.people()) == (Outcome.DUPLICATE, 1, ["u2", "u6", "u7", "u8"])


def test_an_approval_of_everything_is_judged_again_as_ever(nights: Nights) -> None:
    night(nights, STAFF, "first")
    held = held_file(nights, REMOVALS, ["hold-removals", "hold-school"])
    result = reviewing.approve(nights.services, held.delivery or "", actor="olga").result
    assert result is not None
    assert (left_out(result), nights.people()) == ([], ["u6", "u7", "u8"])
    with nights.owner.begin() as conn:
        conn.execute(update(t.person).values(status="active"))
        conn.execute(update(t.placement).values(status="active"))
        conn.execute(update(t.district).values(roster_version=t.district.c.roster_version + 1))
    nights.now += timedelta(days=1)
    [again] = nights.sync("again")
    assert (again.outcome, again.left_out) == (Outcome.HELD, 0)


def test_approvals_of_before_the_upgrade_are_known_by_their_findings(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    with fresh_database(postgres, template="template0") as made:
        owner, superuser = (database.engine(url) for url in (made.owner_url, made.superuser_url))
        newest = command.upgrade
        with monkeypatch.context() as patched:
            patched.setattr(command, "upgrade", lambda config, _: newest(config, "0009_by_delivery"))
            database.upgrade_schema(owner)
        _as_before(superuser)
        database.upgrade_schema(owner)
        with superuser.connect() as conn:
            lines = select(t.attempt.c.district, t.attempt.c.left_out_lines).order_by(t.attempt.c.district)
            assert [tuple(row) for row in conn.execute(lines)] == [("east", [3, 7]), ("west", [])]
            forced = "SELECT count(*) FROM pg_class WHERE relforcerowsecurity AND relname IN ('attempt', 'finding')"
            assert conn.scalar(text(forced)) == 2
        for engine in (owner, superuser):
            engine.dispose()


def _as_before(superuser: Engine) -> None:
    """Two districts' attempts as revision 0009 had them."""
    with superuser.begin() as conn:
        for code in ("east", "west"):
            conn.execute(insert(t.district).values(code=code, name=code))
            conn.execute(
                insert(t.delivery).values(
                    id=code,
                    district=code,
                    sha256=code,
                    size_bytes=1,
                    state="applied",
                    modified_at=text("now()"),
                    dictionary_version="1",
                    code_version="1",
                    config_digest="1",
                )
            )
            conn.execute(
                insert(t.attempt).values(
                    delivery=code,
                    number=1,
                    district=code,
                    outcome="applied",
                    rows={},
                    counts={},
                    by_school={},
                    changes=0,
                    dictionary_version="1",
                    code_version="1",
                    config_digest="1",
                    roster_version=1,
                    actor="test",
                )
            )
        told = [("east", LEFT_OUT, 7), ("east", LEFT_OUT, 3), ("east", "row-folded", 4), ("west", "row-folded", 3)]
        for position, (code, kind, line) in enumerate(told):
            conn.execute(
                insert(t.finding).values(
                    district=code,
                    delivery=code,
                    attempt=1,
                    stage="roster",
                    position=position,
                    code=kind,
                    severity="remark",
                    line=line,
                )
            )

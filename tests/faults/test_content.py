"""F72-F84: what comes, in which order and at what time, and rules that change or break under our hands."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.faults.fault_bench import NIGHT, Bench
from tests.faults.markers import fault
from tests.faults.scenario import CANARY, FILE, HERE, REMOVED, TONIGHTS, person
from tests.faults.scripted_sftp import ScriptedSftp
from tests.faults.test_process_death import assert_undisturbed

DAY = timedelta(days=1)


@fault("F72", "The same bytes again, under the same name or another: a duplicate; nothing written, no second report.")
@pytest.mark.parametrize("name", [FILE, "users-again.csv"])
def test_f72(bench: Bench, name: str) -> None:
    bench.own_story = True
    bench.fine()
    reports = [kind for kind, _, _ in bench.nights.messages() if kind == "count_report"]
    bench.nights.put(TONIGHTS, name, at=bench.nights.now)
    bench.fine(run="night-3")
    assert bench.roster == bench.after
    assert [kind for kind, _, _ in bench.nights.messages() if kind == "count_report"] == reports
    assert len(bench.nights.messages()) <= len(reports) + 1


@fault("F73", "An older file after a newer one: held, and its plan shows what it would roll back.")
def test_f73(bench: Bench) -> None:
    bench.nights.put([person(2, userLastName="Older")], FILE, at=bench.nights.now - 5 * DAY)
    bench.fine()
    assert bench.nights.states() == ["applied", "held"]
    assert bench.roster == bench.before
    assert bench.sql("SELECT code FROM intake.finding WHERE severity = 'hold'") == [("hold-older-file",)]
    kept = bench.sql("SELECT entity, after ->> 'last_name' FROM intake.plan WHERE entity = 'person'")
    assert kept == [("person", "Older")]


@fault("F74", "A header and no rows: applied with zeros and a remark, never read as 'remove everyone'.")
def test_f74(bench: Bench) -> None:
    bench.nights.put([], FILE)
    bench.fine()
    assert bench.nights.states() == ["applied", "applied"]
    assert bench.roster == bench.before
    found = bench.sql("SELECT code, severity FROM intake.finding WHERE delivery = %s", bench.delivery)
    assert found == [("file-header-only", "remark")]


@fault("F75", "A district is silent for days: the watcher says so once it is too long, and not in its blackout.")
@pytest.mark.parametrize(("days", "told"), [(2, False), (6, True)])
@pytest.mark.parametrize("blackout", [False, True])
def test_f75(bench: Bench, days: int, told: bool, blackout: bool) -> None:
    unchanged = {"start": "2026-11-25", "end": "2026-12-10"}
    environment = bench.include(**({"blackouts": [unchanged]} if blackout else {}))
    (bench.nights.inbox / FILE).unlink()
    bench.fine(later=days * DAY)
    found = bench.fine(steps=["watch"], later=days * DAY, environment=environment)
    assert any(each["alert"] == "no-file" for each in found) == (told and not blackout)


@fault("F76", "The file comes after the wave: the next one takes it.")
def test_f76(bench: Bench) -> None:
    (bench.nights.inbox / FILE).unlink()
    [told] = bench.fine(run="early")
    assert told["outcome"] == "no_file"
    bench.nights.put(TONIGHTS, FILE)
    bench.fine()
    assert_undisturbed(bench)


CHANGES = [
    ("America/Los_Angeles", datetime(2026, 11, 1, 9, 30, tzinfo=UTC), "2026-11-01"),
    ("America/Los_Angeles", datetime(2027, 3, 14, 10, 30, tzinfo=UTC), "2027-03-14"),
    ("Europe/Berlin", datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "2026-10-25"),
    ("Europe/Berlin", datetime(2027, 3, 28, 1, 30, tzinfo=UTC), "2027-03-28"),
]
"""Half past one or two in the night in which the clocks change: an hour that comes twice, or never."""


@fault("F77", "The night in which the clocks change: one date, the district's, noted with the judgement.")
@pytest.mark.parametrize(("zone", "moment", "day"), CHANGES)
def test_f77(bench: Bench, zone: str, moment: datetime, day: str) -> None:
    at = {"now": moment.isoformat(), "config": {"timezone": zone}}
    bench.fine(**at)
    bench.fine(**{**at, "now": (moment + timedelta(hours=1)).isoformat()})
    assert bench.roster == bench.after
    assert bench.sql("SELECT judged_on::text, attempts FROM intake.delivery WHERE id = %s", bench.delivery) == [
        (day, 1)
    ]


@fault("F78", "The worker's clock jumps back an hour: order and outcome are the same.")
def test_f78(bench: Bench) -> None:
    bench.killed(point="upsert.after_write")
    bench.fine(later=-timedelta(hours=1))
    assert_undisturbed(bench)
    bench.own_story = True
    bench.nights.put([person(1, userLastName="Newer")], FILE, at=bench.nights.now)
    bench.fine(run="night-3", later=-timedelta(hours=2))
    bench.fine(later=-timedelta(hours=3))
    assert bench.sql("SELECT last_name FROM roster.person WHERE user_id = %s", f"{CANARY}1") == [("Newer",)]
    assert bench.nights.states() == ["applied"] * 3


@fault("F79", "A file that would end unusually much is held with its numbers; approved, it applies just that.")
def test_f79(bench: Bench) -> None:
    ended = [{**REMOVED, "userId": f"{CANARY}{number}"} for number in range(1, 7)]
    bench.nights.put(ended, FILE)
    bench.fine()
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied", "held"])
    bench.own_story = True
    bench.fine(steps=["approve"], delivery=bench.delivery)
    left = "SELECT user_id FROM roster.person WHERE district = %s AND status = 'active' ORDER BY 1"
    assert bench.sql(left, HERE) == [(f"{CANARY}{each}",) for each in ("7", "s1", "s2")]


@fault("F80", "An expectation itself breaks: the task fails; that is never 'passed', and never a row's fault.")
def test_f80(bench: Bench) -> None:
    ended = bench.night(patched={"rostersync.screening.gx_expectations.unmet_rows": None})
    assert ended.error == "suite-failed"
    assert bench.sql("SELECT code FROM intake.finding WHERE delivery = %s", bench.delivery) == []
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied", "failed"])
    bench.fine()
    assert_undisturbed(bench)


@fault("F81", "The district's rules change between two tasks: judged again by the new ones, which are noted.")
def test_f81(bench: Bench) -> None:
    bench.fine(steps=NIGHT[:2])
    bench.fine(config={"limits": {"max_rows": 1000}})
    assert bench.roster == bench.after
    [(tried, now)] = bench.sql(
        "SELECT a.config_digest, d.config_digest FROM intake.attempt a JOIN intake.delivery d ON d.id = a.delivery"
        " WHERE d.id = %s",
        bench.delivery,
    )
    assert tried == now


@fault("F82", "The landing store is lost after the apply: roster, ledger and reports stay; waiting mail is parked.")
def test_f82(bench: Bench) -> None:
    bench.killed(point="email.before_send")
    shutil.rmtree(bench.nights.folder / "landing")
    bench.fine()
    bench.fine(run="night-3")
    assert bench.roster == bench.after
    # With the store goes what it knows of the outbox: nobody can tell any more whether these were sent.
    assert sorted(state for _, _, state in bench.nights.messages()) == ["sent", "unknown", "unknown"]
    assert bench.nights.states() == ["applied", "applied"]


@fault("F82", "The landed bytes are lost before the apply: said so; the file is landed again by the next look.")
def test_f82_before(bench: Bench) -> None:
    bench.fine(steps=NIGHT[:2])
    shutil.rmtree(bench.nights.folder / "landing")
    assert bench.night().error == "landed-bytes-missing"
    bench.fine(run="night-3")
    assert_undisturbed(bench)


@fault("F83", "A password is changed between two tasks: refused and said so; with the new one it goes on.")
def test_f83(bench: Bench, sftp: ScriptedSftp) -> None:
    old = sftp.order()
    sftp.password = "another"
    assert bench.night(sftp=old).error == "source-refused"
    bench.fine(sftp=sftp.order(), steps=["pull"])
    wrong = bench.url.replace("@127.0.0.1", "x@127.0.0.1")
    assert bench.night(sftp=sftp.order(), database=wrong).error == "configuration"
    bench.fine(sftp=sftp.order())
    assert_undisturbed(bench)


@fault("F84", "A file of gigabytes, or of too many rows: refused by its size, without reading on.")
@pytest.mark.parametrize("limits", [{"max_bytes": 100_000}, {"max_rows": 5}])
def test_f84(bench: Bench, limits: dict[str, Any]) -> None:
    path = bench.nights.inbox / FILE
    if "max_bytes" in limits:
        os.truncate(path, 3 << 30)
    bench.fine(config={"limits": limits})
    found = bench.sql("SELECT code FROM intake.finding WHERE delivery = %s AND severity = 'file'", bench.delivery)
    assert found == [("file-too-large",)]
    assert bench.nights.states() == ["applied", "refused"]
    assert sum(path.stat().st_size for path in (bench.nights.folder / "landing").rglob("*") if path.is_file()) < 200_000
    bench.nights.put(TONIGHTS, FILE)
    bench.fine(run="night-3")
    assert bench.roster == bench.after

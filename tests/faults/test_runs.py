"""F34-F36, F40-F47: cleared, repeated, late, skipped and starved tasks; another version of the code; Airflow lost."""

from __future__ import annotations

import os
import shutil
import signal
import time
from datetime import timedelta
from typing import Any

import pytest

from tests.faults.fault_bench import NIGHT, Bench
from tests.faults.markers import fault
from tests.faults.scenario import CANARY, FILE, NEXT_DOOR, TONIGHT, person
from tests.faults.scripted_sftp import ScriptedSftp
from tests.faults.test_process_death import assert_undisturbed


def newer(bench: Bench, run: str = "night-3") -> None:
    """Another file, applied by a later night."""
    bench.own_story = True
    bench.nights.put([person(1, userLastName="Newer")], FILE, at=bench.nights.now)
    bench.fine(run=run, later=timedelta(days=7))


@fault("F34", "Last week's task cleared after newer files: it says what came of it, in seconds, and does nothing.")
@pytest.mark.parametrize("raw", ["kept", "swept"])
def test_f34(bench: Bench, raw: str) -> None:
    first = bench.fine()
    newer(bench)
    if raw == "swept":
        shutil.rmtree(bench.nights.folder / "landing")
    before = (bench.roster, bench.outcome())
    began = time.monotonic()
    again = bench.fine(later=timedelta(days=8))
    assert time.monotonic() - began < 10
    assert (bench.roster, bench.outcome()) == before
    assert again[2] == first[2]


@fault("F35", "Everything of a run cleared, any number of times: nothing more is written or mailed.")
def test_f35(bench: Bench) -> None:
    bench.fine()
    for _ in range(3):
        bench.fine(later=timedelta(hours=2))
        assert_undisturbed(bench)


@fault("F36", "A backfill of 30 days: the file is applied once; days without one are no failures.")
def test_f36(bench: Bench) -> None:
    told = bench.fine(run="backfill", repeat=30)
    assert told.count("applied_with_errors") == 1
    assert_undisturbed(bench)
    (bench.nights.inbox / FILE).unlink()
    assert set(bench.fine(run="later", repeat=30)) == {"no_file"}
    assert_undisturbed(bench)


@fault("F40", "One district's server does not answer: another district's night is not kept waiting.")
def test_f40(bench: Bench, sftp: ScriptedSftp) -> None:
    sftp.script = lambda request, offset: "hang" if request == "list" else None
    slow = bench.begin()
    assert sftp.hanging.wait(30)
    other = bench.nights.folder / "inbox-next-door"
    other.mkdir()
    bench.nights.put([{**person("n1"), "schoolId": "300", "userEmail": f"{CANARY}.n1@shelbyville.example"}], FILE)
    shutil.move(bench.nights.inbox / FILE, other / FILE)
    place: dict[str, Any] = {"code": NEXT_DOOR, "email_domains": ["shelbyville.example"]}
    place["contacts"] = [{"address": "office@shelbyville.example", "name": "Office"}]
    place["source"] = {"file": str(other), "pattern": "users*.csv"}
    bench.fine(config=place, sftp=None)
    bench.elsewhere.append(bench.roster)
    os.kill(slow, signal.SIGKILL)
    bench.end(slow)
    assert bench.nights.states() == ["applied", "applied"]
    assert bench.roster.here == bench.before.here
    assert bench.roster.next_door != bench.before.next_door


@fault("F41", "Airflow's database is lost: new runs, and old ones by the same names, find everything done.")
@pytest.mark.parametrize("run", ["night-2", "scheduled__anew"])
def test_f41(bench: Bench, run: str) -> None:
    bench.fine()
    bench.fine(run=run)
    assert_undisturbed(bench)


@fault("F42", "Airflow is away and ends the task at a missed heartbeat (SIGTERM): its work is whole or not there.")
@pytest.mark.parametrize("point", ["upsert.before_commit", "upsert.after_commit"])
def test_f42(bench: Bench, point: str) -> None:
    assert bench.night(point=point, signal="TERM").code == -signal.SIGTERM
    assert bench.roster in (bench.before, bench.after)
    bench.fine()
    assert_undisturbed(bench)


@fault("F43", "Another version of the code takes over between two tasks: it judges the file again, and is noted.")
def test_f43(bench: Bench) -> None:
    bench.fine(steps=NIGHT[:2])
    bench.fine(patched={"rostersync.pipeline.context.__version__": "9.9"})
    assert bench.roster == bench.after
    [(version,)] = bench.sql("SELECT code_version FROM intake.attempt WHERE delivery = %s", bench.delivery)
    assert version == "9.9"


@fault("F44", "Paused for three nights: every file that waits is found, the oldest first.")
def test_f44(bench: Bench) -> None:
    bench.own_story = True
    (bench.nights.inbox / FILE).unlink()
    for day in (3, 1, 2):
        at = bench.nights.now + timedelta(days=day)
        bench.nights.put([person(1, userLastName=f"Day{day}")], f"users-{day}.csv", at=at)
    bench.fine(later=timedelta(days=4))
    assert bench.nights.states() == ["applied"] * 4
    log = bench.sql("SELECT after ->> 'last_name' FROM intake.change WHERE entity = 'person' ORDER BY id DESC LIMIT 3")
    assert log == [("Day3",), ("Day2",), ("Day1",)]


@fault("F45", "Airflow is down for days: the watcher, which needs nothing of it, tells that the wave was missed.")
def test_f45(bench: Bench) -> None:
    bench.fine()
    environment = bench.include()
    unchanged = bench.fine(steps=["watch"], environment=environment, later=timedelta(hours=6))
    assert "wave-missed" not in {each["alert"] for each in unchanged}
    told = bench.fine(steps=["watch"], environment=environment, later=timedelta(days=3))
    assert "wave-missed" in {each["alert"] for each in told}


@fault("F46", "A task is marked as done by hand: the next one sees that the delivery was not, and fails.")
@pytest.mark.parametrize("left_out", ["validate", "upsert"])
def test_f46(bench: Bench, left_out: str) -> None:
    steps: list[Any] = [step for step in NIGHT if step != left_out]
    ended = bench.night(steps=steps)
    assert ended.error == "ledger-mismatch"
    assert bench.roster == bench.before
    bench.fine()
    assert bench.roster == bench.after


@fault(
    "F47",
    "Killed for memory: the watcher tells; after two kills the run's next try does not begin, until it is forced.",
)
@pytest.mark.parametrize("point", ["validate.after_claim", "upsert.after_write"])
def test_f47(bench: Bench, point: str) -> None:
    for _ in range(2):
        bench.killed(point=point)
    [(claimed,)] = bench.sql("SELECT claimed_at FROM intake.delivery WHERE id = %s", bench.delivery)
    tomorrow = claimed - TONIGHT + timedelta(days=1)  # claims bear the database's time, not that of the story
    stuck = bench.fine(steps=["watch"], environment=bench.include(), later=tomorrow)
    assert "delivery-stuck" in {each["alert"] for each in stuck}
    for _ in range(2):
        assert bench.night().error == "killed-twice"
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied", "failed"])
    bench.fine(force=True)
    assert bench.roster == bench.after
    assert bench.nights.states() == ["applied", "applied"]


@fault("F47", "Less memory than the file needs: whether the task dies of it or lives to say so, it counts as killed.")
def test_f47_starved(bench: Bench) -> None:
    bench.own_story = True
    bench.nights.put([person(number) for number in range(40_000)], FILE)
    for _ in range(2):
        ended = bench.night(memory=2**23)
        assert (ended.code, ended.error) in ((-signal.SIGABRT, None), (0, "MemoryError"))
    assert bench.night().error == "killed-twice"
    assert bench.roster == bench.before


@fault("F47", "Killed twice in one night: the next night begins at zero.")
def test_f47_next_night(bench: Bench) -> None:
    for _ in range(2):
        bench.killed(point="validate.after_claim")
    assert bench.night().error == "killed-twice"
    bench.fine(run="night-3")
    assert bench.roster == bench.after


@fault("F47", "Killed once, or twice by different nights, or while the database was away: it is simply done again.")
def test_f47_once(bench: Bench) -> None:
    bench.killed(point="validate.after_claim")
    bench.killed(point="upsert.after_write", run="night-3")
    bench.fine()
    assert_undisturbed(bench)

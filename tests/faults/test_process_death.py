"""F01-F15: the worker dies, anywhere, and its task is cleared."""

from __future__ import annotations

import os
import signal
import time

import pytest

from rostersync.transports.landing_backends import ABANDONED_SECONDS
from tests.faults.fault_bench import STALE, Bench
from tests.faults.markers import fault
from tests.faults.scenario import FILE
from tests.faults.scripted_sftp import ScriptedSftp
from tests.faults.sweep import MOVING


def assert_undisturbed(bench: Bench) -> None:
    """All that the night came to is what it would have come to anyway."""
    assert bench.roster == bench.after
    assert bench.outcome() == bench.undisturbed


def killed_while_hanging(bench: Bench, server: ScriptedSftp) -> None:
    pid = bench.begin()
    assert server.hanging.wait(30)
    os.kill(pid, signal.SIGKILL)
    assert bench.end(pid).code == -signal.SIGKILL
    server.script = lambda request, offset: None


@fault("F01", "Killed while the inbox is listed: nothing is written, the next try lists again.")
def test_f01(bench: Bench, sftp: ScriptedSftp) -> None:
    sftp.script = lambda request, offset: "hang" if request == "list" else None
    killed_while_hanging(bench, sftp)
    assert bench.nights.states() == ["applied"]
    bench.fine()
    assert_undisturbed(bench)


@fault("F02", "Killed in the middle of the download: the partial file is never taken for one, and swept a day later.")
def test_f02(bench: Bench, sftp: ScriptedSftp) -> None:
    sftp.script = lambda request, offset: "hang" if request == "read" else None
    killed_while_hanging(bench, sftp)
    [part] = (bench.nights.folder / "landing" / "springfield").glob(".*.part")
    assert bench.nights.states() == ["applied"]
    bench.fine()
    assert_undisturbed(bench)
    long_ago = time.time() - ABANDONED_SECONDS - 60
    os.utime(part, (long_ago, long_ago))
    bench.nights.put([], FILE)
    bench.own_story = True
    bench.night(run="night-3")
    assert not part.exists()


@fault("F03", "Killed after the download, before the ledger: landed again under the same hash, one delivery.")
@pytest.mark.parametrize(
    "point", ["landing.before_put", "landing.after_put", "pull.before_ledger", "pull.before_commit"]
)
def test_f03(bench: Bench, point: str) -> None:
    bench.killed(point=point)
    assert bench.nights.states() == ["applied"]
    bench.fine()
    assert_undisturbed(bench)


@fault("F04", "Killed while the file is judged: the roster is untouched; judged again from the landed bytes alone.")
@pytest.mark.parametrize("point", ["validate.after_claim", "validate.before_commit"])
def test_f04(bench: Bench, point: str) -> None:
    bench.killed(point=point)
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied", "pulled"])
    (bench.nights.inbox / FILE).unlink()
    bench.fine()
    assert_undisturbed(bench)


@fault("F05", "Killed after BEGIN, before the first write: rolled back, and the district's lock is free at once.")
def test_f05(bench: Bench) -> None:
    bench.killed(point="upsert.after_begin")
    bench.fine(lock_seconds=5.0)
    assert_undisturbed(bench)


@fault("F06", "Killed in the middle of the writes: everything is rolled back.")
@pytest.mark.parametrize("point", ["upsert.after_plan", "upsert.after_write"])
def test_f06(bench: Bench, point: str) -> None:
    bench.killed(point=point)
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied", "validated"])
    bench.fine()
    assert_undisturbed(bench)


@fault("F07", "Killed after the last statement, before COMMIT: everything is rolled back, counted anew from zero.")
def test_f07(bench: Bench) -> None:
    mails = len(bench.nights.messages())
    bench.killed(point="upsert.before_commit")
    assert bench.roster == bench.before
    assert len(bench.nights.messages()) == mails
    bench.fine()
    assert_undisturbed(bench)


@fault(
    "F09", "Killed after COMMIT, before the task ends: the next try finds it applied; the counts are the stored ones."
)
def test_f09(bench: Bench) -> None:
    bench.killed(point="upsert.after_commit")
    assert bench.roster == bench.after
    [_, _, upsert, _] = bench.fine()
    assert upsert["counts"]["staff"]["created"] == 2
    assert_undisturbed(bench)


@fault("F10", "Killed while reports are rendered: no half report is ever stored; the same ones come again.")
def test_f10(bench: Bench) -> None:
    bench.killed(point="report.rendered")
    assert bench.sql("SELECT count(*) FROM intake.report WHERE delivery = %s", bench.delivery) == [(0,)]
    bench.fine()
    assert_undisturbed(bench)


@fault("F11", "Killed after the report, before it is sent: the message stays queued and is sent once.")
def test_f11(bench: Bench) -> None:
    bench.killed(point="email.before_send")
    assert {state for _, _, state in bench.nights.messages()} == {"sent", "queued"}
    bench.fine()
    assert_undisturbed(bench)


@fault("F12", "Killed after the server took the mail, before that is noted: unknown, never sent again by itself.")
def test_f12(bench: Bench) -> None:
    bench.killed(point="relay.answered")
    bench.fine(later=STALE)
    bench.fine(later=2 * STALE, steps=["relay"])
    states = [state for _, _, state in bench.nights.messages()]
    assert states.count("unknown") == 1
    assert sorted(bench.outcome()["mailed"]) == bench.undisturbed["mailed"]
    assert bench.roster == bench.after


@fault(
    "F13", "Killed before or after the move of the read file: the next night moves it, applies nothing, mails nobody."
)
@pytest.mark.parametrize("point", ["pull.before_move", "pull.after_move"])
def test_f13(bench: Bench, point: str) -> None:
    bench.killed(point=point, config=MOVING)
    bench.fine(config=MOVING)
    assert_undisturbed(bench)
    bench.fine(run="night-3", config=MOVING)
    assert_undisturbed(bench)
    assert [path.name for path in bench.nights.inbox.iterdir()] == ["processed"]


@fault("F14", "SIGTERM: gone within seconds, rolled back; the next try finishes.")
@pytest.mark.parametrize("point", ["validate.before_commit", "upsert.after_write", "upsert.after_commit"])
def test_f14(bench: Bench, point: str) -> None:
    began = time.monotonic()
    ended = bench.night(point=point, signal="TERM")
    assert (ended.code, time.monotonic() - began < 30) == (-signal.SIGTERM, True)
    bench.fine()
    assert_undisturbed(bench)

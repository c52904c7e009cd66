"""F48-F62: the district's server is away, refuses us, lies, or its files change under our hands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fault_bench import Bench
from tests.faults.markers import fault
from tests.faults.proxy import Proxy, after_bytes, running_proxy
from tests.faults.scenario import CANARY, FILE, TONIGHTS, person
from tests.faults.scripted_sftp import Script, ScriptedSftp, running_scripted_sftp
from tests.faults.sweep import MOVING
from tests.faults.test_process_death import assert_undisturbed
from tests.support.district_nights import users_csv


@pytest.fixture
def line(bench: Bench, sftp: ScriptedSftp) -> Iterator[Proxy]:
    """A proxy in front of the SFTP server."""
    with running_proxy("127.0.0.1", sftp.port) as proxy:
        bench.defaults["sftp"] = {**sftp.order(), "port": proxy.port}
        yield proxy


def assert_waits(bench: Bench, told: list[Any]) -> None:
    """Nothing was taken: the file is looked at again later."""
    assert [each["outcome"] for each in told] == ["waiting"]
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied"])


def recovers(bench: Bench, **changed: Any) -> None:
    """The next try comes to what an undisturbed night comes to."""
    bench.fine(**changed)
    assert_undisturbed(bench)


def once(request: str, wish: Any) -> Script:
    """A script: the first such request is answered like this, everything else as usual."""
    left = [wish]
    return lambda name, offset: left.pop() if name == request and left else None


@fault("F48", "The server is down: it may be tried again; nothing is written.")
def test_f48(bench: Bench, sftp: ScriptedSftp) -> None:
    ended = bench.night(sftp={**sftp.order(), "port": 1})
    assert ended.error == "source-unreachable"
    assert bench.nights.states() == ["applied"]
    recovers(bench)


@fault("F49", "The login is refused: one try only, and a person must act (accounts lock).")
def test_f49(bench: Bench, sftp: ScriptedSftp) -> None:
    ended = bench.night(sftp=sftp.order(password="wrong"))
    assert (ended.error, sftp.logins) == ("source-refused", 1)
    recovers(bench)


@fault("F50", "The host key has changed: refused before the password is sent, both fingerprints are told.")
def test_f50(bench: Bench, sftp: ScriptedSftp, tmp_path: Path) -> None:
    with running_scripted_sftp(tmp_path) as other:
        ended = bench.night(sftp={**sftp.order(), "port": other.port})
        assert (ended.error, other.logins) == ("host-key-changed", 0)
        assert ended.words.count("SHA256:") == 2
    recovers(bench)


@fault("F51", "The connection is cut in the middle of the transfer: begun again from the first byte.")
def test_f51(bench: Bench, sftp: ScriptedSftp) -> None:
    sftp.script = once("read", "cut")
    assert bench.night().error == "source-unreachable"
    recovers(bench)


@fault("F51", "The line is cut at some byte (not of the login: that counts as refused): it may be tried again.")
@pytest.mark.parametrize("count", [0, 20, 1200, 4500])
def test_f51_line(bench: Bench, line: Proxy, count: int) -> None:
    line.rule = after_bytes("cut", count, up=False)
    assert bench.night().error == "source-unreachable"
    assert bench.roster == bench.before
    line.rule = lambda passing: None
    recovers(bench)


@fault("F52", "The transfer stalls: given up after the silence that is borne, and tried again.")
@pytest.mark.parametrize("request_", ["list", "read"])
def test_f52(bench: Bench, sftp: ScriptedSftp, request_: str) -> None:
    sftp.script = once(request_, "hang")
    assert bench.night(patience=1.0).error == "source-unreachable"
    recovers(bench)


@fault("F52", "The line falls silent while the connection is made: the same.")
def test_f52_line(bench: Bench, line: Proxy) -> None:
    line.rule = after_bytes("stall", 0, up=False)
    assert bench.night(patience=1.0).error == "source-unreachable"
    line.rule = lambda passing: None
    recovers(bench)


@fault("F53", "The server reports success but gives fewer bytes than it listed: nothing is taken.")
def test_f53(bench: Bench, sftp: ScriptedSftp) -> None:
    sftp.script = lambda name, offset: b"" if name == "read" and offset else (None if name != "read" else b"schoolId,")
    ended = bench.night()
    assert ended.error in (None, "source-unreachable")
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied"])
    sftp.script = lambda name, offset: None
    recovers(bench)


@fault("F54", "The file is still growing: not taken before it has the same size and time at two looks.")
def test_f54(bench: Bench, sftp: ScriptedSftp) -> None:
    whole = users_csv(TONIGHTS)
    bench.nights.put(whole[:200], FILE)
    looks: list[str] = []

    def grow(name: str, offset: int) -> None:
        if name == "list":
            looks.append(name)
            bench.nights.put(whole[: 200 + 50 * len(looks)], FILE, at=bench.nights.now + timedelta(seconds=len(looks)))

    sftp.script = grow
    assert_waits(bench, bench.fine())
    sftp.script = lambda name, offset: None
    bench.nights.put(whole, FILE)
    recovers(bench)


@fault("F55", "The file is replaced while it is read: what was read is thrown away.")
def test_f55(bench: Bench, sftp: ScriptedSftp) -> None:
    def replace(name: str, offset: int) -> None:
        if name == "read":
            bench.nights.put([person(1)], FILE, at=bench.nights.now)

    sftp.script = replace
    assert_waits(bench, bench.fine())
    sftp.script = lambda name, offset: None
    bench.nights.put(TONIGHTS, FILE)
    recovers(bench)


@fault("F56", "The file is gone between the listing and the reading: no failure, it is looked for again.")
@pytest.mark.parametrize("request_", ["lstat", "open"])
def test_f56(bench: Bench, sftp: ScriptedSftp, request_: str) -> None:
    path = bench.nights.inbox / FILE

    def vanish(name: str, offset: int) -> None:
        if name == request_:
            path.unlink(missing_ok=True)

    sftp.script = vanish
    ended = bench.night()
    assert ended.error in (None, "file-changed-while-read")
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied"])
    sftp.script = lambda name, offset: None
    bench.nights.put(TONIGHTS, FILE)
    recovers(bench)


@fault("F57", "A file of no bytes waits for its upload as long as a wave is tried; the next night takes what came.")
def test_f57(bench: Bench) -> None:
    bench.nights.put(b"", FILE)
    assert_waits(bench, bench.fine(run="early", settle=5.0))
    assert_waits(bench, bench.fine(run="late", settle=5.0, later=timedelta(minutes=50)))
    bench.nights.put(TONIGHTS, FILE)
    recovers(bench)


@fault("F57", "A file of no bytes that stays so is refused as empty.")
def test_f57_stays(bench: Bench) -> None:
    bench.nights.put(b"", FILE)
    assert_waits(bench, bench.fine(run="night-2", settle=5.0))
    bench.fine(run="night-3", settle=5.0, later=timedelta(days=1))
    assert bench.nights.states() == ["applied", "refused"]
    assert bench.sql("SELECT code FROM intake.finding WHERE delivery = %s", bench.delivery) == [("file-empty",)]
    assert bench.roster == bench.before


@fault("F58", "The read file may not be moved: no failure, and it is not applied again.")
def test_f58(bench: Bench, sftp: ScriptedSftp) -> None:
    sftp.script = lambda name, offset: "refuse" if name in ("mkdir", "rename") else None
    config = {**bench.defaults["config"], **MOVING}
    recovers(bench, config=config)
    bench.fine(run="night-3", config=config)
    assert_undisturbed(bench)
    assert (bench.nights.inbox / FILE).exists()


@fault("F59", "Two files in one look: both are judged, the older first.")
def test_f59(bench: Bench, sftp: ScriptedSftp) -> None:
    bench.own_story = True
    bench.nights.put([person(1, userLastName="Newer")], "users-2.csv", at=bench.nights.now)
    bench.fine()
    assert bench.nights.states() == ["applied"] * 3
    assert bench.sql("SELECT last_name FROM roster.person WHERE user_id = %s", f"{CANARY}1") == [("Newer",)]


@fault("F60", "The server's clock is hours off: files are applied as they arrive.")
@pytest.mark.parametrize("hours", [-20, 30, 24 * 365])
def test_f60(bench: Bench, sftp: ScriptedSftp, hours: int) -> None:
    moment = (bench.nights.now + timedelta(hours=hours)).timestamp()
    os.utime(bench.nights.inbox / FILE, (moment, moment))
    recovers(bench)


@fault("F61", "The landing store's disk is full (by a limit on files): nothing reaches the ledger or the roster.")
def test_f61(bench: Bench) -> None:
    bench.own_story = True
    bench.nights.put(users_csv(TONIGHTS) + b"\r\n" * 10_000, FILE)
    ended = bench.night(file_bytes=12_000)
    assert ended.error == "landing-unavailable"
    assert (bench.roster, bench.nights.states()) == (bench.before, ["applied"])
    assert list((bench.nights.folder / "landing" / "springfield").glob(".*.part")) == []
    bench.fine()
    assert bench.nights.states() == ["applied", "applied"]
    assert bench.after is not None
    assert bench.roster.here == bench.after.here


@fault("F62", "Links, pipes, folders and odd names in the inbox are never opened.")
def test_f62(bench: Bench, sftp: ScriptedSftp, tmp_path: Path) -> None:
    inbox = bench.nights.inbox
    (tmp_path / "secret").write_bytes(users_csv([person("x")]))
    (inbox / "users-link.csv").symlink_to(tmp_path / "secret")
    (inbox / "users-folder.csv").mkdir()
    os.mkfifo(inbox / "users-pipe.csv")
    for odd in ("users-\n.csv", "users-\u202ecsv", ".users.csv", "users-\\..csv"):
        (inbox / odd).write_bytes(users_csv([person("y")]))
    recovers(bench)
    assert sftp.requests.count("open") == 1

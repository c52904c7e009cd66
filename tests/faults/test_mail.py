"""F63-F71: the mail server is away, slow, fussy, or takes a mail and does not say so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from aiosmtpd.controller import Controller

from tests.faults.certificates import self_signed
from tests.faults.fault_bench import STALE, Bench
from tests.faults.markers import fault
from tests.faults.proxy import Passing, Proxy, Rule, running_proxy
from tests.faults.test_process_death import assert_undisturbed
from tests.support.servers import free_port

HOUR = timedelta(hours=1)
OFFICE, DESK = "office@springfield.example", "desk@springfield.example"


@pytest.fixture
def line(bench: Bench) -> Iterator[Proxy]:
    """A proxy in front of the mail server that tonight's mails go through."""
    parts = urlsplit(bench.smtp.url)
    assert parts.port is not None
    with running_proxy("127.0.0.1", parts.port) as proxy:
        bench.defaults["smtp"] = proxy.url(bench.smtp.url) + "?timeout=2&reply_timeout=2"
        yield proxy


def tonights(bench: Bench) -> dict[str, str]:
    """recipient → state of tonight's messages."""
    rows = bench.sql(
        "SELECT recipient, state FROM intake.message m JOIN intake.report r ON r.id = m.report WHERE delivery = %s",
        bench.delivery,
    )
    return {str(recipient): str(state) for recipient, state in rows}


def relayed(bench: Bench, later: timedelta) -> dict[str, Any]:
    """The outbox's relay some time later; what it did."""
    [told] = bench.fine(steps=["relay"], later=later)
    return dict(told)


def assert_all_sent(bench: Bench) -> None:
    assert tonights(bench) == {OFFICE: "sent", DESK: "sent"}
    assert_undisturbed(bench)


@fault("F63", "The mail server is down for hours: the roster work is done and green, the mails wait and go out later.")
def test_f63(bench: Bench, line: Proxy) -> None:
    line.rule = lambda passing: "cut"
    bench.fine()
    assert bench.roster == bench.after
    assert tonights(bench) == {OFFICE: "deferred", DESK: "deferred"}
    for hours in (1, 5, 9):
        relayed(bench, hours * HOUR)
    assert set(tonights(bench).values()) == {"deferred"}
    line.rule = lambda passing: None
    relayed(bench, 20 * HOUR)
    assert_all_sent(bench)


@fault("F63", "After 48 hours a mail is given up, visibly.")
def test_f63_given_up(bench: Bench, line: Proxy) -> None:
    line.rule = lambda passing: "cut"
    bench.fine()
    for hours in (12, 24, 36, 49):
        relayed(bench, hours * HOUR)
    assert "refused" in tonights(bench).values()
    for hours in (54, 59):
        relayed(bench, hours * HOUR)
    assert set(tonights(bench).values()) == {"refused"}


@fault("F64", "421, 451 or greylisting: deferred, and not tried again at once.")
@pytest.mark.parametrize("reply", ["421 4.3.2 closing", "450 4.2.0 greylisted", "451 4.3.0 try later"])
@pytest.mark.parametrize("at", ["RCPT", "DATA"])
def test_f64(bench: Bench, reply: str, at: str) -> None:
    if at == "DATA":
        bench.smtp.data = [reply, reply]
    else:
        bench.smtp.recipients = {OFFICE: reply, DESK: reply}
    bench.fine()
    assert set(tonights(bench).values()) == {"deferred"}
    bench.smtp.recipients = {}
    assert relayed(bench, timedelta(minutes=4))["sent"] == 0
    relayed(bench, timedelta(minutes=11))
    assert_all_sent(bench)


@fault("F65", "550 for one of the recipients: the others get theirs, the refused one is seen.")
def test_f65(bench: Bench) -> None:
    bench.smtp.recipients = {DESK: "550 5.1.1 unknown"}
    [*_, told] = bench.fine()
    assert (told["sent"], told["refused"]) == (1, 1)
    assert tonights(bench) == {OFFICE: "sent", DESK: "refused"}


@fault("F66", "All are refused: the roster work stays applied, nothing is sent again, all are seen as refused.")
def test_f66(bench: Bench) -> None:
    bench.smtp.recipients = dict.fromkeys((OFFICE, DESK), "550 5.1.1 unknown")
    bench.fine()
    assert bench.roster == bench.after
    assert relayed(bench, HOUR)["waiting"] == 0
    assert set(tonights(bench).values()) == {"refused"}


@fault("F67", "Silence before the mail's text: deferred, tried again, sent once.")
def test_f67(bench: Bench, line: Proxy) -> None:
    line.rule = lambda passing: "stall" if not passing.up and passing.before > 30 else None
    bench.fine()
    assert set(tonights(bench).values()) == {"deferred"}
    line.rule = lambda passing: None
    relayed(bench, HOUR)
    assert_all_sent(bench)


def answer_to_text(verdict: str) -> Rule:
    """The rule for the server's answer to a mail's text."""
    sending: set[int] = set()

    def rule(passing: Passing) -> str | None:
        if passing.up and b"\r\n.\r\n" in passing.data:
            sending.add(passing.connection)
        return verdict if not passing.up and passing.connection in sending else None

    return rule


@fault("F68", "Silence or a cut line after the mail's text: unknown, never sent again by itself.")
@pytest.mark.parametrize("verdict", ["stall", "cut"])
def test_f68(bench: Bench, line: Proxy, verdict: str) -> None:
    line.rule = answer_to_text(verdict)
    bench.fine()
    assert set(tonights(bench).values()) == {"unknown"}
    line.rule = lambda passing: None
    for later in (HOUR, STALE + HOUR, 20 * HOUR):
        assert relayed(bench, later)["sent"] == 0
    assert bench.outcome()["mailed"] == bench.undisturbed["mailed"]


@fault("F69", "552 too large: refused and seen; the roster work stays.")
def test_f69(bench: Bench) -> None:
    bench.smtp.data = ["552 5.3.4 too large", "552 5.3.4 too large"]
    bench.fine()
    assert set(tonights(bench).values()) == {"refused"}
    assert bench.roster == bench.after


@fault("F70", "TLS is asked for and cannot be had: never in clear text instead; deferred.")
@pytest.mark.parametrize("wish", ["?starttls=yes&timeout=5", "smtps"])
def test_f70(bench: Bench, wish: str) -> None:
    plain = bench.smtp.url
    bench.fine(smtp=plain.replace("smtp:", "smtps:") + "?timeout=2" if wish == "smtps" else plain + wish)
    assert set(tonights(bench).values()) == {"deferred"}
    relayed(bench, HOUR)
    assert_all_sent(bench)


@pytest.fixture
def untrusted(bench: Bench, tmp_path: Path) -> Iterator[str]:
    """The same mail server behind a certificate that nobody trusts."""
    controller = Controller(bench.smtp, hostname="127.0.0.1", port=free_port(), tls_context=self_signed(tmp_path))
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}?starttls=yes&timeout=5"
    controller.stop()


@fault("F70", "The server's certificate is nobody's: refused, deferred.")
def test_f70_certificate(bench: Bench, untrusted: str) -> None:
    bench.fine(smtp=untrusted)
    assert set(tonights(bench).values()) == {"deferred"}
    relayed(bench, HOUR)
    assert_all_sent(bench)


@fault("F71", "Two relays at once: each mail goes out once.")
def test_f71(bench: Bench) -> None:
    bench.fine(steps=["pull", "validate", "upsert"])
    pids = [bench.begin(steps=["relay"]) for _ in range(4)]
    assert sum(bench.well(bench.end(pid))[0]["sent"] for pid in pids) == 2
    assert_all_sent(bench)

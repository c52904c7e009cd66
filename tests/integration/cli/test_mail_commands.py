"""`rostersync mail` on a real outbox and a real SMTP server that refuses, defers and hangs up."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, update

from rostersync import database
from rostersync.cli.commands import mail_status
from rostersync.database.tables import delivery, district, message, report_drop
from rostersync.mailing import enqueue, status
from rostersync.model import Report, ReportFile
from tests.support.servers import SmtpServer

Command = Callable[..., tuple[int, str, str]]
NOW = dt.datetime.now(dt.UTC)
LOST, GONE, FINE, LATER = (f"{name}@birchmere.example.org" for name in ("lost", "gone", "fine", "later"))


@pytest.fixture
def outbox(
    superuser_engine: Engine, engine: Engine, smtp_server: SmtpServer, monkeypatch: pytest.MonkeyPatch
) -> Engine:
    """A delivery of Birchmere, reported to four contacts; the relay has not run."""
    monkeypatch.setenv("ROSTERSYNC_SMTP_URL", smtp_server.url)
    rules = {"dictionary_version": "1.0", "code_version": "0", "config_digest": "0"}
    landed = {"id": "d-1", "sha256": "0" * 64, "size_bytes": 1, "state": "applied", "modified_at": NOW}
    with superuser_engine.begin() as conn:
        conn.execute(insert(district).values(code="birchmere", name="Birchmere"))
        conn.execute(insert(delivery).values(district="birchmere", **rules, **landed))
    file = ReportFile(name="users-errors.csv", media_type="text/csv", content=b"row", target="d-1-1-users-errors.csv")
    made = Report(kind="count_report", subject="s", text="t", html="<p>t</p>", files=(file,))
    with database.transaction(engine, "birchmere") as conn:
        enqueue(
            conn,
            district="birchmere",
            delivery="d-1",
            attempt=1,
            report=made,
            recipients=[LOST, GONE, FINE, LATER],
            allowed=bool,
        )
    return engine


@pytest.fixture
def relayed(outbox: Engine, command: Command, smtp_server: SmtpServer, own_environment: Path) -> Engine:
    """After a relay: the first message is unknown, the second refused, the third sent, the fourth deferred; the
    reports folder has refused the file, because there is no inbox.
    """
    smtp_server.data = ["drop"]
    smtp_server.recipients = {GONE: f"550 5.1.1 <{GONE}>: no such mailbox", LATER: "451 4.7.1 greylisted"}
    (own_environment / "inbox").mkdir()
    (own_environment / "inbox" / "birchmere").write_bytes(b"a file in the folder's place")
    assert command("mail", "send")[:2] == (0, "1 sent, 1 refused, 1 deferred, 1 unknown, 1 waiting, 1 files refused\n")
    smtp_server.recipients.clear()
    smtp_server.accepted.clear()
    return outbox


def numbers(engine: Engine) -> dict[str, int]:
    """address → number of the message."""
    with engine.connect() as conn:
        return {row.recipient: row.id for row in conn.execute(select(message))}


def states(engine: Engine) -> dict[str, str]:
    with engine.connect() as conn:
        return {row.recipient: row.state for row in conn.execute(select(message))}


def receivers(server: SmtpServer) -> list[str]:
    return [recipient for mail in server.accepted for recipient in mail.recipients]


def test_status_counts_by_state_and_names_what_needs_a_person_without_addresses(
    relayed: Engine, command: Command
) -> None:
    code, told, _ = command("mail", "status", "--format", "json")
    found: dict[str, Any] = json.loads(told)
    assert code == 0
    assert found["messages"] == {"queued": 0, "sending": 0, "sent": 1, "deferred": 1, "refused": 1, "unknown": 1}
    assert found["files"] == {"refused": 1}
    assert found["oldest_waiting"] is not None
    listed = [(each["message"], each["state"], each["delivery"]) for each in found["for_a_person"]]
    known = numbers(relayed)
    assert listed == [(known[LOST], "unknown", "d-1"), (known[GONE], "refused", "d-1")]
    assert "no such mailbox" in found["for_a_person"][1]["answer"]
    assert found["refused_files"][0]["file"] == "d-1-1-users-errors.csv"
    for text in (told, command("mail", "status")[1]):
        assert "@birchmere" not in text


def test_status_of_another_district_is_empty_and_a_terminal_shows_addresses(relayed: Engine, command: Command) -> None:
    found = json.loads(command("mail", "status", "--district", "fernhollow", "--format", "json")[1])
    assert (sum(found["messages"].values()), found["for_a_person"], found["refused_files"]) == (0, [], [])
    seen = "\n".join(mail_status._lines(status.overview(relayed, None), on_terminal=True))
    assert LOST in seen
    assert f"<{GONE}>: no such mailbox" in seen


def test_a_delivery_goes_again_to_those_whose_mail_is_unknown_or_refused(
    relayed: Engine, command: Command, smtp_server: SmtpServer, own_environment: Path
) -> None:
    (own_environment / "inbox" / "birchmere").unlink()
    assert command("mail", "resend", "d-1")[0] == 4  # nobody is there to be asked
    assert states(relayed)[LOST] == "unknown"
    code, told, asked = command("mail", "resend", "d-1", "--yes")
    assert (code, told) == (0, "2 sent, 1 waiting, 1 files dropped\n")
    assert "may have it already" in asked
    assert "@birchmere" not in asked
    assert receivers(smtp_server) == [LOST, GONE]
    assert (own_environment / "inbox" / "birchmere" / "reports" / "d-1-1-users-errors.csv").read_bytes() == b"row"
    with relayed.connect() as conn:
        released = conn.execute(select(message.c.released_by).where(message.c.released_at.is_not(None))).all()
    assert len(released) == 2
    assert all(who for (who,) in released)


def test_a_sent_mail_goes_again_only_when_that_is_said(
    relayed: Engine, command: Command, smtp_server: SmtpServer
) -> None:
    number = str(numbers(relayed)[FINE])
    assert command("mail", "resend", number, "--yes")[0] == 4
    assert receivers(smtp_server) == []
    assert command("mail", "resend", number, "--again", "--yes")[0] == 0
    assert receivers(smtp_server) == [FINE]


def test_a_deferred_mail_is_left_to_the_relay(relayed: Engine, command: Command, smtp_server: SmtpServer) -> None:
    assert command("mail", "resend", str(numbers(relayed)[LATER]), "--again", "--yes")[0] == 4
    assert (states(relayed)[LATER], receivers(smtp_server)) == ("deferred", [])


@pytest.mark.parametrize("by_number", [True, False])
def test_a_report_goes_to_another_allowed_address_once(
    relayed: Engine, command: Command, smtp_server: SmtpServer, by_number: bool
) -> None:
    name = str(numbers(relayed)[GONE]) if by_number else "d-1"
    other = "deputy@birchmere.example.org"
    assert command("mail", "resend", name, "--to", "deputy@elsewhere.example", "--yes")[0] == 4
    assert command("mail", "resend", name, "--to", other, "--yes")[0] == 0
    assert receivers(smtp_server) == [other]
    (attached,) = smtp_server.accepted[0].message.iter_attachments()
    assert attached.get_payload(decode=True) == b"row"
    assert command("mail", "resend", name, "--to", other, "--yes")[0] == 4
    assert receivers(smtp_server) == [other]


@pytest.mark.parametrize("name", ["d-2", "999999", "<x@y>", "9" * 40])
def test_an_unknown_name_is_told(outbox: Engine, command: Command, name: str) -> None:
    assert command("mail", "resend", name, "--yes")[0] == 4


def test_what_was_let_go_again_after_days_may_wait_as_long_as_new_mail(
    relayed: Engine, command: Command, smtp_server: SmtpServer, superuser_engine: Engine
) -> None:
    with superuser_engine.begin() as conn:
        conn.execute(update(message).values(created_at=NOW - dt.timedelta(days=5)))
        conn.execute(update(report_drop).values(state="dropped"))
    smtp_server.recipients[GONE] = "451 4.7.1 greylisted"
    assert command("mail", "resend", str(numbers(relayed)[GONE]), "--yes")[0] == 0
    assert states(relayed)[GONE] == "deferred"


def test_an_unusable_senders_address_stops_the_relay_before_any_message(
    outbox: Engine, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ROSTERSYNC_MAIL_FROM", "Rostersync")
    assert command("mail", "send")[0] == 4
    assert set(states(outbox).values()) == {"queued"}

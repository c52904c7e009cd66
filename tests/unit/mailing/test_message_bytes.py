"""Mails as bytes, identifiers, pauses, the .eml folder and the SMTP URL: nothing here needs a server or a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from rostersync.exceptions import ConfigurationError
from rostersync.mailing import EmlFolder, SmtpSender
from rostersync.mailing.message_bytes import Letter, compose_message
from rostersync.mailing.outbox import message_id, report_id
from rostersync.mailing.senders import FIRST_PAUSE, MAX_PAUSE, State, pause
from rostersync.model import ReportFile

ADDRESS = "roster@rivertown.example.org"


def letter(**changes: object) -> Letter:
    """A letter with text, HTML and one file."""
    values: dict[str, object] = {
        "number": 7,
        "district": "rivertown",
        "delivery": "d-1",
        "recipient": ADDRESS,
        "message_id": message_id("r-1", ADDRESS),
        "subject": "Señor Roster School District: 2 rows need a correction",
        "text": "Zwei Zeilen – täglich\n" + "x" * 2_000,
        "html": "<p>" + "ä" * 3_000 + "</p>",
        "files": [ReportFile(name="users-errors.csv", media_type="text/csv", content=b"\xef\xbb\xbfa\r\n")],
        "created_at": datetime(2026, 11, 24, 8, 5, tzinfo=UTC),
        "waiting_since": datetime(2026, 11, 24, 8, 5, tzinfo=UTC),
        "tries": 1,
        "mail_from": "Roster Sync <sync@example.org>",
    }
    return Letter(**{**values, **changes})  # type: ignore[arg-type]  # the values above are of the fields' types


def parsed(one: Letter) -> EmailMessage:
    mail = message_from_bytes(compose_message(one), policy=default)
    assert isinstance(mail, EmailMessage)
    return mail


def test_a_mail_has_text_html_and_the_file_as_it_was() -> None:
    mail = parsed(letter())
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n").rstrip() == letter().text
    assert html.get_content().strip() == letter().html
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("users-errors.csv", "text/csv")
    assert attached.get_payload(decode=True) == b"\xef\xbb\xbfa\r\n"


def test_the_headers_are_those_of_an_automatic_mail() -> None:
    mail = parsed(letter())
    assert mail["From"] == "Roster Sync <sync@example.org>"
    assert mail["To"] == ADDRESS
    assert mail["Subject"] == letter().subject
    assert mail["Date"] == "Tue, 24 Nov 2026 08:05:00 +0000"
    assert mail["Message-ID"] == letter().message_id
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Rostersync-Delivery"] == "d-1"
    assert mail["List-Id"] == "<rivertown.rostersync.internal>"
    assert mail["Reply-To"] is None
    assert parsed(letter(reply_to="Roster desk <desk@example.org>"))["Reply-To"] == "Roster desk <desk@example.org>"


def test_text_and_html_are_alternatives_beside_the_files() -> None:
    kinds = [part.get_content_type() for part in parsed(letter()).walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "text/html", "text/csv"]
    assert parsed(letter(files=[])).get_content_type() == "multipart/alternative"


def test_the_bytes_are_the_same_at_every_try_and_fit_any_server() -> None:
    content = compose_message(letter())
    assert content == compose_message(letter(tries=4))
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


@pytest.mark.parametrize("field", ["recipient", "subject"])
def test_a_line_break_cannot_add_a_header(field: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        compose_message(letter(**{field: "a@example.org\r\nBcc: b@example.org"}))


def test_ids_are_stable_and_hide_the_address() -> None:
    one = report_id(district="rivertown", delivery="d-1", attempt=1, kind="count_report")
    assert one == report_id(district="rivertown", delivery="d-1", attempt=1, kind="count_report")
    others = {
        report_id(district="rivertown", delivery="d-1", attempt=2, kind="count_report"),
        report_id(district="rivertown", delivery="d-1", attempt=1, kind="refused"),
        report_id(district="lakeside", delivery="d-1", attempt=1, kind="count_report"),
    }
    assert one not in others
    assert len(others) == 3
    assert message_id(one, ADDRESS) == message_id(one, ADDRESS.upper())
    assert message_id(one, ADDRESS) != message_id(one, "other@rivertown.example.org")
    assert "roster@" not in message_id(one, ADDRESS)


def test_pauses_grow_from_five_minutes_to_four_hours() -> None:
    pauses = [pause(tries) for tries in range(1, 12)]
    assert pauses[:3] == [FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert pauses[-1] == MAX_PAUSE
    assert pause(10_000) == MAX_PAUSE
    assert timedelta(minutes=5) <= FIRST_PAUSE


def test_the_folder_holds_one_private_readable_file_per_mail(tmp_path: Path) -> None:
    folder = tmp_path / "outbox"
    with EmlFolder(folder) as sender:
        assert sender.send(letter()).state is State.SENT
        assert sender.send(letter()).state is State.SENT
    (written,) = folder.iterdir()
    assert written.name == "rivertown_d-1_7.eml"
    assert written.read_bytes() == compose_message(letter())
    assert (folder.stat().st_mode & 0o777, written.stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_folder_that_cannot_be_written_defers(tmp_path: Path) -> None:
    folder = EmlFolder(tmp_path / "outbox")
    with folder:
        folder.path.rmdir()
        answer = folder.send(letter())
    assert (answer.state, answer.server_down) == (State.DEFERRED, True)


@pytest.mark.parametrize(
    "url",
    [
        "http://mail.example.org",
        "smtp://",
        "smtp://mail.example.org?starttls=maybe",
        "smtp://mail.example.org?timeout=soon",
        "smtp://mail.example.org?timeout=-1",
        "smtp://mail.example.org?retries=3",
        "smtp://user:secret@mail.example.org?starttls=no",
    ],
)
def test_an_smtp_url_that_is_wrong_or_careless_is_refused_without_showing_it(url: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        SmtpSender(url)
    assert "secret" not in str(raised.value)


def test_the_sender_does_not_show_its_password() -> None:
    assert "secret" not in repr(SmtpSender("smtp://user:secret@mail.example.org:587"))


def test_an_address_that_cannot_be_written_to_is_refused_without_a_server() -> None:
    with SmtpSender("smtp://127.0.0.1:9") as sender:
        assert sender.send(letter(recipient="röster@example.org")).state is State.REFUSED

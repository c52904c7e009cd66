"""The outbox on a real PostgreSQL, relayed to a real SMTP server that refuses, defers, stalls and hangs up."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine, func, insert, select, update

from rostersync.database import rolled_back_transaction, transaction
from rostersync.database.tables import delivery, district, message, report, report_file
from rostersync.mailing import EmlFolder, MailCounts, SmtpSender, enqueue, relay
from rostersync.mailing.relay import STALE_AFTER
from rostersync.mailing.senders import GIVE_UP_AFTER
from rostersync.model import Report, ReportFile
from tests.support.servers import SmtpServer

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
ANN, BOB, EVE = (f"{name}@rivertown.example.org" for name in ("ann", "bob", "eve"))
REPORT = Report(
    kind="count_report",
    subject="Rivertown, Nov 24, 2026: 2 rows need a correction",
    text="Two rows need a correction.\n.\nA line of one dot is above.\n",
    html="<p>Two rows need a correction.</p>",
    files=(ReportFile(name="users-errors.csv", media_type="text/csv", content=b'\xef\xbb\xbf"line"\r\n'),),
)


@dataclass(slots=True)
class Clock:
    """A clock that is moved by hand."""

    now: dt.datetime = NOON

    def __call__(self) -> dt.datetime:
        return self.now

    def forward(self, **amount: float) -> None:
        self.now += dt.timedelta(**amount)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def outbox(engine: Engine) -> Engine:
    """A database with two districts and a delivery each."""
    for code in ("rivertown", "lakeside"):
        with transaction(engine, code) as conn:
            conn.execute(insert(district).values(code=code, name=code.title()))
            conn.execute(
                insert(delivery).values(
                    id=f"d-{code}",
                    district=code,
                    sha256="0" * 64,
                    size_bytes=1,
                    state="applied",
                    modified_at=NOON,
                    dictionary_version="1.0",
                    code_version="0",
                    config_digest="0",
                )
            )
    return engine


def put(engine: Engine, *recipients: str, code: str = "rivertown", attempt: int = 1, made: Report = REPORT) -> int:
    """One report into the outbox."""
    with transaction(engine, code) as conn:
        return enqueue(
            conn,
            district=code,
            delivery=f"d-{code}",
            attempt=attempt,
            report=made,
            recipients=recipients,
            allowed=lambda address: "elsewhere" not in address,
            at=NOON,
        )


def states(engine: Engine) -> dict[str, str]:
    """recipient → state."""
    with engine.connect() as conn:
        return {row.recipient: row.state for row in conn.execute(select(message).order_by(message.c.id))}


def answers(engine: Engine) -> dict[str, str]:
    """recipient → the server's words."""
    with engine.connect() as conn:
        return {row.recipient: row.answer for row in conn.execute(select(message))}


def receivers(server: SmtpServer) -> list[str]:
    """Everyone who got a mail, with repetitions."""
    return [recipient for mail in server.accepted for recipient in mail.recipients]


def test_the_outbox_takes_a_report_once_however_often_it_is_put(outbox: Engine) -> None:
    assert put(outbox, ANN, BOB, ANN) == 2
    assert put(outbox, ANN, BOB) == 0
    assert put(outbox, ANN, BOB, EVE) == 1
    with transaction(outbox, "rivertown") as conn:
        amounts = [conn.scalar(select(func.count()).select_from(table)) for table in (report, report_file, message)]
    assert amounts == [1, 1, 3]


def test_who_may_not_be_written_to_is_entered_as_refused_and_gets_nothing(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    stray = "ann@elsewhere.example"
    assert put(outbox, stray, ANN) == 2
    assert states(outbox) == {stray: "refused", ANN: "queued"}
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=1)
    assert receivers(smtp_server) == [ANN]


def test_a_rolled_back_apply_leaves_no_mail(outbox: Engine) -> None:
    with rolled_back_transaction(outbox, "rivertown") as conn:
        enqueue(
            conn, district="rivertown", delivery="d-rivertown", attempt=1, report=REPORT, recipients=[ANN], allowed=bool
        )
    assert states(outbox) == {}


def test_each_recipient_gets_one_mail_of_their_own_and_a_second_relay_sends_nothing(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, ANN, BOB)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=2)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts()
    assert [mail.recipients for mail in smtp_server.accepted] == [(ANN,), (BOB,)]
    mails = [mail.message for mail in smtp_server.accepted]
    assert [mail["To"] for mail in mails] == [ANN, BOB]
    assert len({mail["Message-ID"] for mail in mails}) == 2
    body = mails[0].get_body(("plain",))
    assert body is not None
    assert body.get_content().replace("\r\n", "\n") == REPORT.text
    (attached,) = mails[0].iter_attachments()
    assert attached.get_payload(decode=True) == REPORT.files[0].content


def test_a_refused_recipient_does_not_touch_the_others(outbox: Engine, smtp_server: SmtpServer, clock: Clock) -> None:
    put(outbox, ANN, BOB, EVE)
    smtp_server.recipients[BOB] = "550 5.1.1 no such mailbox"
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=2, refused=1)
    assert states(outbox) == {ANN: "sent", BOB: "refused", EVE: "sent"}
    assert answers(outbox)[BOB] == "550 5.1.1 no such mailbox"
    clock.forward(days=3)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts()


@pytest.mark.parametrize("where", ["recipient", "text"])
def test_a_temporary_refusal_is_tried_again_after_five_minutes_at_the_earliest(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock, where: str
) -> None:
    put(outbox, ANN)
    if where == "recipient":
        smtp_server.recipients[ANN] = "451 4.7.1 greylisted"
    else:
        smtp_server.data.append("451 4.3.0 later")
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(deferred=1, waiting=1)
    clock.forward(minutes=4, seconds=59)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(waiting=1)
    smtp_server.recipients.clear()
    clock.forward(seconds=1)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=1)
    assert receivers(smtp_server) == [ANN]


def test_a_refused_text_is_refused(outbox: Engine, smtp_server: SmtpServer, clock: Clock) -> None:
    put(outbox, ANN)
    smtp_server.data.append("554 5.7.1 looks like spam")
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(refused=1)


def test_a_server_that_is_down_defers_all_and_after_two_days_gives_up(outbox: Engine, clock: Clock) -> None:
    put(outbox, ANN, BOB)
    sender = SmtpSender("smtp://127.0.0.1:9?timeout=2")
    assert relay(outbox, sender, clock=clock) == MailCounts(deferred=2, waiting=2)
    clock.now = NOON + GIVE_UP_AFTER
    relay(outbox, sender, clock=clock)
    clock.forward(hours=5)
    relay(outbox, sender, clock=clock)
    assert states(outbox) == {ANN: "refused", BOB: "refused"}
    assert "48 hours" in answers(outbox)[ANN]


def test_a_server_that_closes_the_conversation_before_the_text_defers(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, ANN, BOB)
    smtp_server.recipients[ANN] = "421 4.3.2 closing"
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=1, deferred=1, waiting=1)
    assert states(outbox) == {ANN: "deferred", BOB: "sent"}


def test_silence_before_the_text_defers_and_is_safe_to_try_again(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, ANN, BOB)
    smtp_server.recipients[ANN] = 2.0
    impatient = SmtpSender(f"{smtp_server.url}?timeout=0.5")
    assert relay(outbox, impatient, clock=clock) == MailCounts(sent=1, deferred=1, waiting=1)
    assert states(outbox) == {ANN: "deferred", BOB: "sent"}
    smtp_server.recipients.clear()
    clock.forward(minutes=5)
    assert relay(outbox, impatient, clock=clock) == MailCounts(sent=1)
    assert receivers(smtp_server) == [BOB, ANN]


@pytest.mark.parametrize("turn", ["drop", "cut", 3.0])
def test_silence_after_the_text_is_unknown_and_never_sent_again(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock, turn: str | float
) -> None:
    """With drop and the stall the server has the mail, with cut it has not; from here they look the same."""
    put(outbox, ANN, BOB)
    smtp_server.data.append(turn)
    counts = relay(outbox, SmtpSender(f"{smtp_server.url}?reply_timeout=0.5"), clock=clock)
    assert counts == MailCounts(sent=1, unknown=1)
    assert states(outbox) == {ANN: "unknown", BOB: "sent"}
    clock.forward(days=1)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts()
    assert receivers(smtp_server).count(ANN) <= 1


def test_what_a_crash_left_in_sending_becomes_unknown_after_a_while(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, ANN)
    with transaction(outbox, "rivertown") as conn:
        conn.execute(update(message).values(state="sending", claimed_at=NOON, tries=1))
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts()
    assert states(outbox) == {ANN: "sending"}
    clock.now = NOON + STALE_AFTER + dt.timedelta(seconds=1)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(unknown=1)
    assert states(outbox) == {ANN: "unknown"}
    assert smtp_server.accepted == []


def test_a_relay_can_be_bound_to_a_district_or_a_delivery(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, ANN)
    put(outbox, EVE, code="lakeside")
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock, district="lakeside") == MailCounts(sent=1)
    assert receivers(smtp_server) == [EVE]
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock, delivery="d-lakeside") == MailCounts()
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock, delivery="d-rivertown") == MailCounts(sent=1)


def test_relays_at_the_same_time_send_each_mail_once(outbox: Engine, smtp_server: SmtpServer, clock: Clock) -> None:
    people = [f"contact{n}@rivertown.example.org" for n in range(20)]
    put(outbox, *people)
    sent: list[int] = []

    def run() -> None:
        sent.append(relay(outbox, SmtpSender(smtp_server.url), clock=clock).sent)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(receivers(smtp_server)) == sorted(people)
    assert sum(sent) == len(people)


def test_another_attempt_is_another_mail(outbox: Engine, smtp_server: SmtpServer, clock: Clock) -> None:
    put(outbox, ANN)
    put(outbox, ANN, attempt=2)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=2)
    assert len({mail.message["Message-ID"] for mail in smtp_server.accepted}) == 2


def test_an_address_that_cannot_be_written_to_does_not_stop_the_others(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, "ann@rivertown.example.org\r\nBcc: x@example.org", BOB)
    assert relay(outbox, SmtpSender(smtp_server.url), clock=clock) == MailCounts(sent=1, refused=1)
    assert receivers(smtp_server) == [BOB]


def test_without_a_server_the_mails_are_files_with_telling_names(outbox: Engine, tmp_path: Path, clock: Clock) -> None:
    put(outbox, ANN, BOB)
    put(outbox, EVE, code="lakeside")
    assert relay(outbox, EmlFolder(tmp_path / "outbox"), clock=clock) == MailCounts(sent=3)
    names = sorted(path.name for path in (tmp_path / "outbox").iterdir())
    assert [name.rpartition("_")[0] for name in names] == ["lakeside_d-lakeside", *["rivertown_d-rivertown"] * 2]
    assert not any(address.partition("@")[0] in name for name in names for address in (ANN, BOB, EVE))


@dataclass
class SecretServer:
    """An SMTP server with TLS and one account."""

    port: int
    certificate: Path
    received: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        self.received += envelope.rcpt_tos
        self.encrypted.append(session.ssl is not None)
        return "250 OK"


def _certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "server.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secret_server(tmp_path: Path, smtp_port: int) -> Iterator[SecretServer]:
    """STARTTLS offered, login `roster` / `right` accepted under TLS only."""
    server = SecretServer(port=smtp_port, certificate=_certificate(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.certificate)

    def check(server: Any, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
        return AuthResult(success=login.password == b"right", handled=False)

    controller = Controller(
        server, hostname="127.0.0.1", port=smtp_port, tls_context=context, authenticator=check, auth_require_tls=True
    )
    controller.start()
    yield server
    controller.stop(no_assert=True)


@pytest.fixture
def smtp_port() -> int:
    from tests.support.servers import free_port

    return free_port()


def test_a_login_goes_through_tls(
    outbox: Engine, secret_server: SecretServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secret_server.certificate))
    put(outbox, ANN)
    sender = SmtpSender(f"smtp://roster:right@127.0.0.1:{secret_server.port}?starttls=yes")
    assert relay(outbox, sender, clock=clock) == MailCounts(sent=1)
    assert (secret_server.received, secret_server.encrypted) == ([ANN], [True])


def test_a_wrong_password_defers_and_stays_out_of_the_answer(
    outbox: Engine, secret_server: SecretServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(secret_server.certificate))
    put(outbox, ANN)
    sender = SmtpSender(f"smtp://roster:wrong-secret@127.0.0.1:{secret_server.port}?starttls=yes")
    assert relay(outbox, sender, clock=clock) == MailCounts(deferred=1, waiting=1)
    assert "wrong-secret" not in answers(outbox)[ANN]


def test_an_unknown_certificate_defers_instead_of_going_on_without_tls(
    outbox: Engine, secret_server: SecretServer, clock: Clock
) -> None:
    put(outbox, ANN)
    sender = SmtpSender(f"smtp://127.0.0.1:{secret_server.port}?starttls=yes")
    assert relay(outbox, sender, clock=clock) == MailCounts(deferred=1, waiting=1)
    assert secret_server.received == []


def test_a_server_without_tls_gets_nothing_when_tls_was_asked_for(
    outbox: Engine, smtp_server: SmtpServer, clock: Clock
) -> None:
    put(outbox, ANN)
    sender = SmtpSender(f"{smtp_server.url}?starttls=yes")
    assert relay(outbox, sender, clock=clock) == MailCounts(deferred=1, waiting=1)
    assert smtp_server.accepted == []

"""A real SMTP server (aiosmtpd, loopback) that can be told what to answer, to stall, or to hang up."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HANG_UP = "hang up"


@dataclass(slots=True)
class Script:
    """What to answer. Keys are `MAIL`, `RCPT`, `DATA`, or `RCPT <address>`; HANG_UP closes the connection instead.

    `accepted` holds (recipient, raw bytes) of every mail whose text was taken; `stall` delays the final answer, in seconds.
    """

    answers: dict[str, str] = field(default_factory=dict)
    stall: float = 0.0
    password: str = ""
    accepted: list[tuple[str, bytes]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    sessions: int = 0

    def mails(self) -> list[EmailMessage]:
        """The accepted mails, parsed."""
        parsed = [message_from_bytes(content, policy=default) for _, content in self.accepted]
        return [mail for mail in parsed if isinstance(mail, EmailMessage)]

    def recipients(self) -> list[str]:
        """Who got a mail, in order, with repetitions."""
        return [recipient for recipient, _ in self.accepted]


class _Handler:
    def __init__(self, script: Script) -> None:
        self.script = script

    def _answer(self, server: SMTP, *keys: str) -> str | None:
        words = next((self.script.answers[key] for key in keys if key in self.script.answers), None)
        if words == HANG_UP:
            assert server.transport is not None
            server.transport.abort()
        return words

    async def handle_MAIL(  # noqa: N802 - the names are aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._answer(server, "MAIL") or "250 OK"

    async def handle_RCPT(  # noqa: N802 - the names are aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        words = self._answer(server, f"RCPT {address}", "RCPT") or "250 OK"
        if words.startswith("250"):
            envelope.rcpt_tos.append(address)
        return words

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's
        words = self.script.answers.get("DATA", "250 OK")
        if words.startswith("250") or words == HANG_UP:
            content = envelope.content
            assert isinstance(content, bytes)
            self.script.accepted += [(recipient, content) for recipient in envelope.rcpt_tos]
        if self.script.stall:
            await asyncio.sleep(self.script.stall)
        return self._answer(server, "DATA") or words


class _Server(Controller):
    def __init__(self, script: Script, **options: Any) -> None:
        self.script = script
        super().__init__(_Handler(script), hostname="127.0.0.1", port=0, **options)

    def factory(self) -> SMTP:
        self.script.sessions += 1
        return super().factory()

    def _trigger_server(self) -> None:
        """aiosmtpd dials the port it was given; here that is 0, so the real one is looked up first."""
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def smtp_server(script: Script, *, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """`host:port` of a running server that follows the script; stopped at the end."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: LoginPassword) -> AuthResult:
        script.logins.append(login.login.decode())
        return AuthResult(success=login.password.decode() == script.password, handled=False)

    options: dict[str, Any] = {"tls_context": tls} if tls else {}
    if script.password:
        options |= {"authenticator": check, "auth_require_tls": tls is not None}
    server = _Server(script, **options)
    server.start()
    try:
        yield f"127.0.0.1:{server.port}"
    finally:
        server.stop()

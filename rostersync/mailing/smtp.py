"""Sending over SMTP, step by step, so that it is known at every failure whether the server may have taken the mail.

| happens | state |
|---|---|
| 250 after the final dot | sent |
| 5xx to MAIL, RCPT, DATA or the final dot | refused |
| 4xx at any step; no connection, TLS or login; time-out or lost connection before the mail's text | deferred |
| time-out or lost connection once the server had asked for the text (354) | unknown |
"""

from __future__ import annotations

import contextlib
import re
import smtplib
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

from rostersync.exceptions import ConfigurationError
from rostersync.mailing.message_bytes import Letter, compose_message
from rostersync.mailing.senders import Answer, State

CONNECT_SECONDS = 30.0
REPLY_SECONDS = 600.0
"""How long to wait for the answer to the final dot: RFC 5321, 4.5.3.2.6. Giving up earlier makes duplicates."""
_PORTS = {"smtp": 25, "smtps": 465}
_HINT = "Write smtp://user:password@host:587?starttls=yes, or smtps://…; see the README."
_CLOSING = 421
_SEND_TEXT = 354
_NOT_REACHED = (OSError, smtplib.SMTPException)
"""What smtplib raises when there is no conversation (any more); TLS errors are OSErrors."""


class SmtpSender:
    """Sends over one connection while it lasts.

    `smtp://user:password@host:port?starttls=yes&timeout=30&reply_timeout=600`, or `smtps://` for TLS from the start.
    TLS that was asked for is never given up; a password is only sent through TLS, or to this machine itself.
    Raises ConfigurationError for a URL that says something else.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigurationError("The SMTP URL is not usable.", hint=_HINT)
        options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        self.host, self.port = parts.hostname, parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._tls_first = parts.scheme == "smtps"
        self._local = self.host in ("localhost", "127.0.0.1", "::1")
        self._starttls = _switch(options.pop("starttls", ""), default=bool(self._user) and not self._local)
        self._timeout = _seconds(options.pop("timeout", ""), CONNECT_SECONDS)
        self._reply_timeout = _seconds(options.pop("reply_timeout", ""), REPLY_SECONDS)
        self._client: smtplib.SMTP | None = None
        if options:
            raise ConfigurationError(f"The SMTP URL has unknown options: {', '.join(sorted(options))}.", hint=_HINT)
        if self._user and not (self._starttls or self._tls_first or self._local):
            raise ConfigurationError("The SMTP URL would send a password without TLS.", hint=_HINT)

    def __repr__(self) -> str:
        return f"SmtpSender({self.host}:{self.port})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hang_up()

    def send(self, letter: Letter) -> Answer:
        """Hands one letter over. Every trouble of mail or server is an answer, not an exception."""
        try:
            letter.recipient.encode("ascii")
            content = compose_message(letter)
        except ValueError:
            return Answer(state=State.REFUSED, words="The message cannot be composed: an address is not usable.")
        dialled = self._client is None
        try:
            self._connected()
        except _NOT_REACHED as error:
            self._drop()
            return Answer(state=State.DEFERRED, words=_words_of(error), server_down=True)
        try:
            refusal = self._announce(letter, len(content), again=not dialled)
        except _NOT_REACHED as error:
            self._drop()
            return Answer(state=State.DEFERRED, words=_words_of(error))
        return refusal or self._transmit(content)

    def _announce(self, letter: Letter, size: int, *, again: bool) -> Answer | None:
        """MAIL, RCPT and DATA; None when the server now waits for the text.

        `again`: a line that went dead is dialled once more, for servers hang up between mails.
        """
        try:
            answer = self._introduce(self._connected(), letter, size)
        except _NOT_REACHED:
            if not again:
                raise
            self._drop()
            answer = self._introduce(self._connected(), letter, size)
        if answer is not None:
            self._start_over()
        return answer

    def _introduce(self, client: smtplib.SMTP, letter: Letter, size: int) -> Answer | None:
        options = [f"size={size}"] if client.has_extn("size") else []
        steps: tuple[Callable[[], tuple[int, bytes]], ...] = (
            lambda: client.mail(letter.envelope_sender, options),
            lambda: client.rcpt(letter.recipient),
            lambda: client.docmd("DATA"),
        )
        for step in steps:
            code, words = step()
            if code == _CLOSING:
                raise smtplib.SMTPServerDisconnected(f"{code} {words.decode(errors='replace')}")
            if not (200 <= code < 300 or code == _SEND_TEXT):
                return _answer(code, words)
        return None

    def _transmit(self, content: bytes) -> Answer:
        """The text and the final dot. From here on a silent server may have taken the mail."""
        client = self._connected()
        try:
            _wait(client, self._reply_timeout)
            client.send(re.sub(rb"(?m)^\.", b"..", content) + b"\r\n.\r\n")
            code, words = client.getreply()
            _wait(client, self._timeout)
        except _NOT_REACHED as error:
            self._drop()
            return Answer(state=State.UNKNOWN, words=f"No answer after the text was sent: {_words_of(error)}")
        if code == _CLOSING:
            self._drop()
        return _answer(code, words)

    def _connected(self) -> smtplib.SMTP:
        """The open connection, or a new one: greeting, TLS when asked for, login."""
        if self._client is None:
            self._client = self._dial()
            if self._starttls:
                self._client.starttls(context=ssl.create_default_context())
            self._client.ehlo_or_helo_if_needed()
            if self._user:
                self._client.login(self._user, self._password)
        return self._client

    def _dial(self) -> smtplib.SMTP:
        if self._tls_first:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=self._timeout, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=self._timeout)

    def _start_over(self) -> None:
        """After a refusal the conversation goes on with the next mail."""
        try:
            if self._client is not None:
                self._client.rset()
        except _NOT_REACHED:
            self._drop()

    def _hang_up(self) -> None:
        if self._client is not None:
            with contextlib.suppress(*_NOT_REACHED):
                self._client.quit()
        self._drop()

    def _drop(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None


def _answer(code: int, words: bytes) -> Answer:
    states = {2: State.SENT, 4: State.DEFERRED, 5: State.REFUSED}
    return Answer(
        state=states.get(code // 100, State.UNKNOWN), words=_plain(f"{code} {words.decode(errors='replace')}")
    )


def _words_of(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        reply = error.smtp_error
        return _plain(f"{error.smtp_code} {reply.decode(errors='replace') if isinstance(reply, bytes) else reply}")
    return _plain(f"{type(error).__name__}: {error}")


def _plain(words: str) -> str:
    return " ".join(words.split())[:500]


def _wait(client: smtplib.SMTP, seconds: float) -> None:
    if client.sock is not None:
        client.sock.settimeout(seconds)


def _switch(word: str, *, default: bool) -> bool:
    if word not in ("", "yes", "no"):
        raise ConfigurationError("The SMTP URL says neither starttls=yes nor starttls=no.", hint=_HINT)
    return word == "yes" if word else default


def _seconds(word: str, default: float) -> float:
    try:
        seconds = float(word) if word else default
    except ValueError:
        seconds = 0.0
    if seconds <= 0:
        raise ConfigurationError("A time-out in the SMTP URL is not a number of seconds.", hint=_HINT)
    return seconds

"""Real servers for tests: PostgreSQL (embedded), SFTP (asyncssh), SMTP (aiosmtpd). Loopback only, nothing mocked."""

from __future__ import annotations

import asyncio
import itertools
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default as default_policy
from pathlib import Path
from typing import Any

import asyncssh
import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from psycopg import sql

from rostersync import database
from rostersync.embedded_postgres import roles
from rostersync.embedded_postgres import server as embedded
from rostersync.transports import SftpCredentials

TEMPLATE = "roster_template"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterDatabase:
    """A fresh, migrated database of one test. The superuser sees and writes all districts, as no login of ours does."""

    name: str
    url: str = field(repr=False)
    owner_url: str = field(repr=False)
    source_url: str = field(repr=False)
    superuser_url: str = field(repr=False)


@contextmanager
def running_postgres(folder: Path) -> Iterator[embedded.Server]:
    """A server of its own below `folder`, with a migrated template database; stopped and deleted at the end."""
    server = embedded.ensure_running(folder, durable=False)
    try:
        create_database(server, TEMPLATE)
        owner = database.engine(server.url_of("roster_owner", TEMPLATE))
        database.upgrade_schema(owner)
        owner.dispose()
        yield server
    finally:
        embedded.remove(folder)


@contextmanager
def fresh_database(server: embedded.Server, *, template: str = TEMPLATE) -> Iterator[RosterDatabase]:
    """A copy of the template, dropped at the end even when somebody is still connected."""
    name = f"roster_{next(_numbers)}"
    create_database(server, name, template=template)
    try:
        yield RosterDatabase(
            name=name,
            url=server.url_of("roster_sync", name),
            owner_url=server.url_of("roster_owner", name),
            source_url=server.url_of("roster_source", name),
            superuser_url=server.url_of("postgres", name),
        )
    finally:
        drop_database(server, name)


def create_database(server: embedded.Server, name: str, *, template: str = "template0") -> None:
    """A database of the owner's, a copy of `template`."""
    make = sql.SQL("CREATE DATABASE {} OWNER roster_owner TEMPLATE {}")
    administer(server, make.format(sql.Identifier(name), sql.Identifier(template)))
    if template == "template0":
        with psycopg.connect(server.url_of("postgres", name).replace("+psycopg", ""), autocommit=True) as admin:
            roles.forbid_large_objects(admin)


def drop_database(server: embedded.Server, name: str) -> None:
    """Drop it, if there is one, even when somebody is connected."""
    administer(server, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def administer(server: embedded.Server, statement: sql.Composed) -> None:
    """One statement as the cluster's superuser."""
    with psycopg.connect(server.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        admin.execute(statement)


class SftpFiles(asyncssh.SFTPServer):
    """The files of an SftpServer."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], outer: SftpServer) -> None:
        super().__init__(channel, chroot=str(outer.root).encode())
        self.outer = outer

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        opened = super().open(path, pflags, attrs)
        self.outer._files.append(opened)
        return opened

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        while self.outer.stalled.is_set():  # noqa: ASYNC110 - another thread decides
            await asyncio.sleep(0.01)
        return bytes(super().read(file_obj, offset, size))


class SftpServer:
    """A real SFTP server (asyncssh) in a thread: an ed25519 host key, one account, `root` as its whole world."""

    files: type[SftpFiles] = SftpFiles
    user = "district"
    password = "a-password-of-this-test"

    def __init__(self, root: Path) -> None:
        self.root = root
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-server", daemon=True)
        self.port = 0
        self.logins = 0
        self._connections: list[asyncssh.SSHServerConnection] = []
        self._files: list[Any] = []
        self.stalled = threading.Event()
        """While set, reads are never answered."""

    @property
    def host_key(self) -> str:
        """The public key, as it is pinned."""
        return " ".join(self._key.export_public_key().decode().split()[:2])

    def credentials(self, **changed: Any) -> SftpCredentials:
        """What logs in here, with the password; `changed` replaces single facts."""
        facts = {"host": "127.0.0.1", "port": self.port, "user": self.user, "password": self.password}
        return SftpCredentials(**{**facts, "host_key": self.host_key, **changed})

    def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._thread.start()
        self._acceptor = self._wait(self._listen())
        self.port = self._acceptor.get_port()

    def stop(self) -> None:
        """Cut everything off."""
        if self._thread.is_alive():
            self._wait(self._close())
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        outer = self

        class Account(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                outer._connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                outer.logins += 1
                return (username, password) == (outer.user, outer.password)

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return bool(username == outer.user and key == outer.client_key.convert_to_public())

        return await asyncssh.create_server(
            Account,
            "127.0.0.1",
            0,
            server_host_keys=[self._key],
            sftp_factory=lambda channel: self.files(channel, self),
        )

    async def _close(self) -> None:
        self._acceptor.close()
        await self._acceptor.wait_closed()
        for connection in self._connections:
            connection.abort()
            await connection.wait_closed()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self._loop.shutdown_default_executor()
        for opened in self._files:  # a cut connection leaves them open
            opened.close()

    def _wait(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(timeout=20)


@contextmanager
def running_sftp(root: Path) -> Iterator[SftpServer]:
    """A started SFTP server over `root`."""
    server = SftpServer(root)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A mail for which the server said 250."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The mail, parsed."""
        return message_from_bytes(self.content, policy=default_policy)


class SmtpServer:
    """A real SMTP server (aiosmtpd) that follows a script and records what it accepted.

    `recipients[address]` answers RCPT: a reply (`"550 5.1.1 unknown"`), or a number of seconds to wait before 250.
    `data` answers DATA, one entry a mail: a reply such as `"451 4.3.0 later"`, `"drop"` (takes the mail, then cuts the
    connection without a reply), `"cut"` (cuts before anything is accepted), or a number of seconds to wait before 250.
    Without entries everything is accepted.
    """

    def __init__(self) -> None:
        self.recipients: dict[str, str | float] = {}
        self.data: list[str | float] = []
        self.accepted: list[Accepted] = []
        self._controller = Controller(self, hostname="127.0.0.1", port=free_port())

    @property
    def url(self) -> str:
        """For ROSTERSYNC_SMTP_URL."""
        return f"smtp://127.0.0.1:{self._controller.port}"

    def start(self) -> None:
        """Listen on a free port of the loopback interface."""
        self._controller.start()

    def forget(self) -> None:
        """No script, nothing accepted."""
        self.recipients, self.data, self.accepted = {}, [], []

    def stop(self) -> None:
        """Stop listening."""
        self._controller.stop(no_assert=True)

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: Any) -> str:  # noqa: N802 - aiosmtpd's name
        answer = self.recipients.get(address, "250 OK")
        if not isinstance(answer, str):
            await asyncio.sleep(answer)
            answer = "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        turn = self.data.pop(0) if self.data else 0.0
        if isinstance(turn, str) and turn not in ("drop", "cut"):
            return turn
        if turn != "cut":
            content = bytes(envelope.original_content or b"")
            recipients = tuple(envelope.rcpt_tos)
            self.accepted.append(Accepted(sender=envelope.mail_from or "", recipients=recipients, content=content))
        if isinstance(turn, str):
            server.transport.abort()
            return "421 closing"
        await asyncio.sleep(turn)
        return "250 OK"


@contextmanager
def running_smtp() -> Iterator[SmtpServer]:
    """A started SMTP server."""
    server = SmtpServer()
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

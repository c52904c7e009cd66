"""Airflow on this machine: api-server, scheduler and dag-processor on the embedded PostgreSQL. Loopback only.

`python -m rostersync.stack up [--port N] | down | status`. All it makes is below `.rostersync/airflow`: generated
secrets and password (readable by you alone), logs, and one pid file per process. `airflow standalone` is not
used: ended from outside, it leaves its children behind.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rostersync import airflow_api, database, embedded, sessions
from rostersync.errors import ConfigurationError, RosterSyncError
from rostersync.settings import PROJECT, from_environment, include_path, state_path

HOST = "127.0.0.1"
PORT = 8080
LOGIN = "admin"
COMPONENTS = {
    "api-server": ("api-server", "--host", HOST, "--port", "{port}", "--workers", "1"),
    # Task logs are read from this disk; the log server would listen on every address of the machine.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
"""Our name → the words after `airflow`."""
PRELOAD = (
    "airflow",
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "rostersync.preloading",
)
"""Imported once, before tasks are forked: Great Expectations takes 3 s, which each task would pay."""
START_SECONDS = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """A running Airflow: its address and login. The password is never logged."""

    port: int
    login: str
    password: str = field(repr=False)

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def api(self) -> airflow_api.Api:
        return airflow_api.Api(f"http://{HOST}:{self.port}", self.login, self.password)


def home() -> Path:
    """Airflow's private folder."""
    folder = state_path("airflow")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def running() -> Stack | None:
    """The stack when all its processes live, else None."""
    if not all(sessions.lives(_pid_file(name)) for name in COMPONENTS):
        return None
    port = json.loads((home() / "port.json").read_text())
    return Stack(port=port, login=LOGIN, password=_secrets()["password"])


def up(port: int = PORT, *, scheduled: bool = True) -> Stack:
    """Start what is needed and wait until it is healthy; the one that runs already is left alone.

    A busy `port` is replaced by a free one. `scheduled=False`: nights start only when asked for.
    Raises ConfigurationError when a process ends or is not healthy in time; nothing is left running then.
    """
    found = running()
    if found is not None:
        return found
    down()
    server = embedded.ensure_running()
    prepare_roster()
    stack = Stack(port=_free_port(port), login=LOGIN, password=_secrets()["password"])
    environment = airflow_environment(server, stack.port, scheduled=scheduled)
    prepare_airflow(server, environment)
    with _stopped_on_failure():
        _start(stack, environment)
        _wait(stack)
    return stack


def down() -> bool:
    """Stop all processes of the stack, their children too; False when none ran. The database goes on."""
    return any([sessions.stop(_pid_file(name)) for name in reversed(COMPONENTS)])


def prepare_roster() -> None:
    """The roster's schema, at its newest."""
    owner = database.owner_engine(from_environment())
    try:
        database.upgrade(owner)
    finally:
        owner.dispose()


def prepare_airflow(server: embedded.Server, environment: Mapping[str, str]) -> None:
    """Airflow's schema and the pools; nothing when they are there (each call of `airflow` costs seconds)."""
    import importlib.metadata

    pools = include_path("pools.json")
    wanted = {"airflow": importlib.metadata.version("apache-airflow"), "pools": json.loads(pools.read_text())}
    note = home() / "prepared.json"
    if note.exists() and json.loads(note.read_text()) == wanted and _has_pools(server, wanted["pools"]):
        return
    run_airflow(environment, "db", "migrate")
    run_airflow(environment, "pools", "import", str(pools))
    note.write_text(json.dumps(wanted))


def _has_pools(server: embedded.Server, pools: Mapping[str, Any]) -> bool:
    """Whether the database still is the one that was prepared."""
    from sqlalchemy import select, table, text
    from sqlalchemy.sql import column

    engine = database.engine(server.airflow_url)
    try:
        with engine.connect() as conn:
            if conn.execute(text("SELECT to_regclass('slot_pool')")).scalar() is None:
                return False
            return set(pools) <= set(conn.scalars(select(column("pool")).select_from(table("slot_pool"))))
    finally:
        engine.dispose()


def run_airflow(environment: Mapping[str, str], *words: str) -> None:
    """One `airflow` command. Raises ConfigurationError with the end of what it said."""
    done = subprocess.run(  # noqa: S603 - our own words, no shell
        [sys.executable, "-m", "airflow", *words],
        env=dict(environment),
        cwd=home(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ConfigurationError(f"airflow {' '.join(words[:2])} failed: {(done.stderr or done.stdout)[-2000:]}")


def airflow_environment(server: embedded.Server, port: int, *, scheduled: bool = True) -> dict[str, str]:
    """The environment of every Airflow process; starts from ours."""
    own = _secrets()
    options = {
        "CORE__EXECUTOR": "LocalExecutor",
        "CORE__PARALLELISM": str(max(2, 2 * (os.cpu_count() or 1))),
        "CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "CORE__PLUGINS_FOLDER": str(PROJECT / "plugins"),
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__MAX_MAP_LENGTH": "4096",
        "CORE__FERNET_KEY": own["fernet_key"],
        "CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home() / "passwords.json"),
        "CORE__MP_FORKSERVER_PRELOAD": ",".join(PRELOAD),
        "SCHEDULER__MP_START_METHOD": "forkserver",
        "SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "SCHEDULER__USE_JOB_SCHEDULE": str(scheduled),
        "WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "DATABASE__SQL_ALCHEMY_CONN": server.airflow_url,
        # Airflow would derive asyncpg from the other one, which nobody needs otherwise.
        "DATABASE__SQL_ALCHEMY_CONN_ASYNC": server.airflow_url,
        "API__BASE_URL": f"http://localhost:{port}",
        "API__SECRET_KEY": own["api_secret_key"],
        "API_AUTH__JWT_SECRET": own["jwt_secret"],
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
    # Without bytecode every process would compile all of Airflow again.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"AIRFLOW_HOME": str(home())} | {f"AIRFLOW__{name}": value for name, value in options.items()}


def _secrets() -> dict[str, str]:
    """Made once, readable by us alone; the password also in the form that Airflow reads."""
    path = home() / "secrets.json"
    if not path.exists():
        made = {name: secrets.token_urlsafe(32) for name in ("jwt_secret", "api_secret_key")}
        made["password"] = secrets.token_urlsafe(12)
        made["fernet_key"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        _write_private(home() / "passwords.json", json.dumps({LOGIN: made["password"]}))
        _write_private(path, json.dumps(made))
    found: dict[str, str] = json.loads(path.read_text())
    return found


def _write_private(path: Path, content: str) -> None:
    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    part.write_text(content)
    part.replace(path)


def _start(stack: Stack, environment: Mapping[str, str]) -> None:
    (home() / "port.json").write_text(json.dumps(stack.port))
    (home() / "logs").mkdir(exist_ok=True)
    for name, words in COMPONENTS.items():
        command = [sys.executable, "-m", "airflow", *(word.format(port=stack.port) for word in words)]
        sessions.start(_pid_file(name), command, environment, log=_log_file(name))


def _wait(stack: Stack) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not stack.api.healthy():
        for name in COMPONENTS:
            if not sessions.lives(_pid_file(name)):
                raise ConfigurationError(f"The {name} ended while starting.", hint=f"Read {_log_file(name)}.")
        if time.monotonic() > deadline:
            raise ConfigurationError("Airflow is not healthy in time.", hint=f"Read the logs in {home() / 'logs'}.")
        time.sleep(0.25)


@contextmanager
def _stopped_on_failure() -> Iterator[None]:
    """Also on Ctrl-C: a half-started stack would keep ports and answer with errors."""
    try:
        yield
    except BaseException:
        down()
        raise


def _pid_file(name: str) -> Path:
    return home() / f"{name}.pid"


def _log_file(name: str) -> Path:
    return home() / "logs" / f"{name}.log"


def _free_port(wanted: int) -> int:
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            free: int = probe.getsockname()[1]
            return free
    raise ConfigurationError(f"No port is free on {HOST}.")


def main(arguments: list[str] | None = None) -> int:
    """What `make up` and `make down` run."""
    parser = argparse.ArgumentParser(prog="python -m rostersync.stack", description=__doc__.splitlines()[0])
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
    return _facts(up(port))


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

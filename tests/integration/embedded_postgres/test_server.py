"""The embedded PostgreSQL: private, loopback only, and hard to confuse."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from rostersync.embedded_postgres import programs
from rostersync.embedded_postgres import server as embedded
from rostersync.settings import PROJECT


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The state folder of a server that is removed afterwards."""
    yield tmp_path / "postgres"
    embedded.remove(tmp_path / "postgres")


def _ask(url: str, query: str) -> object:
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        row = connection.execute(query).fetchone()  # type: ignore[call-overload]  # fixed words of these tests
    return row[0] if row else None


def _pid(server: embedded.Server) -> int:
    return int((server.home / "data" / "postmaster.pid").read_text().splitlines()[0])


def test_two_processes_find_the_same_running_server(folder: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        servers = list(pool.map(lambda _: embedded.ensure_running(folder, durable=False), range(4)))
    assert {server.port for server in servers} == {servers[0].port}
    assert _ask(servers[0].url, "SELECT current_user || current_setting('timezone')") == "roster_syncUTC"
    assert _ask(servers[0].airflow_url, "SELECT current_database() || current_user") == "airflowairflow"


def test_only_the_owner_may_read_data_and_passwords(postgres: embedded.Server) -> None:
    assert (postgres.home / "data").stat().st_mode & 0o777 == 0o700
    assert (postgres.home / "server.json").stat().st_mode & 0o777 == 0o600
    assert not (postgres.home / "fresh-password").exists()
    assert not any(password in repr(postgres) for password in postgres.passwords.values())


def test_the_server_listens_on_loopback_only_and_wants_a_password(postgres: embedded.Server) -> None:
    assert _ask(postgres.admin_url, "SHOW listen_addresses") == "127.0.0.1"
    assert _ask(postgres.admin_url, "SHOW unix_socket_directories") == ""
    wrong = postgres.url.replace(postgres.passwords["roster_sync"], "wrong")
    with pytest.raises(psycopg.OperationalError):
        _ask(wrong, "SELECT 1")


def test_the_tasks_role_is_no_superuser_and_bypasses_nothing(postgres: embedded.Server) -> None:
    query = "SELECT rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert _ask(postgres.url, query) is False
    assert _ask(postgres.owner_url, query) is False


def test_the_servers_log_holds_no_cells(folder: Path) -> None:
    server = embedded.ensure_running(folder, durable=False)
    with psycopg.connect(server.owner_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES ('Canary-7')")
        with pytest.raises(psycopg.errors.UniqueViolation), connection.transaction():
            connection.execute("INSERT INTO people VALUES (%s)", ["Canary-7"])
        with pytest.raises(psycopg.errors.InvalidTextRepresentation), connection.transaction():
            connection.execute("SELECT 'Canary-7'::int")
    embedded.stop(folder)
    assert "Canary" not in (server.home / "data" / "server.log").read_text()


def test_data_and_passwords_outlive_a_stop(folder: Path) -> None:
    before = embedded.ensure_running(folder, durable=False)
    with psycopg.connect(before.owner_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    assert embedded.stop(folder) is True
    assert embedded.stop(folder) is False
    after = embedded.ensure_running(folder)
    assert after == before
    assert _ask(after.owner_url, "SELECT one FROM kept") == 1


def test_a_killed_server_starts_again(folder: Path) -> None:
    before = embedded.ensure_running(folder, durable=False)
    os.kill(_pid(before), signal.SIGKILL)
    _wait_until_port_is_free(before.port)
    assert _ask(embedded.ensure_running(folder).url, "SELECT 1") == 1


def test_a_stale_pid_that_another_program_has_got_is_no_obstacle(folder: Path) -> None:
    server = embedded.ensure_running(folder, durable=False)
    noted = (server.home / "data" / "postmaster.pid").read_text().splitlines()
    embedded.stop(folder)
    (server.home / "data" / "postmaster.pid").write_text("\n".join([str(os.getpid()), *noted[1:]]) + "\n")
    assert embedded.stop(folder) is False
    assert _ask(embedded.ensure_running(folder).url, "SELECT 1") == 1


def test_a_port_taken_meanwhile_is_replaced(folder: Path) -> None:
    before = embedded.ensure_running(folder, durable=False)
    embedded.stop(folder)
    with socket.create_server(("127.0.0.1", before.port)):
        after = embedded.ensure_running(folder)
        assert after.port != before.port
        assert _ask(after.url, "SELECT 1") == 1


def test_a_start_that_was_cut_off_is_finished_by_the_next(folder: Path) -> None:
    server = embedded.ensure_running(folder, durable=False)
    stored = json.loads((server.home / "server.json").read_text())
    (server.home / "server.json").write_text(json.dumps({"passwords": stored["passwords"]}))
    again = embedded.ensure_running(folder)
    assert again.port == server.port
    assert json.loads((server.home / "server.json").read_text())["ready"] is True


def test_an_initdb_that_was_cut_off_is_begun_again(folder: Path) -> None:
    home = programs.home_of(folder)
    programs.make_home(home)
    (home / "fresh").mkdir()
    (home / "fresh" / "PG_VERSION").write_text("18")
    assert _ask(embedded.ensure_running(folder, durable=False).url, "SELECT 1") == 1


def _wait_until_port_is_free(port: int) -> None:
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return
        time.sleep(0.05)


AS_ANOTHER = """
import encodings.idna, os, pwd, sys
from pathlib import Path
import psycopg
from rostersync.embedded_postgres import programs as embedded_programs
from rostersync.embedded_postgres import server as embedded
if os.geteuid() == 0:  # everything is imported: from here on an ordinary account, which may not see this environment
    account = pwd.getpwnam("nobody")
    readable = embedded_programs._binaries().parents[1]  # root's copy
    package = Path(sys.argv[1]).parents[1] / "packages" / readable.name
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / embedded_programs.INSTALLATION).symlink_to(readable / embedded_programs.INSTALLATION)
    sys.path.insert(0, str(package.parent))
    os.setgroups([]); os.setgid(account.pw_gid); os.setuid(account.pw_uid)
folder = Path(sys.argv[1])
server = embedded.ensure_running(folder, durable=False)
with psycopg.connect(server.url.replace("+psycopg", "")) as connection:
    who = connection.execute("SELECT current_user").fetchone()[0]
print(who, server.home == folder, oct(folder.stat().st_mode)[-3:])
embedded.remove(folder)
"""


def test_an_ordinary_users_server_is_wholly_below_the_folder() -> None:
    with tempfile.TemporaryDirectory() as made:
        if os.geteuid() == 0:
            shutil.chown(made, "nobody")
        command = [sys.executable, "-c", AS_ANOTHER, str(Path(made) / "state" / "postgres")]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == ["roster_sync", "True", "700"], done.stderr

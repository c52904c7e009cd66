"""What Airflow needs before it can start on this machine: secrets, environment, its database and the pools."""

from __future__ import annotations

import base64
import importlib.metadata
import json
import os
import secrets
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from rostersync import database
from rostersync.embedded_postgres import server as embedded
from rostersync.exceptions import ConfigurationError
from rostersync.settings import PROJECT, from_environment, include_path, private_folder, state_path

HOST = "127.0.0.1"
LOGIN = "admin"
PRELOAD = (
    "airflow",
    "airflow.executors.local_executor",
    "airflow.sdk.execution_time.supervisor",
    "airflow.sdk.execution_time.task_runner",
    "airflow.dag_processing.dagbag",
    "rostersync.airflow_bridge.tasks",
    "rostersync.airflow_bridge.preload",
)
"""Imported once, before tasks are forked: Great Expectations takes 3 s, which each task would pay."""


def home() -> Path:
    """Airflow's private folder."""
    return private_folder(state_path("airflow"))


def prepare_roster() -> None:
    """The roster's schema, at its newest."""
    owner = database.owner_engine(from_environment())
    try:
        database.upgrade_schema(owner)
    finally:
        owner.dispose()


def prepare_airflow(server: embedded.Server, environment: Mapping[str, str]) -> None:
    """Airflow's schema; nothing when it is there (each call of `airflow` costs seconds)."""
    version = importlib.metadata.version("apache-airflow")
    note = home() / "migrated"
    if note.exists() and note.read_text() == version and _is_migrated(server):
        return
    run_airflow(environment, "db", "migrate")
    note.write_text(version)


def _is_migrated(server: embedded.Server) -> bool:
    """Whether the database still is the one that was noted."""
    engine = database.engine(server.airflow_url)
    try:
        with database.transaction(engine, None) as conn:
            return conn.execute(text("SELECT to_regclass('slot_pool')")).scalar() is not None
    finally:
        engine.dispose()


def pools() -> dict[str, dict[str, Any]]:
    """The pools of include/pools.json: name → slots, description, include_deferred."""
    found: dict[str, dict[str, Any]] = json.loads(include_path("pools.json").read_text())
    return found


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
    own = own_secrets()
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
        "API__BASE_URL": f"http://{HOST}:{port}",
        "API__SECRET_KEY": own["api_secret_key"],
        "API_AUTH__JWT_SECRET": own["jwt_secret"],
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW__")}
    # Without bytecode every process would compile all of Airflow again.
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"AIRFLOW_HOME": str(home())} | {f"AIRFLOW__{name}": value for name, value in options.items()}


def own_secrets() -> dict[str, str]:
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

"""docker-compose.yaml, as far as it can be checked without a container engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from rostersync.embedded_postgres.roles import DATABASES, FORBID_LARGE_OBJECTS, LOGINS, ROLES
from rostersync.embedded_postgres.server import Server
from rostersync.local import airflow as local_airflow
from rostersync.local import airflow_environment, compose_settings
from rostersync.settings import PROJECT

COMPOSE = PROJECT / "docker-compose.yaml"
EXAMPLE = PROJECT / "include" / "compose" / "env.example"
IN_IMAGE = "/opt/rostersync/"
AIRFLOW = ("api-server", "scheduler", "dag-processor", "triggerer", "worker")
SERVICE_KEYS = {
    "build",
    "command",
    "depends_on",
    "deploy",
    "environment",
    "healthcheck",
    "image",
    "init",
    "ports",
    "profiles",
    "restart",
    "volumes",
}
HEALTH_KEYS = {"test", "interval", "timeout", "retries", "start_period"}
CONDITIONS = {"service_healthy", "service_completed_successfully"}
SECRET = re.compile(r"(PASSWORD|SECRET|KEY)$")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


@pytest.fixture(scope="module")
def environment(postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the stack of this machine gives Airflow."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROSTERSYNC_STATE", str(tmp_path_factory.mktemp("state")))
        return airflow_environment.airflow_environment(postgres, 8080)


def asked() -> dict[str, str]:
    """Variable → what follows its name: `:?message`, `:-default` or nothing."""
    found = re.findall(r"(?<!\$)\$\{([A-Z_]+)(:?[?-][^}]*)?\}", COMPOSE.read_text())
    return dict(found)


def offered() -> set[str]:
    """Every variable of the example, those in comments too."""
    return set(re.findall(r"^(?:# )?([A-Z_]+)=", EXAMPLE.read_text(), flags=re.MULTILINE))


def test_only_known_keys_are_used(compose: dict[str, Any]) -> None:
    assert {key for key in compose if not key.startswith("x-")} == {"services", "volumes"}
    for service in compose["services"].values():
        assert set(service) <= SERVICE_KEYS
        assert set(service.get("healthcheck", {})) <= HEALTH_KEYS
        for needed in service.get("depends_on", {}).values():
            assert needed["condition"] in CONDITIONS


def test_every_service_that_stays_has_a_health_check(compose: dict[str, Any]) -> None:
    without = {name for name, service in compose["services"].items() if "healthcheck" not in service}
    assert without == {"prepare"}


def test_every_service_waited_for_exists_and_can_answer(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for service in services.values():
        for name, needed in service.get("depends_on", {}).items():
            assert needed["condition"] != "service_healthy" or "healthcheck" in services[name]


def test_celery_and_its_broker_start_only_with_their_profile(compose: dict[str, Any]) -> None:
    with_profile = {name for name, service in compose["services"].items() if service.get("profiles")}
    assert with_profile == {"worker", "valkey"}


def test_postgresql_is_version_18_and_keeps_its_data_where_18_wants_it(compose: dict[str, Any]) -> None:
    postgres = compose["services"]["postgres"]
    assert postgres["image"] == "postgres:18"
    assert "postgres:/var/lib/postgresql" in postgres["volumes"]


def test_every_port_is_open_on_this_machine_only(compose: dict[str, Any]) -> None:
    ports = [port for service in compose["services"].values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_every_volume_is_declared_or_a_path_of_the_project(compose: dict[str, Any]) -> None:
    used = [volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", ())]
    folders = {name for name in used if name.startswith(".")}
    assert set(used) - folders == set(compose["volumes"])
    assert all((PROJECT / name).exists() for name in folders)


def test_every_path_of_the_image_that_is_named_is_in_the_project() -> None:
    named = re.findall(rf"{IN_IMAGE}([\w./-]+)", COMPOSE.read_text() + (PROJECT / "Dockerfile").read_text())
    assert named
    assert [path for path in named if not (PROJECT / path).exists()] == []


def test_the_dockerfile_copies_what_is_there() -> None:
    copied = [
        line.split()[1:-1] for line in (PROJECT / "Dockerfile").read_text().splitlines() if line.startswith("COPY")
    ]
    names = [name for words in copied for name in words]
    assert names
    # The README is written last; the package's description names it.
    assert [name for name in names if not (PROJECT / name).exists()] == []


def test_every_variable_is_in_the_example_and_the_example_offers_no_other() -> None:
    assert set(asked()) == offered()


def test_no_secret_has_a_default() -> None:
    secrets = {name: rest for name, rest in asked().items() if SECRET.search(name) and name != "SFTP_HOST_KEY"}
    assert secrets
    assert all(rest.startswith(":?") for rest in secrets.values())
    empty = set(re.findall(r"^([A-Z_]+)=$", EXAMPLE.read_text(), flags=re.MULTILINE))
    assert empty == set(secrets)


def test_the_settings_file_gets_fresh_secrets_that_fit_into_a_url() -> None:
    first, second = (compose_settings.settings(EXAMPLE.read_text()) for _ in range(2))
    made, other = (dict(re.findall(r"^([A-Z_]+)=(.*)$", text, flags=re.MULTILINE)) for text in (first, second))
    for name in (name for name in made if SECRET.search(name)):
        assert made[name] != other[name]
        assert re.fullmatch(r"[0-9a-f]{48}" if "FERNET" not in name else r"[\w-]{43}=", made[name])
    assert made["AIRFLOW_PORT"] == "8080"


def test_the_settings_file_is_made_where_nothing_is_installed() -> None:
    command = [sys.executable, "-S", "-m", "rostersync.local.compose_settings"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "POSTGRES_PASSWORD=" in done.stdout


def test_airflow_is_started_by_the_same_words_as_on_this_machine(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, words in local_airflow.COMPONENTS.items():
        local = [word.format(port=8080) for word in words]
        # A container must listen on its own network; the port is published on loopback.
        assert services[name]["command"] == [
            "airflow",
            *("0.0.0.0" if word == local_airflow.HOST else word for word in local),
        ]


def test_airflow_gets_the_same_options_as_on_this_machine(compose: dict[str, Any], environment: dict[str, str]) -> None:
    places = {"DAGS_FOLDER", "PLUGINS_FOLDER", "PASSWORDS_FILE", "URL", "CONN", "CONN_ASYNC", "KEY", "SECRET"}
    given = compose["x-airflow"]["environment"]
    image = (PROJECT / "Dockerfile").read_text()
    own = {name: value for name, value in environment.items() if name.startswith("AIRFLOW__")}
    # USE_JOB_SCHEDULE is off only for demonstrations; PARALLELISM and EXECUTOR are choices of the settings file.
    chosen = {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE", "AIRFLOW__CORE__PARALLELISM", "AIRFLOW__CORE__EXECUTOR"}
    for name, value in own.items():
        if name in chosen:
            continue
        assert name in given or f"{name}=" in image
        if not any(name.endswith(place) for place in places):
            assert given[name] == value


def test_the_health_checks_run_a_module_that_is_there(compose: dict[str, Any]) -> None:
    for name in ("api-server", "scheduler", "dag-processor", "triggerer"):
        words = compose["services"][name]["healthcheck"]["test"]
        assert words[:4] == ["CMD", "python", "-m", "rostersync.local.airflow_api"]
        done = subprocess.run([sys.executable, *words[2:4], "http://127.0.0.1:1", words[-1]], check=False)
        assert done.returncode == 1


@pytest.mark.parametrize("script", sorted((PROJECT / "include" / "compose").glob("*.sh")), ids=lambda path: path.name)
def test_scripts_are_sound_shell_and_can_be_run(script: Path) -> None:
    shell = script.read_text().splitlines()[0].removeprefix("#!")
    subprocess.run([shell, "-n", str(script)], check=True)
    assert os.access(script, os.X_OK)


def test_the_databases_and_roles_are_those_of_the_embedded_server() -> None:
    script = (PROJECT / "include" / "compose" / "databases.sh").read_text()
    roles = dict(re.findall(r"^CREATE ROLE (\w+) (.*?)(?: PASSWORD .*)?;$", script, flags=re.MULTILINE))
    assert roles == dict.fromkeys(LOGINS, "LOGIN") | {name: f"NOLOGIN {more}".strip() for name, more in ROLES.items()}
    assert dict(re.findall(r"^CREATE DATABASE (\w+) OWNER (\w+);$", script, flags=re.MULTILINE)) == DATABASES
    assert script.count(f"\\connect roster\n{FORBID_LARGE_OBJECTS};\n") == 1


def test_the_log_of_the_database_holds_no_personal_data_as_on_the_embedded_server(compose: dict[str, Any]) -> None:
    options = dict(word[2:].split("=") for word in compose["services"]["postgres"]["command"] if word.startswith("-c"))
    assert options["log_min_error_statement"] == "panic"
    assert options["log_error_verbosity"] == "terse"
    assert options["log_parameter_max_length_on_error"] == "0"


def test_celery_preloads_great_expectations_like_the_local_executor(compose: dict[str, Any]) -> None:
    given = compose["x-airflow"]["environment"]
    assert json.loads(given["AIRFLOW__CELERY__EXTRA_CELERY_CONFIG"]) == {"imports": [airflow_environment.PRELOAD[-1]]}

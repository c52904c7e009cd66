"""The commands of docker-compose.yaml, run with exactly the files and variables that their containers would have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from rostersync import settings
from rostersync.embedded_postgres.server import Server
from rostersync.local import compose_settings, inbox_folders
from rostersync.settings import PROJECT
from tests.support.image_files import (
    COMPOSE,
    HOME,
    OURS,
    account_folders,
    clean_environment,
    environment_of,
    lay_out,
)
from tests.support.servers import create_database, drop_database, fresh_database

PATH_IN_IMAGE = re.compile(rf"{HOME}/([\w./-]+)")


def words_of(service: str) -> list[str]:
    """The command and the health check."""
    known = COMPOSE["services"][service]
    return [*known["command"], *known.get("healthcheck", {}).get("test", ())]


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return lay_out(tmp_path_factory.mktemp("image"))


@pytest.mark.parametrize("service", OURS)
def test_every_path_that_a_service_names_is_in_the_image(image: Path, service: str) -> None:
    given = [*words_of(service), *environment_of(service, _Everything()).values()]
    named = [path for text in given for path in PATH_IN_IMAGE.findall(text)]
    assert [path for path in named if not (image / path).exists()] == []


@pytest.mark.parametrize("service", OURS)
def test_every_module_that_a_service_runs_is_in_the_image(image: Path, service: str) -> None:
    words = words_of(service)
    modules = [after for before, after in pairwise(words) if before == "-m"]
    assert [name for name in modules if not (image / f"{name.replace('.', '/')}.py").is_file()] == []


def test_the_scripts_name_modules_that_are_in_the_image(image: Path) -> None:
    for script in (image / "include" / "compose").glob("*.sh"):
        for name in re.findall(r"python -m ([\w.]+)", script.read_text()):
            assert (image / f"{name.replace('.', '/')}.py").is_file(), name


@pytest.mark.parametrize("service", OURS)
def test_every_folder_on_a_volume_belongs_to_the_account(service: str) -> None:
    """A named volume takes owner and mode from the image's folder; what the image has not made is root's."""
    mounts = [volume.split(":") for volume in COMPOSE["services"][service]["volumes"]]
    assert {target for source, target, *_ in mounts if not source.startswith(".")} == account_folders()


def test_the_upload_folder_is_made_by_the_sftp_image_itself() -> None:
    """It gives the district what it makes itself, and leaves alone what a volume brought: that is root's."""
    sftp = COMPOSE["services"]["sftp"]
    user, _, _, _, folders = sftp["environment"]["SFTP_USERS"].replace(":?see .env", "").split(":")
    targets = [volume.split(":")[1] for volume in sftp["volumes"]]
    assert f"/home/{user}" in targets
    assert [target for target in targets if target in {f"/home/{user}/{name}" for name in folders.split(",")}] == []


def test_everything_that_is_given_is_known_to_the_settings() -> None:
    program = "".join(path.read_text() for path in (PROJECT / "rostersync").rglob("*.py"))
    known = set(re.findall(r"\bROSTERSYNC_[A-Z_]+\b", program)) | {f"ROSTERSYNC{short}" for short in _short_names()}
    given = {name for service in OURS for name in environment_of(service, _Everything()) if name.startswith("ROSTER")}
    assert given - known - {"ROSTERSYNC_SFTP_DEMO"} == set()


def _short_names() -> list[str]:
    """`from_environment` lists them in its docstring."""
    return re.findall(r"_[A-Z_]+", settings.from_environment.__doc__ or "")


class _Everything(dict[str, str]):
    """A value for each setting."""

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # always one
        return "given"

    def __getitem__(self, name: str) -> str:
        return "given"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A service's files, variables and programs."""

    folder: Path
    environment: dict[str, str]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=280
        )


@pytest.fixture(scope="module")
def prepare(image: Path, postgres: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The service `prepare`; its databases are the embedded server's, its folders are below a temporary one."""
    state = tmp_path_factory.mktemp("volumes")
    chosen = dict(re.findall(r"^([A-Z_]+)=(.*)$", compose_settings.settings(_example()), re.M))
    create_database(postgres, "image_airflow")
    with fresh_database(postgres, template="template0") as made:
        urls = {
            "airflow:": f"postgresql+psycopg://postgres:{postgres.passwords['postgres']}@127.0.0.1:{postgres.port}/image_airflow",
            **{
                f"{role}:": postgres.url_of(role, made.name)
                for role in postgres.passwords
                if role.startswith("roster_")
            },
        }
        given = {name: _moved(value, image, state, urls) for name, value in environment_of("prepare", chosen).items()}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = clean_environment() | given | {"PATH": path, "PYTHONPATH": str(image)}
        (state / "opt-airflow").mkdir(mode=0o700)
        yield Container(folder=image, environment=environment)
    drop_database(postgres, "image_airflow")


def _example() -> str:
    return (PROJECT / "include" / "compose" / "env.example").read_text()


def _moved(value: str, image: Path, state: Path, urls: dict[str, str]) -> str:
    """The same place here: the server `postgres`, the image's folder, and both volumes."""
    for login, url in urls.items():
        if f"//{login}" in value and "@postgres:5432/" in value:
            return value.split("postgresql", 1)[0] + url
    moved = value.replace(HOME, str(image)).replace("/opt/airflow", str(state / "opt-airflow"))
    return moved.replace("/var/lib/rostersync", str(state / "rostersync"))


def test_a_new_installation_is_fit_for_its_first_night_and_has_something_to_try(prepare: Container) -> None:
    script = prepare.environment["AIRFLOW__CORE__DAGS_FOLDER"].replace("dags", "include/compose/prepare.sh")
    for _again in range(2):
        done = prepare.run("sh", script)
        assert done.returncode == 0, done.stderr[-3000:]
    doctor = prepare.run("rostersync", "doctor")
    assert doctor.returncode == 0, doctor.stdout
    assert "is not there" not in doctor.stdout
    assert prepare.run("rostersync", "sync", "--district", "birchmere").returncode == 0
    assert prepare.run("rostersync", "sample").returncode == 0
    assert prepare.run("rostersync", "sync", "--dry-run").returncode == 2


@pytest.mark.parametrize("service", [name for name in OURS if name not in ("prepare", "worker")])
def test_a_health_check_says_no_while_nothing_listens(prepare: Container, service: str) -> None:
    kind, *words = COMPOSE["services"][service]["healthcheck"]["test"]
    done = prepare.run(*("http://127.0.0.1:1" if word.startswith("http:") else word for word in words))
    assert (kind, done.returncode, done.stderr) == ("CMD", 1, "")


def test_pages_that_a_failure_names_can_be_read_in_the_image(image: Path, prepare: Container) -> None:
    told = prepare.run("rostersync", "check", "nowhere.csv").stderr
    [page] = re.findall(r"See (\S+\.md)", told)
    assert (image / page).is_file()


def test_only_missing_inboxes_below_the_state_folder_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    include, elsewhere = tmp_path / "include", tmp_path / "mounted"
    shutil.copytree(PROJECT / "include", include, ignore=shutil.ignore_patterns("districts"))
    (include / "districts").mkdir()
    for code, source in {
        "ash": "file: ash",
        "birch": f"file: {elsewhere}",
        "cedar": "sftp: demo",
        "elm": "file: ../../elm",
        "fir": "file: fir/drop",
    }.items():
        text = f"code: {code}\nname: {code}\nstate: NY\ntimezone: America/New_York\nsource:\n  {source}\n"
        (include / "districts" / f"{code}.yaml").write_text(text)
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(include))
    monkeypatch.setenv("ROSTERSYNC_STATE", str(tmp_path / "state"))
    inbox = tmp_path / "state" / "inbox"
    assert sorted(inbox_folders.make_inboxes()) == [inbox / "ash", inbox / "fir" / "drop"]
    assert inbox_folders.make_inboxes() == []
    assert not elsewhere.exists()

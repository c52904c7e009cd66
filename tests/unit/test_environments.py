"""Two environments: what the program needs to run, and the tools of those who work on it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from rostersync.settings import PROJECT

USERS = ("setup", "demo", "up", "down")
DEVELOPERS = (
    *("setup-dev", "test", "properties", "faults", "check", "house", "format"),
    *("generate", "goldens", "bench", "fuzz", "lock", "audit", "sbom"),
)
PROGRAM = ("rostersync", "dags", "plugins", "include/migrations")


def lines_of(target: str, *variables: str) -> str:
    """What `make` would run for a target."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VENV", "MAKEFLAGS", "MAKELEVEL")}
    command = ["make", "--dry-run", "--no-print-directory", target, *variables]
    return subprocess.run(
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout


def used(text: str) -> set[str]:
    """The environments whose programs are called."""
    return set(re.findall(r"(\S*venv[\w-]*)/bin", text))


@pytest.mark.parametrize("target", USERS)
def test_a_users_target_touches_the_users_environment_only(target: str) -> None:
    text = lines_of(target)
    assert used(text) <= {".venv"}
    assert "setup.sh dev" not in text
    assert "setup.sh" in text


@pytest.mark.parametrize("target", DEVELOPERS)
def test_a_developers_target_makes_and_uses_the_developers_environment(target: str) -> None:
    text = lines_of(target)
    assert used(text) <= {".venv-dev"}
    assert "scripts/setup.sh dev" in text.splitlines()[0]


def test_every_target_that_needs_an_environment_is_judged_here() -> None:
    names = re.findall(r"^([a-z-]+):.*## ", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE)
    assert set(names) - {"help", "clean"} == {*USERS, *DEVELOPERS}


@pytest.mark.parametrize("target", ["demo", "check", "setup", "sbom"])
def test_another_folder_may_be_named(target: str) -> None:
    text = lines_of(target, "VENV=/elsewhere/venv-of-mine")
    assert used(text) <= {"/elsewhere/venv-of-mine"}
    assert 'VENV="/elsewhere/venv-of-mine" sh scripts/setup.sh' in text


def locked(name: str) -> set[str]:
    """The packages of a lock file, by their normalized names."""
    text = (PROJECT / name).read_text()
    return {_normal(found) for found in re.findall(r"^([\w.-]+)(?:\[[^\]]*\])?==", text, flags=re.MULTILINE)}


def test_the_users_lock_holds_no_tool_of_a_developer() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    tools = {_normal(re.match(r"[\w.-]+", wanted)[0]) for wanted in project["optional-dependencies"]["dev"]}  # type: ignore[index]  # each names a package
    # Airflow brings these two itself.
    assert tools & locked("requirements.txt") <= {"httpx", "asyncssh"}
    assert locked("requirements.txt") < locked("requirements-dev.txt")


def test_the_program_imports_what_the_users_lock_holds_and_nothing_else() -> None:
    providers = metadata.packages_distributions()
    own = {"rostersync", "dags", "plugins", *sys.stdlib_module_names}
    wanted = {name for folder in PROGRAM for path in _modules(folder) for name in _imports(path)} - own
    assert "pandas" in wanted
    missing = {
        name for name in wanted if not {_normal(found) for found in providers[name]} & locked("requirements.txt")
    }
    assert missing == set()


def _modules(folder: str) -> Iterator[Path]:
    yield from sorted((PROJECT / folder).rglob("*.py"))


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

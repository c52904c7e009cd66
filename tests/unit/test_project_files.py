"""Files that an open project has beside its program: each says the same as the program does."""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import Any

import pytest
import yaml

from rostersync.settings import PROJECT

APACHE_2_0 = "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
"""SHA-256 of https://www.apache.org/licenses/LICENSE-2.0.txt."""


def read_yaml(path: str) -> dict[Any, Any]:
    return yaml.safe_load((PROJECT / path).read_text(encoding="utf-8"))


def project() -> dict[str, Any]:
    return tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def workflow() -> dict[str, Any]:
    return read_yaml(".github/workflows/ci.yml")["jobs"]["run"]


def minor_versions() -> list[str]:
    """The Pythons that pyproject.toml supports, oldest first."""
    first, end = re.findall(r"3\.(\d+)", project()["requires-python"])
    return [f"3.{minor}" for minor in range(int(first), int(end))]


def test_the_license_is_whole_and_named_everywhere() -> None:
    assert hashlib.sha256((PROJECT / "LICENSE").read_bytes()).hexdigest() == APACHE_2_0
    assert (project()["license"], project()["license-files"]) == ("Apache-2.0", ["LICENSE"])
    # Building the project without a file that it names fails: in the image, too.
    assert re.search(r"^COPY .*\bLICENSE\b", (PROJECT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_supported_python_runs_both_commands() -> None:
    matrix = workflow()["strategy"]["matrix"]
    assert matrix["python"] == minor_versions()
    assert sorted(matrix["command"]) == [".ci/run", "make check"]


def test_the_workflow_names_the_interpreter_as_the_setup_script_reads_it() -> None:
    *_, last = workflow()["steps"]
    assert list(last["env"]) == ["PYTHON"]
    assert "${PYTHON:-}" in (PROJECT / "scripts" / "setup.sh").read_text(encoding="utf-8")


def test_foreign_actions_are_pinned_and_may_only_read() -> None:
    assert read_yaml(".github/workflows/ci.yml")["permissions"] == {"contents": "read"}
    actions = [step["uses"] for step in workflow()["steps"] if "uses" in step]
    assert actions
    assert all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action) for action in actions)


def test_hooks_are_local_and_check_what_make_check_does() -> None:
    [repository] = read_yaml(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    assert [(hook["entry"], hook["language"]) for hook in repository["hooks"]] == [("make check", "system")]


@pytest.mark.parametrize("page", ["SECURITY.md", "CONTRIBUTING.md", "README.md"])
def test_links_of_a_page_lead_to_files(page: str) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (PROJECT / page).read_text(encoding="utf-8"))
    assert [link for link in links if not (PROJECT / link).exists()] == []


PAGES = [
    "SECURITY.md",
    "CONTRIBUTING.md",
    *(path.relative_to(PROJECT).as_posix() for path in PROJECT.glob("docs/decisions/*.md")),
]
FOLDERS = "rostersync|tests|scripts|include|docs|dags|plugins"


@pytest.mark.parametrize("page", PAGES)
def test_files_and_modules_that_a_page_names_are_there(page: str) -> None:
    """`rostersync/a/b.py` and `rostersync.a.b`; not the database's setting `rostersync.district`."""
    text = (PROJECT / page).read_text(encoding="utf-8")
    paths = re.findall(rf"`((?:{FOLDERS})/[\w/.-]*)`", text)
    modules = set(re.findall(r"`(rostersync(?:\.\w+)+)`", text)) - {"rostersync.district"}
    assert [path for path in paths if not (PROJECT / path).exists()] == []
    assert [module for module in modules if not _is_module(module)] == []


def _is_module(name: str) -> bool:
    path = PROJECT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()

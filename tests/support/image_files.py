"""The image of docker-compose.yaml as files and variables: what its Dockerfile copies, and what a service is given."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from rostersync.settings import PROJECT

DOCKERFILE = (PROJECT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yaml").read_text())
HOME = "/opt/rostersync"
OURS = tuple(name for name, service in COMPOSE["services"].items() if "build" in service)
"""Services that run our image."""


def copied_names() -> list[str]:
    """What the COPY lines name."""
    lines = re.findall(r"^COPY (.+)$", DOCKERFILE, re.M)
    return [name for line in lines for name in line.split()[:-1]]


def lay_out(folder: Path) -> Path:
    """The image's project folder below `folder`: what is copied and not ignored."""
    for name in copied_names():
        source, target = PROJECT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=_ignored(source))
        else:
            shutil.copy2(source, target)
    return folder


def _ignored(_top: Path) -> Callable[[str, list[str]], set[str]]:
    patterns = (PROJECT / ".dockerignore").read_text().split()

    def ignore(folder: str, names: list[str]) -> set[str]:
        within = Path(folder).relative_to(PROJECT)
        return {name for name in names if any(_matches(str(within / name), pattern) for pattern in patterns)}

    return ignore


def _matches(path: str, pattern: str) -> bool:
    """As .dockerignore reads it: from the top, or at any depth behind `**/`."""
    if pattern.startswith("**/"):
        return fnmatch(Path(path).name, pattern.removeprefix("**/"))
    return fnmatch(path, pattern)


def image_environment() -> dict[str, str]:
    """The variables of the Dockerfile's ENV."""
    [block] = re.findall(r"^ENV (.+?[^\\])$", DOCKERFILE, re.M | re.S)
    return dict(re.findall(r"([A-Z_]+)=(\S+)", block))


def environment_of(service: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """What a container of the service finds, with these settings: those of the image, and those of the service."""
    given = COMPOSE["services"][service]["environment"]
    return image_environment() | {name: filled(str(value), chosen) for name, value in given.items()}


def filled(text: str, chosen: Mapping[str, str]) -> str:
    """`${NAME:?…}` and `${NAME:-default}` as compose reads them; `$$` is a dollar."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found[1], found[2], found[3] or ""
        if chosen.get(name):
            return chosen[name]
        assert kind != ":?", name
        return rest

    return re.sub(r"(?<!\$)\$\{([A-Z_]+)(?:(:[?-])([^}]*))?\}", value, text).replace("$$", "$")


def account_folders() -> set[str]:
    """The folders that the Dockerfile makes for the account that runs everything."""
    [account] = re.findall(r"^USER (\w+)$", DOCKERFILE, re.M)
    [words] = re.findall(rf"install --directory --owner {account} --mode 0700 (.+)$", DOCKERFILE, re.M)
    return set(words.split())


def clean_environment() -> dict[str, str]:
    """Ours without anything that a container would not have."""
    ours = ("ROSTERSYNC_", "AIRFLOW", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}

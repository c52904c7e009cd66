"""Waves and their districts, for DAG files: nothing is imported here that would slow parsing down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from rostersync.exceptions import ConfigurationError
from rostersync.settings import include_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wave:
    """A nightly start: `cron` is read in `timezone` (an IANA name)."""

    name: str
    cron: str
    timezone: str


def waves() -> tuple[Wave, ...]:
    """The waves of include/waves.yaml, in its order; the first is the default. Raises ConfigurationError."""
    path = include_path("waves.yaml")
    try:
        found = tuple(Wave(**entry) for entry in yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader))
    except (OSError, yaml.YAMLError, TypeError) as error:
        raise ConfigurationError(f"{path.name}: needs a list of name, cron and timezone.") from error
    if not found or len({wave.name for wave in found}) != len(found):
        raise ConfigurationError(f"{path.name}: needs at least one wave, and each name once.")
    return found


def district_files() -> tuple[Path, ...]:
    """One file per district, named by its code, sorted."""
    return tuple(sorted(include_path("districts").glob("*.yaml")))


def codes_of_wave(wave: str) -> list[str]:
    """Codes of the wave's enabled districts, sorted.

    A file that cannot be read, or names no wave there is, counts to the first wave: its own task then fails and says
    why, and no other district waits for it.
    """
    names = [known.name for known in waves()]
    return [path.stem for path in district_files() if _wave_of(mapping(path), names) == wave]


def _wave_of(raw: Mapping[str, Any], names: list[str]) -> str | None:
    if raw.get("enabled", True) is False:
        return None
    asked = raw.get("wave", names[0])
    return asked if asked in names else names[0]


def mapping(path: Path) -> Mapping[str, Any]:
    """A YAML file's fields; none when it cannot be read or holds something else."""
    try:
        raw = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
    except (OSError, yaml.YAMLError, UnicodeDecodeError):
        return {}
    return raw if isinstance(raw, dict) else {}

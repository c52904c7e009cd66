"""The configuration folder of a sample night: the include folder in use, with the sample's districts, not its own.

Only what an earlier sample wrote is ever replaced or deleted: a note in the folder says which districts those are.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from rostersync.exceptions import ConfigurationError
from rostersync.sample.places import SampleDistrict
from rostersync.settings import include_path

NOTE = ".made-by-rostersync-sample"
"""Names of the district files that were written, a line each."""


def write_include_folder(folder: Path, places: Sequence[SampleDistrict]) -> Path:
    """`folder`/include with these districts, made or made anew; its path.

    Raises ConfigurationError, and changes nothing, where something of somebody else's would have to go.
    """
    include, source = folder / "include", include_path()
    wanted = {f"{place.code}.yaml": _configuration(place) for place in places}
    written = _written_before(include)
    _keep_what_is_others(include, wanted.keys() - written)
    if include.resolve() != source.resolve():
        _copy(source, include)
    _replace(include, written, wanted)
    return include


def _written_before(include: Path) -> set[str]:
    """The district files of the sample before; none when there is no folder yet."""
    note = include / NOTE
    if note.is_file():
        return set(note.read_text(encoding="utf-8").split())
    if include.exists():
        raise ConfigurationError(
            f"{include} is there already, and no sample made it.",
            hint="Move it away, or set ROSTERSYNC_STATE elsewhere.",
        )
    return set()


def _keep_what_is_others(include: Path, new: set[str]) -> None:
    """None of the districts that are `new` may have a file of somebody's own."""
    taken = sorted(name for name in new if (include / "districts" / name).exists())
    if taken:
        raise ConfigurationError(
            f"{include / 'districts' / taken[0]} is none of the sample's files.",
            hint="Move it away, or rename its district.",
        )


def _copy(source: Path, include: Path) -> None:
    """Everything but the districts and the note of another sample."""
    if include.resolve().is_relative_to(source.resolve()):
        raise ConfigurationError(f"{include} would be inside {source}.", hint="Set ROSTERSYNC_STATE to another folder.")
    include.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copytree(source, include, dirs_exist_ok=True, ignore=shutil.ignore_patterns("districts", NOTE))


def _replace(include: Path, written: set[str], wanted: Mapping[str, str]) -> None:
    """The note names old and new files while they change: a sample that was cut off is finished by the next."""
    districts, note = include / "districts", include / NOTE
    districts.mkdir(exist_ok=True)
    note.write_text("\n".join(sorted(written | wanted.keys())) + "\n", encoding="utf-8")
    for name in written - wanted.keys():
        (districts / name).unlink(missing_ok=True)
    for name, text in wanted.items():
        (districts / name).write_text(text, encoding="utf-8")
    note.write_text("\n".join(sorted(wanted)) + "\n", encoding="utf-8")


def _configuration(place: SampleDistrict) -> str:
    """A first delivery of any size is applied: in a sample night nobody is there to approve it."""
    facts = {
        "code": place.code,
        "name": place.name,
        "state": place.state,
        "timezone": place.timezone,
        "source": {"file": place.code},
        "contacts": [{"address": f"roster@{place.domain}", "name": "Roster contact"}],
        "email_domains": [place.domain],
        "holds": {"first_delivery": 10_000_000},
    }
    return yaml.safe_dump(facts, sort_keys=False, allow_unicode=True)

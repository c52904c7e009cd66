"""The samples of the catalogue: a file, what surrounds it, and what must be found in it.

A sample is `<code>.csv` (its bytes) with `<code>.yaml` beside it; further ones of a code are `<code>--<word>`. The YAML
holds `about`, `outcome` and `findings` ([line, column, code, severity], written by hand from the dictionary) and, where
needed, `roster`, `district` (configuration), `now`, `modified`, `earlier` files, `remarks` (why there are others),
`database_refuses`, and `approval` of the held file (`without_held_schools`; records that came to the roster
`meanwhile`). What all have in common is in `seed.yaml`. A new sample is two new files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Connection, insert

from rostersync.configuration import dictionary
from rostersync.database import tables
from rostersync.screening import email_addresses

FOLDER = Path(__file__).parents[1] / "samples"
SEED = "seed"
ENTITIES = ("district", "school", "person", "placement", "class", "enrollment")

Flat = tuple[int | None, str | None, str, str]
Records = Mapping[str, list[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A file that was applied before the sample's."""

    file: str
    modified: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One sample, whole: what the seed says and what its own YAML adds to it."""

    name: str
    about: str
    outcome: str
    findings: tuple[Flat, ...]
    now: datetime
    modified: datetime
    district: Mapping[str, Any]
    roster: Records
    earlier: tuple[Earlier, ...] = ()
    remarks: str | None = None
    database_refuses: Mapping[str, str] = field(default_factory=dict)
    approval: Mapping[str, Any] | None = None

    @property
    def code(self) -> str:
        """The code it is a sample of."""
        return self.name.partition("--")[0]

    @property
    def data(self) -> bytes:
        """The file."""
        return (FOLDER / f"{self.name}.csv").read_bytes()


def names() -> list[str]:
    """Every sample's name."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml") if path.stem != SEED)


def samples() -> list[Sample]:
    """Every sample, by name."""
    return [load(name) for name in names()]


@cache
def load(name: str) -> Sample:
    """A sample; a key that no sample knows is an error."""
    seed, own = seeded(), _read(name)
    return Sample(
        name=name,
        district={**seed["district"], **own.pop("district", {})},
        roster=_added(seed["roster"], own.pop("roster", {})),
        findings=tuple((line, column, code, severity) for line, column, code, severity in own.pop("findings")),
        earlier=tuple(Earlier(**each) for each in own.pop("earlier", ())),
        **{"now": seed["now"], "modified": seed["modified"], **own},
    )


def seeded() -> dict[str, Any]:
    """What every sample starts from."""
    return _read(SEED)


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_bytes())
    return content


def _added(one: Records, other: Records) -> Records:
    return {entity: [*one.get(entity, ()), *other.get(entity, ())] for entity in ENTITIES}


def write_roster(conn: Connection, sample: Sample, roster: Records) -> None:
    """Enter the sample's roster, or what comes to it later, as the owner of the tables."""
    for entity in ENTITIES:
        records = roster.get(entity, ())
        table = tables.metadata.tables[f"roster.{entity}"]
        home = {} if entity == "district" else {"district": sample.district["code"]}
        for record in records:
            conn.execute(insert(table).values(home | dict(_stored(entity, record))))


def _stored(entity: str, record: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The roster's columns of a record that is written with the headers of users.csv."""
    if entity in ("placement", "enrollment"):
        yield "status", "active"
    for name, value in record.items():
        if name == "sticky":
            yield name, list(_attributes(value))
            continue
        [attribute] = _attributes([name])
        yield attribute, value == "Yes" if name == "primaryTeacher" else value
        if name == "userEmail":
            yield "email_key", email_addresses.fold(value)


def _attributes(names_: Iterable[str]) -> Iterator[str]:
    """The roster's names of headers; other names are the roster's already."""
    known = dictionary.load_dictionary().by_header
    return (known[name].attribute or name if name in known else name for name in names_)

"""A night to try: configuration, roster of record and users.csv of the demo's districts, or of any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import Engine

from rostersync.configuration import dictionary as dictionaries
from rostersync.pipeline.file_verdict import read_landed
from rostersync.sample import include_folder, records
from rostersync.sample import names as name_lists
from rostersync.sample import places as place_lists
from rostersync.sample.broken import BROKEN
from rostersync.sample.faults import FaultContext, write_with
from rostersync.sample.names import Names
from rostersync.sample.places import SampleDistrict
from rostersync.sample.staff import end_of_school_year, rows_of
from rostersync.settings import include_path, state_path

ROWS_PER_SCHOOL = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleOptions:
    """What a night shall be like. The same options give the same bytes, within a school year.

    `faults`: share of rows with a fault. `rows`: of the whole night, spread by number of schools. `broken`: districts
    whose whole file is refused. `schools`, `names`: national lists instead of the committed ones. `foreign`: a file of
    another format that one district sends by mistake.
    """

    districts: int = 5
    faults: float = 0.02
    rows: int | None = None
    broken: int = 0
    seed: int = 7
    schools: Path | None = None
    names: Path | None = None
    foreign: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A file of the night: whose, where, how many rows were written into it, and what is wrong with all of it."""

    district: str
    path: Path
    rows: int
    schools: int
    broken: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """The files, and the include folder whose configuration belongs to them."""

    include: Path
    files: tuple[Sent, ...]


def write_demo(engine: Engine, *, seed: int = 7) -> Night:
    """The three districts of the demo, into their inboxes and the roster. Made again, nothing changes.

    `engine` is the enrollment source's, as for `records.write`.
    """
    return Night(include=include_path(), files=_write(engine, place_lists.demo(), name_lists.committed(), 0.0, seed))


def write_night(engine: Engine, options: SampleOptions, folder: Path | None = None) -> Night:
    """A night as wished. Its configuration is an include folder below `folder` (default: the state folder's `sample`).

    `engine` is the enrollment source's, as for `records.write`.
    Raises ConfigurationError when a list is not there or not what it should be.
    """
    rng = np.random.default_rng(options.seed)
    names = name_lists.national(options.names) if options.names else name_lists.committed()
    chosen = _choose(rng, options)
    include = include_folder.write_include_folder(folder or state_path("sample"), chosen)
    files = _write(engine, chosen, names, options.faults, options.seed)
    if options.foreign:
        middle = len(files) // 2
        files = (*files[:middle], _replace_by(files[middle], options.foreign), *files[middle + 1 :])
    return Night(include=include, files=files)


def _choose(rng: np.random.Generator, options: SampleOptions) -> tuple[SampleDistrict, ...]:
    if options.schools:
        found = place_lists.national(rng, options.districts, options.schools)
    else:
        found = place_lists.invented(rng, options.districts)
    schools = sum(len(place.schools) for place in found)
    each = (options.rows / schools) if options.rows else ROWS_PER_SCHOOL
    ways = list(BROKEN)
    return tuple(
        replace(
            place,
            rows=max(1, round(each * len(place.schools))),
            broken=ways[at % len(ways)] if at < options.broken else None,
        )
        for at, place in enumerate(found)
    )


def _write(
    engine: Engine, places: Sequence[SampleDistrict], names: Names, faults: float, seed: int
) -> tuple[Sent, ...]:
    ends = end_of_school_year(datetime.now(UTC).date())
    elsewhere = ""
    sent = []
    for at, place in enumerate(places):
        rng = np.random.default_rng([seed, at])
        roster = records.of_record(place, names, rng)
        records.write(engine, place, roster)
        rows = rows_of(place, roster, dictionaries.load_dictionary(), names, rng, place.rows or 1, ends=ends)
        sent.append(_send(place, rows, FaultContext(roster=roster, elsewhere=elsewhere), rng, faults))
        elsewhere = str(roster.people["email"].iat[0])
    return tuple(sent)


def _send(
    place: SampleDistrict, rows: pd.DataFrame, scene: FaultContext, rng: np.random.Generator, faults: float
) -> Sent:
    data = write_with(rows, scene, rng, faults, every_kind=place.every_fault)
    # Some faults are rows of their own: what a report calls "read" is what is told here.
    count = read_landed(data, dictionaries.load_dictionary()).rows_read if faults or place.every_fault else len(rows)
    if place.broken:
        data = BROKEN[place.broken](data)
    path = state_path("inbox", place.code, "users.csv")
    _put(path, data)
    return Sent(district=place.code, path=path, rows=count, schools=len(place.schools), broken=place.broken)


def _put(path: Path, data: bytes) -> None:
    """Write anew only what differs: an unchanged file keeps its time, as in a real inbox."""
    state_path().mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or path.read_bytes() != data:
        part = path.with_suffix(".part")
        part.write_bytes(data)
        part.replace(path)


def _replace_by(sent: Sent, foreign: Path) -> Sent:
    _put(sent.path, foreign.read_bytes())
    return replace(sent, broken=f"foreign file {foreign.name}")

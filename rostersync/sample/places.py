"""Districts and their schools: invented ones, or the real ones of the national lists with their uneven sizes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from rostersync.exceptions import ConfigurationError
from rostersync.settings import include_path

DISTRICT_NAMES = "us_districts_saipe2020.csv.gz"
SCHOOL_NAMES = "us_highschool_names.csv.gz"
LEVELS = ("Elementary School", "Middle School", "High School", "Academy", "Primary School")
ZONES = {
    "America/Chicago": "AL AR IA IL KS LA MN MO MS ND NE OK SD TN TX WI",
    "America/Denver": "CO ID MT NM UT WY",
    "America/Los_Angeles": "CA NV OR WA",
    "America/Phoenix": "AZ",
    "America/Anchorage": "AK",
    "Pacific/Honolulu": "HI",
    "America/Puerto_Rico": "PR VI",
    "Pacific/Guam": "GU",
}
_ZONE_OF = {state: zone for zone, states in ZONES.items() for state in states.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleDistrict:
    """A district and its schools, schoolId → name. Addresses of its people end in `<code>.example.org`."""

    code: str
    name: str
    state: str = "NY"
    schools: dict[str, str]
    rows: int | None = None
    every_fault: bool = False
    broken: str | None = None

    @property
    def domain(self) -> str:
        return f"{self.code}.example.org"

    @property
    def timezone(self) -> str:
        return _ZONE_OF.get(self.state, "America/New_York")


def demo() -> tuple[SampleDistrict, ...]:
    """The three districts of the demo; their configuration is include/districts/<code>.yaml."""
    raw = yaml.load(include_path("sample", "demo.yaml").read_bytes(), Loader=yaml.CSafeLoader)
    return tuple(SampleDistrict(**entry) for entry in raw)


def invented(rng: np.random.Generator, count: int) -> tuple[SampleDistrict, ...]:
    """`count` invented districts of 1 to about 40 schools, most of them small."""
    names = pd.read_csv(include_path("sample", "places.csv"), dtype=str)["name"].to_numpy()
    sizes = np.minimum(40, 1 + rng.pareto(1.1, size=count) * 2).astype(int)
    return tuple(_invented(rng, names, number, int(size)) for number, size in enumerate(sizes))


def _invented(rng: np.random.Generator, names: np.ndarray, number: int, size: int) -> SampleDistrict:
    again, at = divmod(number, len(names))
    town = names[at] + (f" {again + 1}" if again else "")
    parts = rng.choice(names, size=size)
    schools = {f"{100 * (i + 1):04d}": f"{parts[i]} {LEVELS[i % len(LEVELS)]}" for i in range(size)}
    return SampleDistrict(code=_code(town), name=f"{town} School District", schools=schools)


def national(rng: np.random.Generator, count: int, schools_file: Path) -> tuple[SampleDistrict, ...]:
    """`count` real districts, drawn evenly over the list ordered by number of schools: as uneven as the country.

    `schools_file` has the columns ncessch, leaid, state and city; lists of names beside it are used.
    """
    schools = _table(schools_file)
    if schools is None or not {"ncessch", "leaid", "state", "city"} <= set(schools.columns):
        raise ConfigurationError("The list of schools needs ncessch, leaid, state and city.", hint="See --schools.")
    sizes = schools.groupby("leaid").size().sort_values(kind="stable")
    steps = (np.arange(count) + rng.random(count)) / count
    chosen = sizes.index[(steps * len(sizes)).astype(int)]
    districts = _table(schools_file.parent / DISTRICT_NAMES)
    names = {} if districts is None else dict(zip(districts["leaid"], districts["district_name"], strict=True))
    towns = _school_names(schools_file.parent / SCHOOL_NAMES)
    groups = dict(list(schools[schools["leaid"].isin(set(chosen))].groupby("leaid")))
    return tuple(_national(leaid, groups[leaid], names, towns) for leaid in dict.fromkeys(chosen))


def _table(path: Path) -> pd.DataFrame | None:
    return pd.read_csv(path, dtype=str, keep_default_na=False) if path.is_file() else None


def _school_names(path: Path) -> dict[tuple[str, str], list[str]]:
    """(state, CITY) → names of public schools there."""
    table = _table(path)
    if table is None:
        return {}
    public = table[table["type"] == "public"]
    found: dict[tuple[str, str], list[str]] = {}
    for state, name, city in zip(public["state"], public["school_name"], public["city"], strict=True):
        found.setdefault((state, city.upper()), []).append(name)
    return found


def _national(
    leaid: str, rows: pd.DataFrame, names: dict[str, str], towns: dict[tuple[str, str], list[str]]
) -> SampleDistrict:
    state = rows["state"].iat[0]
    left = {key: list(towns.get(key, ())) for key in {(state, city) for city in rows["city"]}}
    schools = {}
    for number, city in zip(rows["ncessch"], rows["city"], strict=True):
        known = left.get((state, city))
        schools[number] = known.pop(0) if known else f"{city.title()} School {number[-5:]}"
    name = " ".join(names.get(leaid, "Unlisted District").split())
    return SampleDistrict(
        code=f"{_code(name)[:40].strip('-')}-{leaid.lower()}", name=name, state=state, schools=schools
    )


def _code(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")

"""Names for invented people: the small committed lists, or real name frequencies."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from rostersync.exceptions import ConfigurationError
from rostersync.settings import include_path

GIVEN = "us_firstnames_hmda_tzioumis.csv"
FAMILY = "us_census2010_surnames.csv.gz"
TRICKY = "tricky_names_written_here.csv"
FAMILIES = 20_000
"""Surnames taken from the census list, the most frequent first: nine people in ten."""
TRICKY_SHARE = 0.005


@dataclass(frozen=True, slots=True, kw_only=True)
class NameList:
    """Names with their share, and the ASCII form that an e-mail address is made of."""

    names: np.ndarray
    shares: np.ndarray
    local: np.ndarray

    def draw(self, rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
        """`count` names and their e-mail forms."""
        at = rng.choice(len(self.names), size=count, p=self.shares)
        return self.names[at], self.local[at]


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """First and last names; `tricky` are whole pairs, mixed in as they are."""

    given: NameList
    family: NameList
    tricky: tuple[tuple[str, str], ...] = ()

    def people(self, rng: np.random.Generator, count: int) -> pd.DataFrame:
        """`count` people: columns first, last, local (the part of an address before a number and @)."""
        first, first_local = self.given.draw(rng, count)
        last, last_local = self.family.draw(rng, count)
        people = pd.DataFrame({"first": first, "last": last, "local": first_local + "." + last_local}, dtype=object)
        for row in np.flatnonzero(rng.random(count) < TRICKY_SHARE) if self.tricky else ():
            pair = self.tricky[rng.integers(len(self.tricky))]
            people.loc[row] = [*pair, f"{_local(pair[0])}.{_local(pair[1])}"]
        return people


def committed() -> Names:
    """The lists of include/sample."""
    return Names(
        given=_weighted(pd.read_csv(include_path("sample", "given_names.csv"), dtype=str, keep_default_na=False)),
        family=_weighted(pd.read_csv(include_path("sample", "family_names.csv"), dtype=str, keep_default_na=False)),
    )


def national(folder: Path) -> Names:
    """Real frequencies: US given names and surnames, and names that trip importers. Raises ConfigurationError."""
    given = _table(folder / GIVEN)[["firstname", "obs"]].assign(firstname=lambda t: t["firstname"].str.title())
    family = _table(folder / FAMILY)[["last_name", "count"]].head(FAMILIES)
    pairs = _table(folder / TRICKY)[["given_name", "family_name"]].itertuples(index=False, name=None)
    return Names(given=_weighted(given), family=_weighted(family), tricky=tuple(p for p in pairs if _fits(p)))


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        raise ConfigurationError(f"There is no name list {path.name} in the folder given.", hint="See --names.")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _weighted(table: pd.DataFrame) -> NameList:
    names = table.iloc[:, 0].to_numpy(dtype=object)
    weights = table.iloc[:, 1].astype(float).to_numpy()
    local = np.array([_local(name) for name in names], dtype=object)
    return NameList(names=names, shares=weights / weights.sum(), local=local)


def _local(name: str) -> str:
    """ASCII letters and digits of a name, lower case; `staff` when none is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]", "", plain)[:30] or "staff"


def _fits(pair: tuple[str, ...]) -> bool:
    """Whether both names are ones a file may hold: printable, NFC, no outer spaces, not lost in an encoding."""
    return all(
        name
        and name.isprintable()
        and name == name.strip() == unicodedata.normalize("NFC", name)
        and not re.search(r"[ÃÂ�?=+]|^-|\(A1\)", name)
        for name in pair
    )

"""One large valid file for measurements, made of whole columns: two rows per person, four rows per class."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rostersync.configuration import dictionary as dictionaries
from rostersync.sample import names as name_lists
from rostersync.sample.faults import FaultContext, write_with
from rostersync.sample.names import Names
from rostersync.sample.places import SampleDistrict
from rostersync.sample.records import GRADES, Roster, of_record
from rostersync.sample.staff import to_csv

CLASSES_PER_SCHOOL = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class BigFile:
    """The bytes of a users.csv, and the district and roster of record that it belongs to."""

    data: bytes
    place: SampleDistrict
    roster: Roster


def big_file(
    rows: int,
    seed: int = 7,
    fault_share: float = 0.01,
    changed_share: float = 0.0,
    *,
    code: str = "big",
    names: Names | None = None,
) -> BigFile:
    """About `rows` rows. With the same seed, `changed_share` of the people got another last name since.

    The faults are in the same rows of both nights. Write the roster with `records.write(engine, place, roster)`.
    """
    names = names or name_lists.committed()
    classes = max(1, rows // 4)
    schools = max(1, classes // CLASSES_PER_SCHOOL)
    place = SampleDistrict(
        code=code,
        name=f"District of {rows} rows",
        schools={f"{n:05d}": f"School {n}" for n in range(1, schools + 1)},
    )
    roster = of_record(place, names, np.random.default_rng([seed, 1]))
    frame = _frame(place, classes, names, np.random.default_rng([seed, 2]))
    _marry(frame, np.random.default_rng([seed, 3]), changed_share)
    frame = frame.reindex(columns=dictionaries.load_dictionary().headers, fill_value="")
    if not fault_share:
        return BigFile(data=to_csv(frame), place=place, roster=roster)
    data = write_with(frame, FaultContext(roster=roster), np.random.default_rng([seed, 4]), fault_share)
    return BigFile(data=data, place=place, roster=roster)


def _frame(place: SampleDistrict, classes: int, names: Names, rng: np.random.Generator) -> pd.DataFrame:
    """Person p has a row in class p and one in the next class (modulo): four rows per class, no pair twice."""
    people = names.people(rng, 2 * classes)
    who = np.repeat(np.arange(2 * classes), 2)
    which = (who + np.tile([0, 1], 2 * classes)) % classes
    schools = np.array(list(place.schools), dtype=object)
    at = which * len(schools) // classes
    person = pd.DataFrame(
        {
            "userId": _numbered("V", 2 * classes),
            "userRole": "Teacher",
            "staffType": "Other",
            "userFirstName": people["first"],
            "userLastName": people["last"],
            "userEmail": people["local"]
            + np.array([f".v{n}@{place.domain}" for n in range(2 * classes)], dtype=object),
        },
        dtype=object,
    )
    frame = person.iloc[who].reset_index(drop=True)
    frame["schoolId"] = schools[at]
    frame["classId"] = _numbered("RS-", classes)[which]
    frame["className"] = np.array([f"Reading Support {n}" for n in range(classes)], dtype=object)[which]
    frame["classGrade"] = GRADES[which % len(GRADES)]
    frame["primaryTeacher"] = np.tile(np.array(["Yes", "No"], dtype=object), 2 * classes)
    return frame if classes > 1 else frame.drop_duplicates(["userId", "classId"])


def _numbered(prefix: str, count: int) -> np.ndarray:
    return np.array([f"{prefix}{n:07d}" for n in range(count)], dtype=object)


def _marry(frame: pd.DataFrame, rng: np.random.Generator, share: float) -> None:
    """A new last name for this share of the people, in all their rows."""
    codes, people = pd.factorize(frame["userId"])
    chosen = (rng.random(len(people)) < share)[codes]
    frame.loc[chosen, "userLastName"] = frame.loc[chosen, "userLastName"] + "-Reed"

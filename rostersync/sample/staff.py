"""Valid rows of a users.csv: supplementary staff, placed at schools and enrolled in classes of the roster of record."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from rostersync.configuration.dictionary import Dictionary
from rostersync.sample.names import Names
from rostersync.sample.places import SampleDistrict
from rostersync.sample.records import GRADES, Roster

JUNE = 6
SECOND_CLASS_OF_FAULTY = 0.1
"""Where every kind of fault is shown, most people have one row: a fault then stays by itself."""
SECOND_CLASS, WITHOUT_CLASS, GROUP, DATED, ADMINISTRATOR = 0.45, 0.25, 0.3, 0.15, 0.05
"""Shares: people with a second row, rows that only place, rows of a new small group, people with an end date, roles."""
WITH_OTHER_TEXT = 1 / 3
"""Share of people who fill an optional text column."""


def end_of_school_year(today: date) -> date:
    """The June 30 that dated assignments end on, a month away at least: one that is over would be remarked upon."""
    return date(today.year + (today.month >= JUNE), JUNE, 30)


def rows_of(
    place: SampleDistrict,
    roster: Roster,
    dictionary: Dictionary,
    names: Names,
    rng: np.random.Generator,
    count: int,
    *,
    ends: date,
) -> pd.DataFrame:
    """About `count` rows that agree with each other and with the roster: text cells under the dictionary's headers.

    `ends`: the last day of the assignments that have one.
    """
    second = SECOND_CLASS_OF_FAULTY if place.every_fault else SECOND_CLASS
    people = _people(place, dictionary, names, rng, max(1, round(count / (1 + second))))
    people["endDate"] = np.where(rng.random(len(people)) < DATED, ends.isoformat(), "").astype(object)
    chosen = np.sort(np.r_[np.arange(len(people)), np.flatnonzero(rng.random(len(people)) < second)])
    rows = people.iloc[chosen].reset_index(drop=True)
    _name_classes(rows, roster, rng, dictionary)
    rows = rows.drop_duplicates(["userId", "schoolId", "classId"]).head(count)
    return rows.reindex(columns=dictionary.headers, fill_value="").reset_index(drop=True)


def _people(
    place: SampleDistrict, dictionary: Dictionary, names: Names, rng: np.random.Generator, count: int
) -> pd.DataFrame:
    drawn = names.people(rng, count)
    schools = np.array(list(place.schools), dtype=object)
    number = np.arange(1, count + 1)
    local = zip(drawn["local"], number, strict=True)
    people = pd.DataFrame(
        {
            "schoolId": rng.choice(schools, size=count),
            "userId": np.array([f"V{n:05d}" for n in number], dtype=object),
            "userRole": np.where(rng.random(count) < ADMINISTRATOR, "Administrator", "Teacher").astype(object),
            "staffType": rng.choice(np.array(dictionary.by_header["staffType"].accepted, dtype=object), size=count),
            "userFirstName": drawn["first"],
            "userLastName": drawn["last"],
            "userEmail": np.array([f"{name}.v{n}@{place.domain}" for name, n in local], dtype=object),
        },
        dtype=object,
    ).assign(schoolName=lambda table: table["schoolId"].map(place.schools))
    return people.assign(**_other_texts(dictionary, rng, people))


def _other_texts(dictionary: Dictionary, rng: np.random.Generator, people: pd.DataFrame) -> dict[str, np.ndarray]:
    """Header -> cells, for texts about people and placements that nothing else draws: a third has the example."""
    undrawn = (c for c in dictionary.of("person", "placement") if c.header not in people and c.kind == "text")
    says = {c.header: rng.random(len(people)) < WITH_OTHER_TEXT for c in undrawn if c.example}
    return {
        header: np.where(filled, dictionary.by_header[header].example, "").astype(object)
        for header, filled in says.items()
    }


def _name_classes(rows: pd.DataFrame, roster: Roster, rng: np.random.Generator, dictionary: Dictionary) -> None:
    """Half of the rows join a class of the source, others open a group of the file, the rest name no class."""
    draw = rng.random(len(rows))
    classes = roster.classes.sort_values("school_id", kind="stable").reset_index(drop=True)
    first = classes["school_id"].drop_duplicates().reset_index().set_index("school_id")["index"]
    size = classes.groupby("school_id").size()
    start, width = rows["schoolId"].map(first).to_numpy(), rows["schoolId"].map(size).to_numpy()
    joined = classes.iloc[start + rng.integers(0, width)]
    number = rng.integers(1, 5, size=len(rows))
    grade = GRADES[(number * 3) % len(GRADES)]
    joins, groups = draw >= WITHOUT_CLASS + GROUP, (draw >= WITHOUT_CLASS) & (draw < WITHOUT_CLASS + GROUP)
    group_id = np.array([f"{s}-RS-{n}" for s, n in zip(rows["schoolId"], number, strict=True)], dtype=object)
    rows["classId"] = np.select([joins, groups], [joined["class_id"].to_numpy(object), group_id], "")
    rows["className"] = np.select([joins, groups], [joined["name"].to_numpy(object), "Reading Support " + grade], "")
    rows["classGrade"] = np.select([joins, groups], [joined["grade"].to_numpy(object), grade], "")
    rows["primaryTeacher"] = np.where(groups, dictionary.by_header["primaryTeacher"].accepted[0], "")


def to_csv(rows: pd.DataFrame) -> bytes:
    """UTF-8, header first, cells quoted only where they must be, every line ends in LF."""
    columns = [_quoted(pa.array(rows[name], type=pa.large_string())) for name in rows.columns]
    ended = _joined(_joined(*columns, by=","), "", by="\n")
    size = pc.sum(pc.binary_length(ended)).as_py() or 0
    body: bytes = ended.buffers()[2].to_pybytes()[:size]
    return (",".join(rows.columns) + "\n").encode() + body


def _quoted(cells: pa.Array) -> pa.Array:
    needed = pc.match_substring_regex(cells, r'[",\r\n]')
    if not pc.any(needed).as_py():
        return cells
    return pc.if_else(needed, _joined("", pc.replace_substring(cells, '"', '""'), "", by='"'), cells)


def _joined(*parts: pa.Array | str, by: str) -> pa.Array:
    """Row by row, the parts with `by` between them."""
    text = pa.large_string()
    return pc.binary_join_element_wise(*(pa.scalar(p, text) if isinstance(p, str) else p for p in (*parts, by)))

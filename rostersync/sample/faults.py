"""What districts get wrong, on purpose. Each kind is named after the finding it should lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rostersync.sample.records import Roster
from rostersync.sample.staff import to_csv

Change = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultContext:
    """What a fault may refer to: the roster of record, an address that another district uses ("" for none), and the
    positions of rows that stay without fault.
    """

    roster: Roster
    elsewhere: str = ""
    sound: Sequence[int] = ()


def _is(text: str) -> Change:
    return lambda _cell: text


ALIASES = {"K": "KG", "PK": "Pre-K", **{str(grade): f"0{grade}" for grade in range(1, 10)}}
"""Grade → another word for it that is understood."""

CELLS: Mapping[str, Mapping[str, Change]] = {
    "cell-required": {"userLastName": _is("")},
    "cell-placeholder": {"userEmail": _is("N/A")},
    "cell-too-long": {"userFirstName": lambda cell: (cell + " ") * 60 + "Maria"},
    "cell-character": {"userFirstName": lambda cell: f"{cell}\u200b"},
    "cell-trimmed": {"userLastName": lambda cell: f"  {cell} "},
    "cell-mojibake": {"userFirstName": _is("JosÃ©")},
    "cell-spreadsheet-damage": {"userId": _is("4.51E+05")},
    "id-character": {"userId": lambda cell: f"{cell[:3]} {cell[3:]}/a"},
    "id-looks-like-ssn": {"userId": lambda cell: f"078-05-{int(cell[-4:]) % 10000:04d}"},
    "value-not-allowed": {"userRole": _is("teacher")},
    "value-alias": {"classGrade": lambda cell: ALIASES.get(cell, cell)},
    "role-student": {"userRole": _is("Student")},
    "grade-for-staff": {"userGrade": _is("5")},
    "email-invalid": {"userEmail": lambda cell: cell.replace("@", "@@")},
    "email-look-alike": {"userEmail": lambda cell: cell.replace("a", "\u0430").replace("e", "\u0435")},
    "class-incomplete": {"className": _is("")},
    "date-invalid": {"startDate": _is("8/24/2026")},
    "date-order": {"startDate": _is("2027-06-01"), "endDate": _is("2026-09-01")},
    "action-incomplete": {"action": _is("REMOVE-ENROLLMENT"), "classId": _is("")},
    "action-target-unknown": {"action": _is("REMOVE-USER"), "userId": lambda cell: f"{cell}-old"},
    "school-unknown": {"schoolId": lambda cell: f"{cell}9"},
}
"""Kinds that change cells of one row: header → the cell it becomes."""

ANY, WITHOUT, WITH = range(3)
NEEDS = {
    "school-unknown": WITHOUT,
    "value-alias": WITH,
    "class-incomplete": WITH,
    "class-other-school": WITH,
    "action-incomplete": WITH,
}
"""Kinds that need a row without a class, or one with a class whose grade has an alias."""


def _duplicate(rows: pd.DataFrame, at: np.ndarray, _scene: FaultContext) -> pd.DataFrame:
    return rows.iloc[at]


def _conflict(rows: pd.DataFrame, at: np.ndarray, _scene: FaultContext) -> pd.DataFrame:
    return rows.iloc[at].assign(userLastName="Married-Name", classId="", className="", classGrade="", primaryTeacher="")


def _both_roles(rows: pd.DataFrame, at: np.ndarray, _scene: FaultContext) -> pd.DataFrame:
    rows.loc[at, "userRole"] = "Teacher"
    return rows.iloc[at].assign(userRole="Administrator")


def _same_address(rows: pd.DataFrame, at: np.ndarray, scene: FaultContext) -> None:
    """The address of somebody whose rows are sound."""
    others = np.array(scene.sound)
    if len(others):
        rows.loc[at, "userEmail"] = rows["userEmail"].to_numpy()[others[(at * 7) % len(others)]]


def _taken_address(rows: pd.DataFrame, at: np.ndarray, scene: FaultContext) -> None:
    rows.loc[at, "userEmail"] = _staff(scene, len(at), skip=1)["email"].to_numpy()
    if scene.elsewhere:
        rows.loc[at[0], "userEmail"] = scene.elsewhere


def _permanent(rows: pd.DataFrame, at: np.ndarray, scene: FaultContext) -> None:
    people = _staff(scene, len(at), skip=2)
    rows.loc[at, ["userId", "userLastName", "userEmail"]] = people[["user_id", "last_name", "email"]].to_numpy()


def _taken_id(rows: pd.DataFrame, at: np.ndarray, scene: FaultContext) -> None:
    rows.loc[at, "userId"] = _staff(scene, len(at), skip=0)["user_id"].to_numpy()


def _staff(scene: FaultContext, count: int, *, skip: int) -> pd.DataFrame:
    """`count` permanent people, every third from `skip` on, from the start again when they run out."""
    people = scene.roster.people[scene.roster.people["role"] != "Student"]
    return people.iloc[(np.arange(count) * 3 + skip) % len(people)]


def _other_school(rows: pd.DataFrame, at: np.ndarray, scene: FaultContext) -> None:
    """A class of another school that no other row names, so that nothing but the school is wrong."""
    classes = scene.roster.classes
    free = classes[~classes["class_id"].isin(set(rows["classId"]))]
    free = classes if free.empty else free
    for row in at:
        elsewhere = free[free["school_id"] != rows.at[row, "schoolId"]]
        if len(elsewhere):
            wrong = elsewhere.iloc[int(row) % len(elsewhere)]
            rows.loc[row, ["classId", "className", "classGrade"]] = [wrong["class_id"], wrong["name"], wrong["grade"]]


ROWS: Mapping[str, Callable[[pd.DataFrame, np.ndarray, FaultContext], pd.DataFrame | None]] = {
    "row-duplicate": _duplicate,
    "row-conflict": _conflict,
    "role-both": _both_roles,
    "email-duplicate": _same_address,
    "email-taken": _taken_address,
    "person-owned-by-source": _permanent,
    "id-taken": _taken_id,
    "class-other-school": _other_school,
}
"""Kinds that need more than one row, or the roster. Rows that they give come to the end of the file."""

LINES: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "row-cell-count": lambda line, _header: line + b",extra",
    "row-blank": lambda line, _header: line + b"\n",
    "row-repeated-header": lambda line, header: line + b"\n" + header,
}
"""Kinds that are no longer rows: (line, header) → bytes."""

KINDS = (*CELLS, *ROWS, *LINES)


def write_with(
    rows: pd.DataFrame, scene: FaultContext, rng: np.random.Generator, share: float, *, every_kind: bool = False
) -> bytes:
    """The rows as a file in which about `share` of them have a fault; or one row for each kind there is.

    Every kind is drawn equally often. `rows` is left as it was.
    """
    wanted = list(KINDS) if every_kind else _draw(rng, round(share * len(rows)))
    places = _places(rows, wanted, rng)
    broken = rows.astype(object).copy()
    for kind, at in places.items():
        if kind in CELLS:
            _change_cells(broken, at, CELLS[kind])
    single = np.flatnonzero(~rows["userId"].duplicated(keep=False))
    scene = replace(scene, sound=sorted({*single} - {row for at in places.values() for row in at}))
    more = [ROWS[kind](broken, at, scene) for kind, at in places.items() if kind in ROWS]
    return _change_lines(to_csv(pd.concat([broken, *(column for column in more if column is not None)])), places)


def _draw(rng: np.random.Generator, count: int) -> list[str]:
    return [KINDS[at] for at in rng.integers(0, len(KINDS), size=count)]


def _places(rows: pd.DataFrame, wanted: Sequence[str], rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Kind → positions of rows, one fault per row. People with one row are taken first, so that faults stay apart."""
    order = rng.permutation(len(rows))
    order = order[np.argsort(~rows["userId"].duplicated(keep=False).to_numpy()[order], kind="stable")]
    kind_of_row = np.select([rows["classId"] == "", rows["classGrade"].isin(list(ALIASES))], [WITHOUT, WITH], ANY)[
        order
    ]
    pools = {need: list(order[kind_of_row == need]) for need in (ANY, WITHOUT, WITH)}
    found: dict[str, list[int]] = {}
    for kind in sorted(wanted, key=lambda kind: NEEDS.get(kind, ANY), reverse=True):
        needed = [NEEDS[kind]] if kind in NEEDS else [ANY, WITHOUT, WITH]
        pool = next((pools[need] for need in needed if pools[need]), [])
        if pool:
            found.setdefault(kind, []).append(int(pool.pop()))
    return {kind: np.array(at) for kind, at in found.items()}


def _change_cells(rows: pd.DataFrame, at: np.ndarray, changes: Mapping[str, Change]) -> None:
    for header, change in changes.items():
        if header in rows.columns:
            rows.loc[at, header] = [change(cell) for cell in rows.loc[at, header]]


def _change_lines(data: bytes, places: Mapping[str, np.ndarray]) -> bytes:
    if not places.keys() & LINES.keys():
        return data
    lines = data.split(b"\n")
    for kind in LINES:
        for at in places.get(kind, ()):
            lines[at + 1] = LINES[kind](lines[at + 1], lines[0])
    return b"\n".join(lines)

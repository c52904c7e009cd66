"""Which names are near the expected one, and which belong to something else."""

from __future__ import annotations

import pytest

from rostersync.transports.near_names import is_near

NEAR = [
    *("Users.csv", "USERS.CSV", "users.CSV", "users (1).csv", "users(2).csv", "users - Copy.csv", "Copy of users.csv"),
    *(
        "users.csv.txt",
        "users.txt",
        "users",
        "users.csv.csv",
        "users.xlsx",
        "users.xls",
        "users-errors.csv",
        " users.csv",
    ),
    *("users-errors.xlsx", "users_2026.csv", "users-2026-11-30.csv", "users final.csv", "users_v2.csv", "user.csv"),
    *("usres.csv", "users.csv ", "users.tsv", "users.csv.zip", "users - Copy (2).csv", "userss.csv", "users.xlsm"),
]
NOT_NEAR = [
    *(
        "students.csv",
        "staff.csv",
        "classes.csv",
        "enrollments.csv",
        "readme.txt",
        "notes",
        "users.csv.part",
        ".users.csv",
    ),
    *(
        "users.csv.done",
        "users.csv.tmp",
        "superusers-list.csv",
        "our-users-and-others.csv",
        "u.csv",
        "",
        ".csv",
        "(1).csv",
    ),
]


@pytest.mark.parametrize("name", NEAR)
def test_near(name: str) -> None:
    assert is_near(name, ["users.csv"])


@pytest.mark.parametrize("name", NOT_NEAR)
def test_not_near(name: str) -> None:
    assert not is_near(name, ["users.csv"])


@pytest.mark.parametrize("name", ["users.csv", "users-2.csv", "users (1).csv"])
def test_what_is_read_is_not_near(name: str) -> None:
    assert not is_near(name, ["users*.csv"])


@pytest.mark.parametrize(("name", "near"), [("Users-7.csv", True), ("users-7.csv.txt", True), ("staff-7.csv", False)])
def test_a_pattern_with_room(name: str, near: bool) -> None:
    assert is_near(name, ["users*.csv"]) == near


@pytest.mark.parametrize(
    ("name", "pattern"), [("north.csv", "south.csv"), ("ab.csv", "ac.csv"), ("east-users.csv", "west-users.csv")]
)
def test_a_neighbours_file_is_not_near(name: str, pattern: str) -> None:
    assert not is_near(name, [pattern])


def test_a_name_of_any_length_is_judged_at_once() -> None:
    assert not is_near("x" * 100_000 + ".csv", ["users.csv"])
    assert is_near("users" + " (1)" * 50 + ".csv", ["users.csv"])

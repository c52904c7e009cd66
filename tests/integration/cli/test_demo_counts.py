"""The counts of the demonstration add up: in what is printed, in what is mailed, and beside its files."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from sqlalchemy import Engine

from rostersync import sample

Command = Callable[..., tuple[int, str, str]]
ID = re.compile(r"[\w.@-]+")
ROWS = re.compile(r"Rows: read ([\d,]+), accepted ([\d,]+), rejected ([\d,]+), set aside ([\d,]+)")
SLOTS = {"staff": ("userId",), "class": ("classId",), "enrollment": ("userId", "classId")}


@pytest.fixture
def demo(source_engine: Engine) -> sample.Night:
    return sample.write_demo(source_engine)


def cells(sent: sample.Sent) -> list[dict[str, str]]:
    with sent.path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def named_staff(rows: list[dict[str, str]]) -> int:
    """Distinct people whom the rows name; one whose userId cannot be read stands for itself."""
    ids = [row["userId"].strip() for row in rows]
    return len({id_ for id_ in ids if ID.fullmatch(id_)}) + sum(not ID.fullmatch(id_) for id_ in ids)


def named(rows: list[dict[str, str]], entity: str) -> int:
    """Distinct keys that the rows name, none of which is at fault."""
    keys = {tuple(row[header] for header in SLOTS[entity]) for row in rows}
    return len({key for key in keys if all(key)})


def synced(command: Command, *words: str) -> dict[str, dict[str, Any]]:
    return {result["district"]: result for result in json.loads(command("sync", "--format", "json", *words)[1])}


def mailed_rows(command: Command, result: Mapping[str, Any]) -> dict[str, int]:
    """The numbers of rows that the delivery's mail names."""
    found = ROWS.search(command("report", result["delivery"])[1])
    assert found
    read, accepted, rejected, aside = (int(number.replace(",", "")) for number in found.groups())
    return {"read": read, "accepted": accepted, "rejected": rejected, "set_aside": aside}


def total(result: Mapping[str, Any], entity: str) -> int:
    return sum(result["counts"][entity].values())


def test_each_delivery_of_the_demo_adds_up_and_its_mail_says_the_same(command: Command, demo: sample.Night) -> None:
    night, files = synced(command), {sent.district: sent for sent in demo.files}
    for code in ("birchmere", "fernhollow"):
        result, rows = night[code], night[code]["rows"]
        assert rows["read"] == files[code].rows == len(cells(files[code]))
        assert rows["read"] == rows["accepted"] + rows["rejected"] + rows["set_aside"]
        assert mailed_rows(command, result) == rows
        assert total(result, "staff") == named_staff(cells(files[code]))
    for entity in SLOTS:
        assert total(night["birchmere"], entity) == named(cells(files["birchmere"]), entity)


def test_a_held_removal_adds_up_before_and_after_it_is_approved(command: Command, demo: sample.Night) -> None:
    """Ten people of 25 go, the rows of the others say nothing new; many of them have two rows."""
    synced(command)
    [sent] = [sent for sent in demo.files if sent.district == "birchmere"]
    rows = cells(sent)
    leaving = sorted({row["userId"] for row in rows})[:10]
    removals = {(row["schoolId"], row["userId"]) for row in rows if row["userId"] in leaving}
    blank = dict.fromkeys(rows[0], "")
    table = [row for row in rows if row["userId"] not in leaving]
    table += [blank | {"action": "REMOVE-USER", "schoolId": s, "userId": u} for s, u in sorted(removals)]
    with sent.path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(table)
    held = synced(command, "--district", "birchmere")["birchmere"]
    assert held["outcome"] == "held"
    assert held["counts"]["staff"] | {"created": 0} == {
        "created": 0,
        "updated": 0,
        "unchanged": 15,
        "removed": 10,
        "errors": 0,
    }
    assert total(held, "staff") == named_staff(rows) == 25
    command("approve", held["delivery"])
    applied = json.loads(command("report", held["delivery"], "--format", "json")[1])
    assert applied["outcome"] == "applied"
    assert applied["counts"] == held["counts"]
    assert mailed_rows(command, held) == held["rows"]

"""undo, explain and replay on the command line: shapes, exit codes, and what they ask."""

from __future__ import annotations

import json

from sqlalchemy import Engine, delete, insert, select

from rostersync import sample
from rostersync.database import tables
from tests.integration.cli.test_night_commands import Command, demo

__all__ = ["demo"]


def test_a_delivery_is_explained_undone_and_explained_again(
    command: Command, demo: sample.Night, superuser_engine: Engine, tmp_path: object
) -> None:
    assert command("sync", "--district", "birchmere")[0] == 0
    c = tables.change.c
    with superuser_engine.connect() as conn:
        created = select(c.delivery, c.key[1].label("id")).where(c.entity == "person", c.action == "created")
        row = conn.execute(created.order_by(c.id).limit(1)).one()
    asked = ("undo", row.delivery, "--reason", "wrong file")
    code, told, said = command("undo", row.delivery, "--dry-run", "--csv", f"{tmp_path}/undo.csv", "--format", "json")
    assert told, said
    shown = json.loads(told)
    assert (code, shown["dry_run"], shown["undone"], shown["left"]) == (0, True, False, [])
    assert list(shown) == [
        "district", "delivery", "undone", "by", "at", "attempts", "attempts_swept", "counts", "left", "dry_run",
    ]  # fmt: skip
    assert command("undo", row.delivery)[0] == 4
    code, _, said = command(*asked)
    assert (code, "would be undone" in said, "--yes" in said) == (4, True, True)
    code, told, _ = command(*asked, "--yes", "--format", "json")
    assert (code, json.loads(told)["undone"], json.loads(told)["counts"]) == (0, True, shown["counts"])
    code, told, said = command(*asked, "--yes")
    assert (code, told, "Undone before" in said) == (0, "", True)
    code, told, _ = command("sync", "--district", "birchmere")
    assert (code, "set aside on" in told) == (0, True)
    a_persons_history_is_told(command, row.id, row.delivery)
    code, told, _ = command("replay", row.delivery)
    assert (code, "mails queued: 0" in told) == (0, True)
    assert command("undo", "birchmere-0000000000000000", "--reason", "x", "--yes")[0] == 4


def a_persons_history_is_told(command: Command, user_id: str, delivery: str) -> None:
    code, told, _ = command("explain", user_id, "--district", "birchmere", "--format", "json")
    explained = json.loads(told)
    [record] = explained["records"]
    assert (code, explained["swept_until"], record["entity"], record["ids"]) == (0, None, "person", [user_id])
    own = [each for each in record["changes"] if each["entity"] == "person"]
    assert [(each["action"], each["delivery"]) for each in own] == [("created", delivery), ("undone", delivery)]
    assert [each["reason"] for each in own] == [None, "wrong file"]
    assert own[0]["line"] >= 2
    assert own[1]["changed"] == {"status": ["active", "inactive"]}
    code, told, _ = command("explain", user_id, "--district", "birchmere")
    assert (code, told.count("wrong file") >= 1, f"line {own[0]['line']} of delivery" in told) == (0, True, True)


def test_explain_says_what_is_swept_and_what_it_does_not_know(
    command: Command, demo: sample.Night, superuser_engine: Engine
) -> None:
    assert command("explain", "u1")[0] == 4
    assert command("explain", "nobody", "--district", "birchmere")[0] == 4
    assert command("explain", "nobody", "--district", "nowhere")[0] == 4
    command("sync", "--district", "birchmere")
    with superuser_engine.begin() as conn:
        someone = (
            conn.execute(select(tables.change.c.key[1]).where(tables.change.c.entity == "class")).scalars().first()
        )
        conn.execute(delete(tables.change))
        proof = {"changes": {"swept": 1, "before": "2026-01-01T00:00:00+00:00"}}
        conn.execute(insert(tables.sweep).values(district="birchmere", legal_hold=False, proof=proof))
    code, told, said = command("explain", str(someone), "--district", "birchmere")
    assert (code, "no change of it is in the log" in told, "swept" in said) == (0, True, True)

"""What `isolation_check` plants in an invented district: rows of each table, and whose records they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Table

from rostersync.database import tables as t

WRITERS = {"roster_sync": "file", "roster_source": "source", "roster_manual": "manual"}
"""role → whose records it writes."""
ROSTER = (t.school, t.person, t.placement, t.class_, t.enrollment)


def seed_rows(code: str) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
    """A record of each owner in each table of the roster, and a row in each table of the ledger."""
    here = {"district": code}
    rules = {"dictionary_version": "1", "code_version": "1", "config_digest": "1"}
    plan = {"entity": "person", "key": ["x"], "action": "created"}
    of_delivery = here | {"delivery": code}
    yield t.district, [{"code": code, "name": code}]
    for table in ROSTER:
        yield table, [record(table, code, owner) for owner in WRITERS.values()]
    landed = {"id": code, "sha256": code, "size_bytes": 1, "state": "applied", "modified_at": datetime.now(UTC)}
    yield t.delivery, [here | rules | landed]
    counts: dict[str, Any] = {"rows": {}, "counts": {}, "by_school": {}, "changes": 0, "roster_version": 0}
    yield t.attempt, [of_delivery | rules | counts | {"number": 1, "outcome": "applied", "actor": "x"}]
    yield t.arrival, [here | {"dag_id": code, "run_id": "x", "outcome": "no_file"}]
    look = {"name": "x", "size_bytes": 1, "modified_at": datetime.now(UTC), "seen_at": datetime.now(UTC)}
    yield t.inbox_look, [here | look | {"dag_id": code, "run_id": "x"}]
    yield t.run_delivery, [of_delivery | {"dag_id": code, "run_id": "x", "position": 0}]
    found = {"attempt": 1, "stage": "file", "position": 0, "code": "x", "severity": "row"}
    yield t.finding, [of_delivery | found]
    yield t.plan, [of_delivery | plan | {"attempt": 1}]
    yield t.decision, [of_delivery | {"attempt": 1, "choice": "approve", "actor": "x"}]
    numbers = {"counts": {}, "left_alone": {}, "roster_version": 1}
    yield t.undo, [of_delivery | numbers | {"attempt": 1, "reason": "x", "actor": "x"}]
    yield t.change, [here | plan | {"actor": "x"}]
    yield t.report, [here | {"id": code, "kind": "x", "subject": "x", "text_body": "x", "html_body": "x"}]
    yield t.report_file, [here | {"report": code, "name": "x", "media_type": "x", "content": b""}]
    yield t.report_drop, [here | {"report": code, "name": "x", "target": "x"}]
    yield t.message, [here | {"report": code, "recipient": "x", "message_id": code}]
    yield t.dating, [here | {"day": date.min, "started": 0, "ended": 0, "deactivated": 0}]
    yield t.sweep, [here | {"legal_hold": False, "proof": {}}]


def record(table: Table, code: str, owner: str, name: str | None = None) -> dict[str, Any]:
    """A record that its owner's name (or another) names; all point at the records of its owner."""
    key = name or owner
    address = f"{key}@{code}.invalid"
    facts: Mapping[str, dict[str, Any]] = {
        "school": {"school_id": key, "name": "x"},
        "person": {"user_id": key, "role": "Teacher", "first_name": "x", "last_name": "x"}
        | {"email": address, "email_key": address},
        "placement": {"user_id": owner, "school_id": key, "status": "active"},
        "class": {"class_id": key, "school_id": owner, "name": "x"},
        "enrollment": {"user_id": owner, "class_id": key, "status": "active"},
    }
    return {"district": code, "owner": owner} | facts[table.name]

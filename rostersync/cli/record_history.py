"""`rostersync explain PERSON|CLASS|SCHOOL`: every change of a record, with delivery, line, who and when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from rostersync import ledger
from rostersync.cli.environment import open_services
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import Format
from rostersync.cli.output import print_json, print_lines, say
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError
from rostersync.ledger import Logged
from rostersync.pipeline.context import district_transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """One record, under the IDs it has had, and what has happened to it, oldest first."""

    entity: str
    ids: tuple[str, ...]
    changes: Sequence[Logged]


def print_history(id_: str, code: str, format_: Format) -> int:
    """Print the history of every person, class and school of the district that has, or had, this ID.

    Raises ConfigurationError for an unknown district, and for an ID that nothing is known of.
    """
    districts.load_district(code)
    with open_services() as opened, district_transaction(opened, code) as conn:
        found, swept = list(_histories(conn, code, id_)), ledger.swept_before(conn, code, "changes")
    if not found:
        raise ConfigurationError(
            f"District {code} has no person, class or school {id_}, and the log knows of none.",
            hint=f"IDs are case-sensitive. {_swept(swept)}".rstrip(),
        )
    if format_ is Format.JSON:
        print_json(_json(code, id_, found, swept))
    else:
        print_lines(line for entry in found for line in _lines(entry))
        if swept is not None:
            say(_swept(swept))
    return FINE


def _swept(moment: datetime | None) -> str:
    return f"Changes up to {moment.date().isoformat()} have been swept from the log." if moment else ""


def _histories(conn: Connection, code: str, id_: str) -> Iterator[History]:
    there = ledger.records_named(conn, code, id_)
    for life in ledger.id_periods(ledger.corrections(conn, code), id_):
        changes = ledger.changes_of_person(conn, code, life)
        if changes or ("person" in there and life[-1].until is None and life[-1].id == id_):
            yield History(entity="person", ids=tuple(period.id for period in life), changes=changes)
    for entity, changes_of in (("class", ledger.changes_of_class), ("school", ledger.changes_of_school)):
        changes = changes_of(conn, code, id_)
        if changes or entity in there:
            yield History(entity=entity, ids=(id_,), changes=changes)


def _json(code: str, id_: str, found: Sequence[History], swept: datetime | None) -> dict[str, Any]:
    records = [
        {"entity": entry.entity, "ids": list(entry.ids), "changes": [_change_json(change) for change in entry.changes]}
        for entry in found
    ]
    return {"district": code, "id": id_, "swept_until": swept.isoformat() if swept else None, "records": records}


def _change_json(each: Logged) -> dict[str, Any]:
    return {
        "at": each.at.isoformat(),
        "by": each.actor,
        "delivery": each.delivery,
        "attempt": each.attempt,
        "line": each.line,
        "entity": each.entity,
        "key": list(each.key),
        "action": each.action,
        "reason": each.reason,
        "changed": {name: [before, after] for name, before, after in _differences(each)},
    }


def _differences(each: Logged) -> Iterator[tuple[str, Any, Any]]:
    """(field, before, after) of what changed; the folded address goes without saying, and an ID that stayed."""
    before, after = dict(each.before or {}), dict(each.after or {})
    if "user_id" in before:
        after["user_id"] = each.key[0]
    for name in sorted((before.keys() | after.keys()) - {"email_key"}):
        if before.get(name) != after.get(name):
            yield name, before.get(name), after.get(name)


def _lines(history: History) -> Iterator[str]:
    yield f"{history.entity} {' -> '.join(history.ids)}"
    if not history.changes:
        yield "  is in the roster; no change of it is in the log"
    for change in history.changes:
        key = " / ".join(change.key)
        yield f"  {change.at:%Y-%m-%d %H:%M} UTC  {change.entity} {key}: {change.action}, {_source(change)}"
        for name, before, after in _differences(change):
            yield f"      {name}: {_shown(before)} -> {_shown(after)}"


def _source(each: Logged) -> str:
    if each.delivery is None:
        return f"by {each.actor}"
    line = f"line {each.line} of " if each.line is not None else ""
    why = f" ({each.reason})" if each.reason else ""
    return f"{line}delivery {each.delivery}, attempt {each.attempt}, by {each.actor}{why}"


def _shown(value: Any) -> str:
    return "(blank)" if value is None else str(value)

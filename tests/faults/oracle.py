"""What must hold after every fault, whatever it was: the same questions for each of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tests.faults.fault_bench import Bench
from tests.faults.observer import TABLES, Seen, look
from tests.faults.scenario import CANARY, HERE
from tests.support.servers import Accepted

APPLIED = ("applied", "applied_with_errors")
KEYS = {
    "school": ("school_id",),
    "person": ("user_id",),
    "class": ("class_id",),
    "placement": ("user_id", "school_id"),
    "enrollment": ("user_id", "class_id"),
}
LOGGED = """
WITH named AS (
    SELECT delivery, attempt, CASE WHEN entity IN ('person', 'placement') THEN 'staff' ELSE entity END AS entity,
           coalesce(max(action) FILTER (WHERE entity <> 'placement'), 'updated') AS action
    FROM intake.change WHERE delivery IS NOT NULL AND action <> 'undone'
    GROUP BY delivery, attempt, 3, CASE WHEN entity IN ('person', 'placement') THEN key[1] ELSE key::text END)
SELECT delivery, attempt, entity, action, count(*) FROM named GROUP BY 1, 2, 3, 4
"""
"""What the change log says, in the terms of the counts: who got or lost a placement is a changed member of staff."""
LAST = f"""
SELECT DISTINCT ON (key) key, after FROM intake.change
WHERE district = '{HERE}' AND entity = '{{}}' ORDER BY key, id DESC
"""
GAPS = f"""
SELECT FROM (
    SELECT before, lag(id) OVER earlier AS earlier, lag(after) OVER earlier AS left_by
    FROM intake.change WHERE district = '{HERE}' AND entity = '{{}}'
    WINDOW earlier AS (PARTITION BY key ORDER BY id)) c
WHERE earlier IS NOT NULL AND before IS DISTINCT FROM left_by
"""
"""Lost updates: somebody wrote over what he had not seen."""
PRIVATE = ("landing", "outbox", "inbox")
"""Beginnings of the names of folders that may hold personal data; nothing else that a task leaves behind may."""


def judge(bench: Bench, seen: Iterable[Seen], server_log: Path) -> list[str]:
    """Every promise that was broken, in a sentence each."""
    states = {*seen, bench.before, look(bench.superuser)}
    broken = [*_roster(bench, states), *_counts(bench), *_replayed(bench), *_mails(bench)]
    return [*broken, *_canaries(bench, server_log)]


def _roster(bench: Bench, states: set[Seen]) -> Iterator[str]:
    """Before or after and never between; and what is not this file's to change is as it was."""
    versions: dict[int, set[str]] = {}
    for state in states:
        versions.setdefault(state.version, set()).add(state.here)
    torn = [version for version, found in versions.items() if len(found) > 1]
    if torn and not bench.elsewhere:
        yield f"the roster showed several states under one version: {torn}"
    allowed = {each.here for each in (bench.before, bench.after, *bench.elsewhere) if each}
    if not bench.own_story and not {state.here for state in states} <= allowed:
        yield "the roster was neither as before nor as after the night"
    known = [bench.before, *bench.elsewhere]
    if not {state.next_door for state in states} <= {each.next_door for each in known}:
        yield "another district's roster changed"
    if not {state.source for state in states} <= {each.source for each in known}:
        yield "rows that the enrollment source owns changed"


def _counts(bench: Bench) -> Iterator[str]:
    """Every row is accepted, rejected or set aside, and the counts are what the change log holds."""
    logged: dict[tuple[str, int], Counter[tuple[str, str]]] = {}
    for delivery, number, entity, action, count in bench.sql(LOGGED):
        logged.setdefault((delivery, number), Counter())[entity, action] = count
    for delivery, number, outcome, rows, counts in bench.sql(
        "SELECT delivery, number, outcome, rows, counts FROM intake.attempt"
    ):
        found = logged.pop((delivery, number), Counter())
        if rows["read"] != rows["accepted"] + rows["rejected"] + rows["set_aside"]:
            yield f"{delivery}: rows were lost: {rows}"
        if outcome in APPLIED and found != _told(counts):
            yield f"{delivery}: the counts are {_told(counts)}, but the log has {found}"
    if logged:
        yield f"changes without an attempt: {sorted(logged)}"


def _told(counts: dict[str, dict[str, int]]) -> Counter[tuple[str, str]]:
    actions = ("created", "updated", "removed")
    return +Counter({(entity, action): by[action] for entity, by in counts.items() for action in actions})


def _replayed(bench: Bench) -> Iterator[str]:
    """No row is lost or invented: each is as the last change of its key left it, and a file's row has one."""
    for name in TABLES:
        key = ", ".join(f"t.{each}" for each in KEYS[name])
        last = LAST.format(name)
        lost = bench.sql(
            f'SELECT count(*) FROM ({last}) c LEFT JOIN roster."{name}" t'
            f" ON t.district = '{HERE}' AND ARRAY[{key}]::text[] = c.key"
            " WHERE t.district IS NULL OR (t.owner = 'file' AND NOT to_jsonb(t) @> c.after)"
        )
        unlogged = bench.sql(
            f"SELECT count(*) FROM roster.\"{name}\" t WHERE t.district = '{HERE}' AND t.owner = 'file'"
            f" AND NOT EXISTS (SELECT FROM ({last}) c WHERE c.key = ARRAY[{key}]::text[])"
        )
        gaps = [] if bench.elsewhere else bench.sql(GAPS.format(name))
        if gaps:
            yield f"{name}: {len(gaps)} changes began with another image than the one before them had left"
        if lost != [(0,)] or unlogged != [(0,)]:
            yield f"{name}: {lost[0][0]} rows are not as the change log left them, {unlogged[0][0]} came from nowhere"


def _mails(bench: Bench) -> Iterator[str]:
    """Accepted at most once; `sent` means accepted once, `unknown` that nobody knows, the rest was not accepted."""
    accepted = Counter(_identity(each) for each in bench.smtp.accepted)
    twice = [identity for identity, count in accepted.items() if count > 1]
    if twice:
        yield f"{len(twice)} mails were accepted more than once"
    possible = {"sent": (1,), "unknown": (0, 1), "sending": (0, 1)}
    rows = bench.sql("SELECT message_id, recipient, state FROM intake.message")
    for message, recipient, state in rows:
        if bench.order()["smtp"] and accepted[message, recipient] not in possible.get(state, (0,)):
            yield f"a message is {state}, and the server accepted it {accepted[message, recipient]} times"
    if not set(accepted) <= {(message, recipient) for message, recipient, _ in rows}:
        yield "the server accepted a mail that is in no outbox"


def _identity(mail: Accepted) -> tuple[str, str]:
    [recipient] = mail.recipients
    return str(mail.message["Message-ID"]), recipient


def _canaries(bench: Bench, server_log: Path) -> Iterator[str]:
    """Personal data only where it may be."""
    said = json.dumps([[each.results, each.error, each.words] for each in bench.said], default=str)
    subjects = " ".join(str(each.message["Subject"]) for each in bench.smtp.accepted)
    told: dict[str, Any] = {"what tasks told": said, "mail subjects": subjects}
    for path in [*_left(bench.nights.folder), server_log]:
        told[str(path)] = path.read_text(errors="replace") if path.is_file() else ""
        told[f"a name below {path.parent.name}"] = path.name
    yield from (f"a canary is in {where}" for where, text in told.items() if CANARY in text.casefold())


def _left(folder: Path) -> Iterator[Path]:
    for top in folder.iterdir():
        if not top.name.startswith(PRIVATE):
            yield from [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]

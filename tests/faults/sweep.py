"""Kills by the hundred: at every named place, before and after every statement, at any moment; then the night again."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rostersync.settings import PROJECT
from tests.faults.baseline import FRESH, VALIDATED, Ground
from tests.faults.fault_bench import NIGHT, STALE, Bench
from tests.faults.fork_client import KILLED, Ended
from tests.faults.observer import look
from tests.faults.oracle import judge

RESCUES = ("night-2", "night-3")
"""Who finishes: the same run, its task cleared, or the next night's."""


def points(*prefixes: str) -> list[str]:
    """The crash points of the program, as they stand in its source."""
    source = "\n".join(path.read_text() for path in sorted((PROJECT / "rostersync").rglob("*.py")))
    found = re.findall(r'fault_points\.point\("([a-z_.]+)"\)', source)
    return [name for name in dict.fromkeys(found) if name.startswith(prefixes or "")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A victim: from which stage, and where it is killed. `moment`: the part of an undisturbed night's time."""

    stage: str
    rescue: str
    order: dict[str, Any] = field(default_factory=dict)
    moment: float | None = None

    def __str__(self) -> str:
        where = self.order or f"at {self.moment:.3f} of its time"
        return f"{self.stage}, {where}, finished by {self.rescue}"


def at_points() -> Iterator[Kill]:
    """Every place that a night passes, in both ways of going on."""
    for name in points("landing", "pull", "validate", "upsert", "report", "email", "relay"):
        stage = FRESH if name.startswith(("landing", "pull", "validate")) else VALIDATED
        for rescue in RESCUES:
            yield Kill(stage=stage, rescue=rescue, order={"point": name, "config": MOVING if "move" in name else {}})


MOVING: dict[str, Any] = {"policies": {"after_read": "move"}}


def at_statements(ground: Ground) -> Iterator[Kill]:
    """Before and after each statement of a night."""
    for stage, count in ground.statements.items():
        for number in range(1, count + 1):
            for before in (True, False):
                rescue = RESCUES[number % 2]
                yield Kill(stage=stage, rescue=rescue, order={"statement": number, "before": before})


def at_moments(count: int, seed: int) -> Iterator[Kill]:
    """Anywhere between two instructions."""
    chance = random.Random(seed)
    for _ in range(count):
        yield Kill(stage=chance.choice((FRESH, VALIDATED)), rescue=chance.choice(RESCUES), moment=chance.random())


def struck(bench: Bench, kill: Kill, seconds: float) -> Ended:
    """The victim's end; a random moment is brought forward until it comes before the night is over."""
    if kill.moment is None:
        return bench.night(**kill.order)
    while True:
        ended = bench.parent.killed_after(bench.order(), kill.moment * seconds)
        bench.said.append(ended)
        if ended.code == KILLED:
            return ended
        seconds *= 0.7


def survive(ground: Ground, kill: Kill, seconds: Callable[[str], float], server_log: Path) -> list[str]:
    """Kill, finish the night in another process, and compare it with the undisturbed one. Every difference."""
    with ground.bench(kill.stage) as bench:
        ended = struck(bench, kill, seconds(kill.stage))
        if ended.code != KILLED:
            return [f"{kill}: was not killed: {ended}"]
        between = look(bench.superuser)
        hanging = bench.sql("SELECT count(*) FROM intake.message WHERE state = 'sending'")[0][0]
        again = bench.night(run=kill.rescue, steps=[*NIGHT, "relay"], later=STALE, config=kill.order.get("config", {}))
        if (again.code, again.error) != (0, None):
            return [f"{kill}: the night after it failed: {again}"]
        broken = judge(bench, {between}, server_log) + list(_differences(bench, hanging))
        return [f"{kill}: {each}" for each in broken]


def _differences(bench: Bench, hanging: int) -> Iterator[str]:
    if look(bench.superuser).here != (bench.after or bench.before).here:
        yield "the roster differs from an undisturbed night's"
    found, wanted = bench.outcome(), bench.undisturbed
    unknown = sum(state == "unknown" for _, _, state in found["mail"])
    if unknown != hanging:
        yield f"{unknown} messages are unknown, {hanging} were being sent"
    found["mail"] = [(kind, to, "sent" if state == "unknown" else state) for kind, to, state in found["mail"]]
    missing = [each for each in wanted["mailed"] if each not in found["mailed"]]
    if len(missing) <= unknown:
        found["mailed"] = sorted([*found["mailed"], *missing])
    yield from (f"{name} differs from an undisturbed night's" for name in wanted if found[name] != wanted[name])

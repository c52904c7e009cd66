"""What the ledger may say of a content, night after night: written from the safety page, Known bytes, Order and Holds.

Of a mass change it does not say whether it is held: the program's own word is taken, and the roster must fit it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from rostersync.model import Outcome, Severity
from rostersync.pipeline import SyncResult
from tests.support.oracle import whole_files
from tests.support.oracle.comparison import assert_equal, counted
from tests.support.oracle.values import Policies, Roster
from tests.support.oracle.whole_files import WholeFile
from tests.support.strategies import NormalizedTable

APPLIED = (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS)
SET_ASIDE = ("discarded", "superseded", "undone")
OPEN = ("pulled", "validated", "held")
ASIDE_CODES = ("row-folded", "person-handed-over", "row-left-out")
Flat = tuple[int, str, str, str]
Conditions = tuple[date, int, str]
"""The district's date, the roster's version and the configuration of a judgement."""


@dataclass(slots=True, kw_only=True)
class Content:
    """A content that the ledger knows. `left_out`: lines that an approval left out; `told`: its latest findings."""

    id: str
    sheet: NormalizedTable
    data: bytes
    state: str = "new"
    sequence: int = 0
    times: set[datetime] = field(default_factory=set)
    last_seen: datetime
    judged: Conditions | None = None
    configuration: str = ""
    left_out: frozenset[int] = frozenset()
    held_schools: tuple[str, ...] = ()
    applied_at: datetime | None = None
    held_at: datetime | None = None
    told: tuple[Flat, ...] = ()
    nothing_new_on: set[date] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a content was met: `anew` with a new modification time, `latest` as the content that was applied last."""

    conditions: Conditions
    anew: bool = False
    latest: bool = False
    force: bool = False
    blackout: bool = False
    older_file: bool = True


def flats(result: SyncResult) -> tuple[Flat, ...]:
    """The findings by which two judgements are told apart."""
    return tuple(sorted((f.line or 0, f.column or "", f.code, f.severity.value) for f in result.findings))


def check_outcome(content: Content, result: SyncResult, look: Look) -> None:
    """The outcome is one that the content's state and this look allow. Nothing is noted yet."""
    outcome, state = result.outcome, content.state
    assert outcome is not Outcome.FAILED, f"failed: {result.error}"
    assert (outcome is Outcome.WAITING) <= look.blackout
    if outcome is Outcome.WAITING:
        return
    refused = whole_files.is_refused(content.sheet)
    assert refused or outcome is not Outcome.REFUSED
    assert not refused or outcome in (Outcome.REFUSED, Outcome.DUPLICATE)
    if outcome is Outcome.DUPLICATE:
        assert state == "applied" or state in SET_ASIDE, f"duplicate, but it was {state}"
    if look.force or state in ("new", "pulled", "validated", "failed", "refused"):
        return
    if state in SET_ASIDE:
        assert outcome is Outcome.DUPLICATE, f"{state}, and {outcome} all the same"
    elif state == "held":
        assert outcome is Outcome.HELD, f"held, and {outcome} without a decision"
    elif state == "applied":
        _check_applied_before(content, result, look)


def _check_applied_before(content: Content, result: SyncResult, look: Look) -> None:
    outcome = result.outcome
    if not look.latest and not look.anew:
        assert outcome is Outcome.DUPLICATE, f"earlier content, left in place: {outcome}"
    elif not look.latest and look.older_file and result.rows.accepted:
        assert outcome is Outcome.HELD, f"earlier content that arrives anew: {outcome}"
    elif look.latest and content.judged == look.conditions:
        assert outcome is Outcome.DUPLICATE, f"judged under the same conditions: {outcome}"
    elif look.latest and content.left_out and content.configuration == look.conditions[2]:
        assert outcome is Outcome.DUPLICATE, f"approved in part, and judged again: {outcome}"


def check_came_to(result: SyncResult, whole: WholeFile, content: Content) -> None:
    """An applied content came to what the oracle says: rows, rejected lines, counts."""
    found = {f.line for f in result.findings if f.severity is Severity.ROW}
    codes = sorted((f.line, f.code) for f in result.findings if f.severity is Severity.ROW)
    assert_equal(f"rejected lines ({codes}; {sorted(whole.night.findings)})", found, set(whole.rejected))
    told = {f.line for f in result.findings if f.code in ASIDE_CODES}
    assert whole.aside <= told, f"set aside without a finding: lines {whole.aside - told}"
    rows = result.rows
    have = {"read": rows.read, "accepted": rows.accepted, "rejected": rows.rejected, "set_aside": rows.set_aside}
    assert_equal("rows", have, whole.night.rows)
    assert rows.read == rows.accepted + rows.rejected + rows.set_aside == len(content.sheet[1])
    assert_equal("counts", {entity: dict(by) for entity, by in result.counts.items()}, whole.night.counts)
    assert_equal("entities", {entity: sum(by.values()) for entity, by in result.counts.items()}, whole.night.distinct)
    assert_equal("counts by school", counted(result.by_school), counted(whole.night.by_school))
    assert_equal("whether anything changed", bool(result.changes), whole.night.changed)


def judge(content: Content, roster: Roster, today: date, creation: bool, left_out: frozenset[int]) -> WholeFile:
    """What the oracle makes of a content today."""
    policies = Policies(school_creation=creation)
    return whole_files.judge(roster, content.sheet, today=today, policies=policies, left_out=left_out)


Message = tuple[str, int, str, str]
"""Delivery, attempt, kind of report, recipient."""


def check_mails(
    new: Counter[Message], known: dict[str, Content], looks: Sequence[tuple[SyncResult, Look, str]]
) -> None:
    """Nobody is told of what nothing new came of; of a new attempt each is told once."""
    by_delivery = {result.delivery: (result, look, state) for result, look, state in looks}
    for (delivery, attempt, kind, recipient), number in new.items():
        assert number == 1, f"{recipient} got {kind} {number} times"
        assert delivery in by_delivery, f"a mail {kind} about {delivery}, which was not there"
        result, look, state = by_delivery[delivery]
        if result.outcome is Outcome.DUPLICATE:
            assert look.anew, f"{kind} about a duplicate that was {state} and lies there still"
            assert kind.startswith("nothing_new"), f"{kind} about a duplicate that was {state}"
            assert look.conditions[0] not in known[delivery].nothing_new_on, f"{kind} twice a day"
        elif result.outcome is Outcome.REFUSED and kind.rpartition(" ")[0].endswith("week"):
            assert (state, look.anew) == ("refused", False)
        else:
            assert attempt == result.attempt, f"{kind} of attempt {attempt} instead of {result.attempt}"
    for result, look, _ in looks:
        if result.outcome is Outcome.DUPLICATE and any(key[0] == result.delivery for key in new):
            known[str(result.delivery)].nothing_new_on.add(look.conditions[0])

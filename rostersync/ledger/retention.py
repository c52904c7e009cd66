"""What the ledger keeps for how long, as SQL: one `RetainedKind` for each term, and the proof of a sweep.

Terms count from when a content was last seen in an inbox: what a file that still lies there was judged to be decides
whether it is a duplicate. What nobody has decided about yet stays, whatever its age. Every function wants a connection
that may delete (the role `roster_sweep`) and that concerns the district.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Select, Table, and_, case, delete, exists, false, func, insert, or_, select
from sqlalchemy import tuple_ as row

from rostersync.database import tables as t
from rostersync.ledger.attempts import applied_last
from rostersync.model import DeliveryState

if TYPE_CHECKING:
    from rostersync.configuration.district import Retention

OPEN = (DeliveryState.PULLED, DeliveryState.VALIDATED, DeliveryState.HELD, DeliveryState.FAILED)
"""Nothing was decided yet about deliveries in these states: they are tried again, or a person looks at them."""
UNSETTLED = ("queued", "deferred", "sending")
"""Messages of which nobody knows yet what becomes of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a sweep did to one kind: everything of before `before` went, except what stays.

    `left`: how many there are now, the oldest of `oldest`; `staying`: how many of them are older than their term.
    """

    swept: int
    before: datetime
    left: int
    oldest: datetime | None
    staying: int

    def to_json(self) -> dict[str, Any]:
        """With moments as text."""
        oldest = self.oldest.isoformat() if self.oldest else None
        return asdict(self) | {"before": self.before.isoformat(), "oldest": oldest}


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedKind:
    """Rows that go together. `dated`: keys, `moment` and `stays` of each; `parts`: tables, children first, and keys."""

    name: str
    days: Callable[[Retention], int]
    dated: Callable[[str], Select[Any]]
    parts: tuple[tuple[Table, tuple[str, ...]], ...]


def sweep_kind(conn: Connection, kind: RetainedKind, code: str, before: datetime) -> Proof:
    """Delete what is older and does not stay."""
    rows = kind.dated(code).subquery("dated")
    keys = [column for column in rows.c if column.name not in ("moment", "stays")]
    gone = select(*keys).where(rows.c.moment < before, rows.c.stays.is_(False))
    swept = 0
    for table, names in kind.parts:
        swept = conn.execute(delete(table).where(row(*(table.c[name] for name in names)).in_(gone))).rowcount
    older = func.count().filter(rows.c.moment < before)
    left, oldest, staying = conn.execute(select(func.count(), func.min(rows.c.moment), older)).one()
    return Proof(swept=swept, before=before, left=left, oldest=oldest, staying=staying)


def contents(conn: Connection, code: str) -> dict[str, tuple[datetime, bool]]:
    """sha256 → when it was last seen, and whether it is still open what becomes of it."""
    rows = conn.execute(_contents(code)).mappings()
    return {found["sha256"]: (found["seen"], found["state"] in OPEN) for found in rows}


def _contents(code: str) -> Select[Any]:
    """Every delivery with its state, when its content was last in the inbox, and its latest attempt."""
    arrivals, attempts = t.arrival.c, t.attempt.c
    looks = select(arrivals.delivery, func.max(arrivals.seen_at).label("seen")).where(arrivals.district == code)
    numbers = func.max(attempts.number).label("latest"), func.max(attempts.ended_at).label("judged")
    tries = select(attempts.delivery, *numbers).where(attempts.district == code)
    looked = looks.group_by(arrivals.delivery).subquery("looked")
    tried = tries.group_by(attempts.delivery).subquery("tried")
    deliveries = t.delivery
    joined = deliveries.outerjoin(looked, looked.c.delivery == deliveries.c.id).outerjoin(
        tried, tried.c.delivery == deliveries.c.id
    )
    seen = func.greatest(deliveries.c.landed_at, looked.c.seen).label("seen")
    latest = func.coalesce(tried.c.latest, 0).label("latest")
    columns = (
        deliveries.c.id,
        deliveries.c.sha256,
        deliveries.c.state,
        deliveries.c.landed_at,
        deliveries.c.decided_at,
        tried.c.judged,
    )
    return select(*columns, seen, latest).select_from(joined).where(deliveries.c.district == code)


def _reports(code: str) -> Select[Any]:
    reports, messages = t.report.c, t.message.c
    unsettled = exists().where(messages.report == reports.id, messages.state.in_(UNSETTLED))
    return select(reports.id, reports.created_at.label("moment"), unsettled.label("stays")).where(
        reports.district == code
    )


def _findings(code: str) -> Select[Any]:
    """The latest findings count from when the content was last seen, earlier ones from their judgement."""
    findings, attempts, content = t.finding, t.attempt, _contents(code).subquery("content")
    judged = func.coalesce(attempts.c.ended_at, content.c.landed_at)
    moment = case((findings.c.attempt >= content.c.latest, content.c.seen), else_=judged)
    joined = findings.join(content, content.c.id == findings.c.delivery)
    joined = joined.outerjoin(
        attempts, and_(attempts.c.delivery == findings.c.delivery, attempts.c.number == findings.c.attempt)
    )
    columns = (
        findings.c.delivery,
        findings.c.attempt,
        moment.label("moment"),
        content.c.state.in_(OPEN).label("stays"),
    )
    return select(*columns).select_from(joined).where(findings.c.district == code)


def _plans(code: str) -> Select[Any]:
    """From the decision about this plan, else from the end of the waiting."""
    plans, made, content = t.plan, t.decision, _contents(code).subquery("content")
    decided = and_(made.c.delivery == plans.c.delivery, made.c.attempt == plans.c.attempt)
    joined = plans.join(content, content.c.id == plans.c.delivery).outerjoin(made, decided)
    moment = func.coalesce(made.c.decided_at, content.c.decided_at, content.c.judged)
    waits = and_(made.c.decided_at.is_(None), content.c.state == DeliveryState.HELD)
    columns = (plans.c.delivery, plans.c.attempt, moment.label("moment"), waits.label("stays"))
    return select(*columns).select_from(joined).where(plans.c.district == code)


def _changes(code: str) -> Select[Any]:
    changes = t.change.c
    return select(changes.id, changes.at.label("moment"), false().label("stays")).where(changes.district == code)


def _deliveries(code: str) -> Select[Any]:
    """The content that was applied last stays: what comes next is compared with it. So does what a report is about."""
    content = _contents(code).subquery("content")
    is_last = content.c.id.is_not_distinct_from(applied_last(code).scalar_subquery())
    stays = or_(content.c.state.in_(OPEN), is_last, exists().where(t.report.c.delivery == content.c.id))
    return select(content.c.id, content.c.seen.label("moment"), stays.label("stays"))


def _looks(code: str) -> Select[Any]:
    arrivals = t.arrival.c
    return select(arrivals.id, arrivals.seen_at.label("moment"), false().label("stays")).where(
        arrivals.district == code
    )


def _first_looks(code: str) -> Select[Any]:
    """They serve the run that looked; their names are those of raw files."""
    look = t.inbox_look.c
    return select(look.id, look.seen_at.label("moment"), false().label("stays")).where(look.district == code)


def _dates(code: str) -> Select[Any]:
    dates = t.dating.c
    return select(dates.day, dates.at.label("moment"), false().label("stays")).where(dates.district == code)


def _sweeps(code: str) -> Select[Any]:
    sweeps = t.sweep.c
    return select(sweeps.id, sweeps.at.label("moment"), false().label("stays")).where(sweeps.district == code)


KINDS = (
    RetainedKind(
        name="reports",
        days=lambda terms: terms.reports,
        dated=_reports,
        parts=(
            (t.message, ("report",)),
            (t.report_drop, ("report",)),
            (t.report_file, ("report",)),
            (t.report, ("id",)),
        ),
    ),
    RetainedKind(
        name="findings",
        days=lambda terms: terms.reports,
        dated=_findings,
        parts=((t.finding, ("delivery", "attempt")),),
    ),
    RetainedKind(
        name="plans", days=lambda terms: terms.plans, dated=_plans, parts=((t.plan, ("delivery", "attempt")),)
    ),
    RetainedKind(name="changes", days=lambda terms: terms.changes, dated=_changes, parts=((t.change, ("id",)),)),
    RetainedKind(
        name="deliveries",
        days=lambda terms: terms.ledger,
        dated=_deliveries,
        parts=(
            (t.finding, ("delivery",)),
            (t.plan, ("delivery",)),
            (t.decision, ("delivery",)),
            (t.undo, ("delivery",)),
            (t.run_delivery, ("delivery",)),
            (t.arrival, ("delivery",)),
            (t.attempt, ("delivery",)),
            (t.delivery, ("id",)),
        ),
    ),
    RetainedKind(
        name="first_looks", days=lambda terms: terms.raw_files, dated=_first_looks, parts=((t.inbox_look, ("id",)),)
    ),
    RetainedKind(name="looks", days=lambda terms: terms.ledger, dated=_looks, parts=((t.arrival, ("id",)),)),
    RetainedKind(name="dates", days=lambda terms: terms.ledger, dated=_dates, parts=((t.dating, ("day",)),)),
    RetainedKind(name="sweeps", days=lambda terms: terms.ledger, dated=_sweeps, parts=((t.sweep, ("id",)),)),
)


def sweep_runs(conn: Connection, before: datetime) -> int:
    """Delete the lists of districts of older runs; they belong to no district."""
    return conn.execute(delete(t.run_districts).where(t.run_districts.c.listed_at < before)).rowcount


def record_sweep(conn: Connection, code: str, proof: Mapping[str, Proof], *, legal_hold: bool, at: datetime) -> None:
    """Store what a sweep of this district did, kind by kind."""
    told = {name: item.to_json() for name, item in proof.items()}
    conn.execute(insert(t.sweep).values(district=code, legal_hold=legal_hold, proof=told, at=at))


def swept_before(conn: Connection, code: str, kind: str) -> datetime | None:
    """Rows of this kind (a name of `KINDS`, or files) of before this moment may be gone; None: nothing is."""
    of_kind = t.sweep.c.proof[kind]
    took = of_kind["swept"].as_integer() > 0
    newest = select(func.max(of_kind["before"].as_string())).where(t.sweep.c.district == code, took)
    moment: str | None = conn.scalar(newest)
    return datetime.fromisoformat(moment) if moment else None


def last_sweep(conn: Connection) -> datetime | None:
    """When anything was swept last, or found to be within its term."""
    moment: datetime | None = conn.scalar(select(func.max(t.sweep.c.at)))
    return moment

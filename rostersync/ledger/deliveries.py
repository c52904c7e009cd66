"""One row per (district, SHA-256): the content, its state and the conditions it was last judged under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.dialects.postgresql import insert

from rostersync.database.tables import delivery, district
from rostersync.exceptions import LedgerMismatch
from rostersync.model import DeliveryState, Landed


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What a judgement depends on beside the bytes and the roster: attributes of a delivery, not keys."""

    dictionary_version: str
    code_version: str
    config_digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A delivery as the ledger has it. `attempts` is the highest attempt number given out so far.

    `file_findings`: how many findings of the file rules were stored under it (None: not known).
    `size` in bytes; `open_work`: ids of works on it, all of one run, that have not ended as far as is known.
    """

    id: str
    district: str
    sha256: str
    state: DeliveryState
    sequence: int
    modified_at: datetime
    landed_at: datetime
    conditions: Conditions
    judged_roster_version: int | None
    judged_on: date | None
    attempts: int
    file_findings: int | None
    size: int
    open_work: tuple[str, ...]
    decided_by: str | None
    decided_at: datetime | None


def delivery_id(code: str, sha256: str) -> str:
    """The id of a content in a district: the same for ever, and free of the file's name."""
    return f"{code}-{sha256[:16]}"


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(
        id=row.id,
        district=row.district,
        sha256=row.sha256,
        state=DeliveryState(row.state),
        sequence=row.sequence,
        modified_at=row.modified_at,
        landed_at=row.landed_at,
        conditions=Conditions(
            dictionary_version=row.dictionary_version, code_version=row.code_version, config_digest=row.config_digest
        ),
        judged_roster_version=row.judged_roster_version,
        judged_on=row.judged_on,
        attempts=row.attempts,
        file_findings=row.file_findings,
        size=row.size_bytes,
        open_work=tuple(row.open_work),
        decided_by=row.decided_by,
        decided_at=row.decided_at,
    )


def ensure_district(conn: Connection, code: str, name: str) -> None:
    """Give a configured district its row, the first time it is met."""
    conn.execute(insert(district).values(code=code, name=name).on_conflict_do_nothing())


def known_districts(conn: Connection) -> Sequence[str]:
    """The codes of all districts that ever had a roster or a file, sorted: for what goes from district to district."""
    return conn.scalars(select(district.c.code).order_by(district.c.code)).all()


def roster_version(conn: Connection, code: str) -> int:
    """How many times the roster of this district was written; 0 for a district that has no row yet."""
    return conn.execute(select(district.c.roster_version).where(district.c.code == code)).scalar() or 0


def known(conn: Connection, code: str, sha256: str) -> Delivery | None:
    """The delivery of these bytes in this district, if they were ever landed."""
    row = conn.execute(select(delivery).where(delivery.c.district == code, delivery.c.sha256 == sha256)).first()
    return _delivery(row) if row else None


def delivery_of(conn: Connection, code: str, id_: str) -> Delivery:
    """A delivery of a district by its id. Raises LedgerMismatch for one that is another district's, or nobody's."""
    row = conn.execute(select(delivery).where(delivery.c.id == id_, delivery.c.district == code)).first()
    if row is None:
        raise LedgerMismatch(
            f"Delivery {id_} is not one of district {code}.", hint="Clear the district's pull task, it knows its own."
        )
    return _delivery(row)


def record_delivery(
    conn: Connection, landed: Landed, *, modified_at: datetime, landed_at: datetime, conditions: Conditions
) -> Delivery:
    """Enter landed bytes as `pulled`; bytes that another run entered meanwhile are returned as they are."""
    statement = insert(delivery).values(
        id=delivery_id(landed.district, landed.sha256),
        district=landed.district,
        sha256=landed.sha256,
        size_bytes=landed.size,
        state=DeliveryState.PULLED,
        modified_at=modified_at,
        landed_at=landed_at,
        dictionary_version=conditions.dictionary_version,
        code_version=conditions.code_version,
        config_digest=conditions.config_digest,
    )
    row = conn.execute(statement.on_conflict_do_nothing().returning(delivery)).first()
    found = _delivery(row) if row else known(conn, landed.district, landed.sha256)
    if found is None:
        raise LedgerMismatch(f"The ledger of {landed.district} has another content under this delivery id.")
    return found


def seen_again(conn: Connection, id_: str, modified_at: datetime) -> None:
    """Known bytes arrived anew: the order of deliveries goes by their latest modification time."""
    newest = func.greatest(delivery.c.modified_at, modified_at)
    conn.execute(update(delivery).where(delivery.c.id == id_).values(modified_at=newest))


def unfinished(conn: Connection, code: str) -> Sequence[Delivery]:
    """Deliveries whose work was interrupted, in arrival sequence.

    Failed ones are not among them: they wait for a person, or for the file to be found again.
    """
    states = (DeliveryState.PULLED, DeliveryState.VALIDATED)
    wanted = select(delivery).where(delivery.c.district == code, delivery.c.state.in_(states))
    return [_delivery(row) for row in conn.execute(wanted.order_by(delivery.c.sequence))]


def mark_failed(conn: Connection, id_: str) -> None:
    """Our machinery failed on this delivery; what was applied, refused or decided before stays so."""
    unfinished_states = (DeliveryState.PULLED, DeliveryState.VALIDATED)
    broken = delivery.c.state.in_(unfinished_states)
    conn.execute(update(delivery).where(delivery.c.id == id_, broken).values(state=DeliveryState.FAILED))


def mark_validated(
    conn: Connection, id_: str, *, attempt: int, findings: int, conditions: Conditions, state: DeliveryState
) -> None:
    """The file rules were judged under these conditions; so many findings are stored under this attempt number.

    The whole judgement, the roster's part included, is still to come: whoever dies before it leaves that to be seen.
    """
    conn.execute(
        update(delivery)
        .where(delivery.c.id == id_)
        .values(
            state=state,
            attempts=attempt,
            file_findings=findings,
            judged_roster_version=None,
            judged_on=None,
            worked_on_by=None,
            open_work=[],
            dictionary_version=conditions.dictionary_version,
            code_version=conditions.code_version,
            config_digest=conditions.config_digest,
        )
    )


def mark_judged(
    conn: Connection, id_: str, *, state: DeliveryState, attempt: int, roster_version: int, judged_on: date
) -> None:
    """A whole judgement was made: against this version of the roster, on this day of the district."""
    conn.execute(
        update(delivery)
        .where(delivery.c.id == id_)
        .values(
            state=state,
            attempts=func.greatest(delivery.c.attempts, attempt),
            judged_roster_version=roster_version,
            judged_on=judged_on,
            worked_on_by=None,
            open_work=[],
        )
    )

"""Held deliveries: which wait, what a person is asked about one, and how the waiting ended."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rostersync import ledger
from rostersync.exceptions import ConfigurationError
from rostersync.ledger import Delivery, Waiting
from rostersync.model import DeliveryState
from rostersync.pipeline.context import Services, district_transaction
from rostersync.pipeline.notifications import ask
from rostersync.pipeline.results import SyncResult, result_of

if TYPE_CHECKING:
    from rostersync.configuration.districts import District


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """Where a delivery stands after somebody answered. `decided` is False when it was decided before: nothing was done.

    `by`, `at`: who ended the waiting and when, if it has ended. `result`: what an approval came to.
    """

    district: str
    delivery: str
    state: DeliveryState
    decided: bool
    by: str | None = None
    at: datetime | None = None
    result: SyncResult | None = None

    def summary(self) -> dict[str, Any]:
        """Ids and counts only."""
        told: dict[str, Any] = {"district": self.district, "delivery": self.delivery, "state": self.state.value}
        told["decided"] = self.decided
        told["result"] = self.result.summary() if self.result else None
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a person is asked: about which plan, a line, and its numbers in Markdown. No personal data."""

    delivery: str
    attempt: int
    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPlan:
    """A plan that waits, or waited, for a decision: its attempt's numbers, and how the waiting ended, if it has."""

    attempt: int
    result: SyncResult
    ended: Reviewed | None = None


def open_reviews(services: Services) -> list[Waiting]:
    """Every held delivery that waits for a decision, in arrival sequence."""
    with district_transaction(services, None) as conn:
        return ledger.waiting(conn)


def open_question(services: Services, id_: str) -> Question | None:
    """What a person is asked in Airflow; None when nothing waits. Raises ConfigurationError for an unknown id."""
    district = configured(services, id_)
    with district_transaction(services, district.code) as conn:
        held = ledger.latest_held(conn, id_)
        if held is None or ledger.waiting_of(conn, id_) is None:
            return None
        subject, body = ask(conn, district, held)
    return Question(delivery=id_, attempt=held.number, subject=subject, body=body)


def shown_plan(services: Services, id_: str) -> ShownPlan:
    """What a person decides about: the plan that waits; when none does, the one that waited last.

    Raises ConfigurationError for an id that no delivery has, and for a delivery that was never held.
    """
    code = _district_of(services, id_)
    with district_transaction(services, code) as conn:
        held = ledger.latest_held(conn, id_)
        if held is None:
            raise ConfigurationError(f"Delivery {id_} was never held.", hint=f"See: rostersync report {id_}")
        result = result_of(code, held, ledger.findings_of(conn, id_, held.number))
        standing = standing_of(ledger.delivery_of(conn, code, id_), decided=False)
    ended = None if standing.state is DeliveryState.HELD else standing
    return ShownPlan(attempt=held.number, result=result, ended=ended)


def configured(services: Services, id_: str) -> District:
    """The configuration of a delivery's district. Raises ConfigurationError for an unknown id."""
    return services.district(_district_of(services, id_))


def _district_of(services: Services, id_: str) -> str:
    with district_transaction(services, None) as conn:
        code = ledger.district_of(conn, id_)
    if code is None:
        raise ConfigurationError(f"There is no delivery {id_}.", hint="`rostersync sync` and the mails show the ids.")
    return code


def standing_of(delivery: Delivery, *, decided: bool, result: SyncResult | None = None) -> Reviewed:
    """Where the delivery stands; `decided`: this answer decided it, and came to `result`."""
    return Reviewed(
        district=delivery.district,
        delivery=delivery.id,
        state=delivery.state,
        decided=decided,
        by=delivery.decided_by,
        at=delivery.decided_at,
        result=result,
    )

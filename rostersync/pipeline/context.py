"""What the pipeline touches of the outside world, and on whose behalf it runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from datetime import time as time_of_day
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine

from rostersync import __version__, database
from rostersync.configuration import dictionary, districts
from rostersync.configuration.dictionary import Dictionary
from rostersync.ledger import Conditions

if TYPE_CHECKING:
    from rostersync.configuration.districts import District
    from rostersync.mailing import Sender
    from rostersync.transports import Transport
    from rostersync.transports.landing_store import LandingStore


def now() -> datetime:
    """The present moment, aware, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Database, landing store, inboxes, mail and clock. `district` gives a district's configuration by its code.

    `ops`: the operators' addresses, told of held deliveries.
    `settle_seconds`: pause between the two looks at a file; `lock_seconds`: longest wait for a district's lock.
    """

    engine: Engine
    landing: LandingStore
    open_transport: Callable[[District], AbstractContextManager[Transport]]
    sender: Sender
    clock: Callable[[], datetime] = now
    settle_seconds: float = 5.0
    lock_seconds: float = 60.0
    sleep: Callable[[float], None] = time.sleep
    district: Callable[[str], District] = districts.load_district
    ops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Who asks: a DAG run, or a command. The same ids mean the same run, made again."""

    dag_id: str
    run_id: str
    force: bool = False
    reason: str | None = None
    dry_run: bool = False
    actor: str = "rostersync"


def district_transaction(services: Services, code: str | None) -> AbstractContextManager[Connection]:
    """One transaction on behalf of a district, or (None) of none: see `database.transaction`."""
    return database.transaction(services.engine, code)


def planning_transaction(services: Services, code: str) -> AbstractContextManager[Connection]:
    """The same for a plan, whose joins are chosen by statistics: these are brought up to date before it begins."""
    database.refresh_statistics(services.engine)
    return district_transaction(services, code)


def rolled_back_planning(services: Services, code: str) -> AbstractContextManager[Connection]:
    """A transaction that is always rolled back: what a dry run does to the database. Statistics as for a plan."""
    database.refresh_statistics(services.engine)
    return database.rolled_back_transaction(services.engine, code)


def today(services: Services, district: District) -> date:
    """The district's local date."""
    return services.clock().astimezone(district.zone).date()


def day_began(services: Services, district: District) -> datetime:
    """The district's last midnight."""
    return datetime.combine(today(services, district), time_of_day.min, tzinfo=district.zone)


def conditions(district: District) -> Conditions:
    """What a judgement made now depends on beside bytes, roster and date."""
    return Conditions(
        dictionary_version=dictionary_of(district).version,
        code_version=__version__,
        config_digest=districts.configuration_digest(district),
    )


def dictionary_of(district: District) -> Dictionary:
    """The dictionary version that the district's configuration names."""
    return dictionary.load_dictionary(district.dictionary_version)


def all_recipients(services: Services, district: District) -> list[str]:
    """Everybody who may get mail about this district."""
    return [*(contact.address for contact in district.contacts), *services.ops]


def may_receive(services: Services, district: District) -> Callable[[str], bool]:
    """Whether mail about this district may go to an address: to those inside its domains, and to the operators."""
    return lambda address: district.allows(address) or address in services.ops

"""pull: from a district's inbox to deliveries in the ledger. A run looks once; made again, it knows what it took."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from rostersync import fault_points, ledger, mailing
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.ledger import Arrival, Delivery, RunDelivery
from rostersync.model import DeliveryState, Outcome
from rostersync.pipeline.context import Run, Services, conditions, district_transaction, today
from rostersync.pipeline.dry_run import DRY_RUN
from rostersync.pipeline.inbox_scan import ScannedFile, modified_at, scan_inbox
from rostersync.pipeline.known_content import ScanCircumstances, decide_known_content
from rostersync.pipeline.notifications import notify_misnamed_file, notify_no_changes, recall_refusal
from rostersync.pipeline.results import Arrived, Pulled
from rostersync.transports import account

if TYPE_CHECKING:
    from rostersync.configuration.districts import District
    from rostersync.model import RemoteFile
    from rostersync.transports import Transport

_log = logging.getLogger(__name__)
_EMPTY = Arrival(seen=None, delivery=None, outcome=Outcome.NO_FILE)
_NO_FILE = Arrived(delivery=None, outcome=Outcome.NO_FILE)


def list_districts(services: Services, run: Run, wave: str, chosen: Sequence[str] = ()) -> list[str]:
    """The run's districts, sorted: the wave's enabled ones, or those of them that were chosen.

    Stored at the first call; the same run gets the same list for ever, so that mapped tasks keep their places.
    Raises ConfigurationError for a chosen district that the wave does not have.
    """
    offered = sorted(districts.codes_of_wave(wave))
    strange = sorted(set(chosen) - set(offered))
    if strange:
        raise ConfigurationError(f"Wave {wave} has no enabled district {', '.join(strange)}.")
    wanted = [code for code in offered if not chosen or code in chosen]
    if run.dry_run:
        return wanted
    shared = list(districts.districts_with_shared_inboxes(account))
    with district_transaction(services, None) as conn:
        return ledger.districts_of_run(conn, run.dag_id, run.run_id, wanted, shared)


def pull(services: Services, run: Run, code: str) -> Pulled:
    """Land every complete file of the inbox and enter it in the ledger, together, in one transaction.

    A run that landed something before returns those deliveries and does not touch the inbox.
    Raises ConfigurationError (another district's inbox overlaps this one's), SourceUnreachable,
    SourceRefused, HostKeyChanged, LandingUnavailable, DatabaseUnavailable.
    """
    district = services.district(code)
    if run.dry_run:
        districts.check_inbox_is_not_shared(code, account)
        return _try_out(services, district)
    # Before this night writes mails of its own: those need not be doubted when the database was restored.
    mailing.RestoreGuard(engine=services.engine, journal=services.landing, clock=services.clock).park_after_restore()
    with district_transaction(services, district.code) as conn:
        ledger.ensure_district(conn, district.code, district.name)
        taken = _taken_before(conn, services, run, district)
        may_share_inbox = ledger.may_share_inbox(conn, run.dag_id, run.run_id, code)
    if taken is not None:
        return taken
    if may_share_inbox:
        districts.check_inbox_is_not_shared(code, account)
    with services.open_transport(district) as transport:
        if district.policies.after_read == "move":
            transport.restore_interrupted_moves()
        looked = scan_inbox(services, district, transport)
        near = transport.near_names()
        fault_points.reached("pull.before_ledger")
        with district_transaction(services, district.code) as conn:
            pulled = _enter(conn, services, run, district, looked, near)
            fault_points.reached("pull.before_commit")
        fault_points.reached("pull.after_commit")
        _tidy(district, transport, looked)
    return pulled


def _taken_before(conn: Connection, services: Services, run: Run, district: District) -> Pulled | None:
    taken = ledger.deliveries_of_run(conn, run.dag_id, run.run_id, district.code)
    if not taken:
        return None
    blackout = district.in_blackout(today(services, district))
    if not blackout and all(earlier.outcome is Outcome.WAITING for earlier in taken):
        for earlier in taken:
            ledger.record_outcome(conn, run.dag_id, run.run_id, district.code, earlier.delivery, None)
        taken = [RunDelivery(delivery=earlier.delivery, outcome=None) for earlier in taken]
    waiting = {earlier.delivery for earlier in taken if earlier.outcome is Outcome.WAITING}
    ids = tuple(earlier.delivery for earlier in taken if earlier.delivery not in waiting)
    arrivals = tuple(Arrived(delivery=earlier.delivery, outcome=earlier.outcome) for earlier in taken)
    return Pulled(deliveries=ids, outcome=None if ids else Outcome.WAITING, arrivals=arrivals)


@dataclass(slots=True)
class _Night:
    """What one look came to, file by file, before it is written down."""

    arrivals: list[Arrival] = field(default_factory=list)
    taken: list[RunDelivery] = field(default_factory=list)
    mailed: set[str] = field(default_factory=set)

    def put_last(self, failing: frozenset[str]) -> None:
        """What failed before is tried after all others, so that it does not stand in their way."""
        last = [replace(one, tried_last=True) for one in self.taken if one.delivery in failing]
        self.taken = [one for one in self.taken if one.delivery not in failing] + last

    def take(self, found: Delivery, outcome: Outcome | None) -> None:
        """Once, however many files hold it: where the first of them settles nothing, the one with work left counts."""
        known = {one.delivery: one.outcome for one in self.taken}
        if found.id in known and (known[found.id] is None or outcome is not None):
            return
        self.taken = [one for one in self.taken if one.delivery != found.id]
        self.taken.append(RunDelivery(delivery=found.id, outcome=outcome, attempts=found.attempts))


def _enter(
    conn: Connection,
    services: Services,
    run: Run,
    district: District,
    looked: Sequence[ScannedFile],
    near: Sequence[RemoteFile],
) -> Pulled:
    """Enter the look: unfinished deliveries of earlier nights go first, then this look's files, then what failed."""
    ledger.lock_run(conn, run.dag_id, run.run_id, district.code)
    taken = _taken_before(conn, services, run, district)
    if taken is not None:
        return taken
    blackout = district.in_blackout(today(services, district))
    night = _Night()
    for delivery in [] if blackout else ledger.unfinished(conn, district.code):
        night.take(delivery, None)
    for seen in looked:
        _enter_file(conn, services, run, district, seen, night)
    night.put_last(ledger.failing(conn, district.code))
    ledger.assign(conn, run.dag_id, run.run_id, district.code, night.taken)
    arrivals = [*(night.arrivals or [_EMPTY]), *_not_read(conn, services, district, near)]
    ledger.record_arrivals(conn, run.dag_id, run.run_id, district.code, arrivals, services.clock())
    return _pulled(night)


def _not_read(
    conn: Connection, services: Services, district: District, near: Sequence[RemoteFile]
) -> Iterator[Arrival]:
    """Files with nearly the expected name: noted, and told to the contacts once."""
    if near:
        _log.warning("District %s: %d files have nearly the expected name and are not read.", district.code, len(near))
    for file in near:
        notify_misnamed_file(conn, services, district, file)
        yield Arrival(seen=file, delivery=None, outcome=ledger.NEAR_NAME)


def _enter_file(
    conn: Connection, services: Services, run: Run, district: District, seen: ScannedFile, night: _Night
) -> None:
    if seen.landed is None:
        night.arrivals.append(Arrival(seen=seen.remote, delivery=None, outcome=Outcome.WAITING))
        return
    found = ledger.known(conn, district.code, seen.landed.sha256)
    anew = found is not None and not ledger.left_in_place(conn, found.id, seen.remote.modified_at)
    if found is None:
        found = ledger.record_delivery(
            conn,
            seen.landed,
            modified_at=modified_at(conn, services, seen.remote, district),
            landed_at=services.clock(),
            conditions=conditions(district),
        )
    elif anew:
        ledger.seen_again(conn, found.id, modified_at(conn, services, seen.remote, district))
    outcome = _outcome(conn, services, run, district, found, anew)
    night.take(found, outcome)
    night.arrivals.append(Arrival(seen=seen.remote, delivery=found.id, outcome=outcome or DeliveryState.PULLED))
    if _reminded(conn, services, district, found, outcome, anew):
        night.mailed.add(found.id)


def _reminded(
    conn: Connection, services: Services, district: District, found: Delivery, outcome: Outcome | None, anew: bool
) -> bool:
    """Whether known bytes, settled at once, give cause for a short mail."""
    if outcome is Outcome.DUPLICATE and anew:
        return notify_no_changes(conn, services, district, found)
    return outcome is Outcome.REFUSED and not anew and recall_refusal(conn, services, district, found)


def _outcome(
    conn: Connection, services: Services, run: Run, district: District, found: Delivery, anew: bool
) -> Outcome | None:
    day = today(services, district)
    circumstances = ScanCircumstances(
        district=district.code, today=day, conditions=conditions(district), force=run.force
    )
    outcome = decide_known_content(conn, found, circumstances, anew=anew)
    if outcome is None and district.in_blackout(day):
        return Outcome.WAITING
    return outcome


def _pulled(night: _Night) -> Pulled:
    """Deliveries with work left, or with a mail to send; an outcome only when there are none."""
    ids = tuple(
        taken_delivery.delivery
        for taken_delivery in night.taken
        if taken_delivery.outcome is None or taken_delivery.delivery in night.mailed
    )
    unread = [arrival for arrival in night.arrivals if arrival.delivery is None]
    arrivals = [
        Arrived(delivery=taken_delivery.delivery, outcome=taken_delivery.outcome) for taken_delivery in night.taken
    ]
    arrivals += [Arrived(delivery=None, outcome=Outcome(remote.outcome)) for remote in unread]
    if not arrivals:
        return Pulled(deliveries=(), outcome=Outcome.NO_FILE, arrivals=(_NO_FILE,))
    return Pulled(deliveries=ids, outcome=None if ids else arrivals[-1].outcome, arrivals=tuple(arrivals))


def _tidy(district: District, transport: Transport, looked: Sequence[ScannedFile]) -> None:
    """Move what is landed and entered, where the configuration says so; not being able to is no failure."""
    if district.policies.after_read != "move":
        return
    for scanned in looked:
        if scanned.landed is None:
            continue
        try:
            fault_points.reached("pull.before_move")
            if not transport.move(scanned.remote, scanned.landed):
                _log.info("District %s: a newer file came in a read one's place; it is read next.", district.code)
            fault_points.reached("pull.after_move")
        except RosterSyncError as error:
            _log.warning("District %s: a file that was read stays in the inbox (%s).", district.code, error.code)


def _try_out(services: Services, district: District) -> Pulled:
    """A dry run lands the bytes, which changes nothing, and leaves the ledger alone."""
    with services.open_transport(district) as transport:
        looked = scan_inbox(services, district, transport)
    ids = tuple(dict.fromkeys(f"{DRY_RUN}{scanned.landed.sha256}" for scanned in looked if scanned.landed))
    growing = [Arrived(delivery=None, outcome=Outcome.WAITING) for scanned in looked if scanned.landed is None]
    arrivals = [*(Arrived(delivery=delivery_id, outcome=None) for delivery_id in ids), *growing]
    empty = Outcome.WAITING if growing else Outcome.NO_FILE
    return Pulled(deliveries=ids, outcome=None if ids else empty, arrivals=tuple(arrivals) or (_NO_FILE,))

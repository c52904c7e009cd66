"""replay: a delivery's reports rendered anew, and its unsent mail queued. The roster is never written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rostersync import ledger, mailing
from rostersync.exceptions import ConfigurationError, LandedBytesMissing
from rostersync.ledger import Delivery
from rostersync.model import Reading
from rostersync.operations.held_deliveries import configured
from rostersync.pipeline.context import Services, all_recipients, dictionary_of, district_transaction, may_receive
from rostersync.pipeline.file_verdict import read_landed
from rostersync.pipeline.notifications import reports_of

if TYPE_CHECKING:
    from rostersync.configuration.districts import District

REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay came to, in reports and messages. `unclear`: the server may have these; they are left alone."""

    district: str
    attempt: int
    rendered: int
    queued: int
    sent_before: int
    unclear: int
    swept: bool


def replay(services: Services, id_: str) -> Replayed:
    """Render the reports of the latest attempt anew, and queue what nobody has got. Nothing is mailed twice.

    Raises ConfigurationError for an unknown delivery, and for one that came to nothing yet.
    """
    district = configured(services, id_)
    with district_transaction(services, district.code) as conn:
        delivery, last = ledger.delivery_of(conn, district.code, id_), ledger.latest_attempt(conn, id_)
    if last is None:
        raise ConfigurationError(f"Delivery {id_} has no report yet.", hint="It was not finished: rostersync sync.")
    reading = _read(services, district, delivery)
    allowed = may_receive(services, district)
    where = mailing.RenderedFor(
        district=district.code, delivery=id_, attempt=last.number, at=services.clock(), allowed=allowed
    )
    with district_transaction(services, district.code) as conn:
        ledger.lock_delivery(conn, district.code, id_)
        swept = ledger.swept_before(conn, district.code, "reports")
        if (swept is not None and last.ended_at < swept) or not ledger.has_all_findings(conn, last):
            # Who was told, or of what, is not known any more: nobody is told a second time.
            reading = None
        told = reports_of(conn, services, district, last, reading) if reading else ()
        rendered = sum(mailing.render_again(conn, where, rendering) for rendering in told)
        states = mailing.requeue(conn, where, all_recipients(services, district))
    return Replayed(
        district=district.code,
        attempt=last.number,
        rendered=rendered,
        queued=states["requeued"],
        sent_before=states["sent"],
        unclear=states["unknown"] + states["sending"],
        swept=reading is None,
    )


def _read(services: Services, district: District, delivery: Delivery) -> Reading | None:
    """The file once more; None when its bytes are not kept any more."""
    try:
        data = services.landing.read(district.code, delivery.sha256)
    except LandedBytesMissing:
        return None
    return read_landed(data, dictionary_of(district), district)

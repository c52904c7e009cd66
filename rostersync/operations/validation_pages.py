"""A delivery's landed bytes, judged once more by the file rules, as pages. Nothing is written to roster or ledger."""

from __future__ import annotations

from pathlib import Path

from rostersync import ledger
from rostersync.exceptions import ConfigurationError
from rostersync.operations.held_deliveries import configured
from rostersync.pipeline.context import Services, dictionary_of, district_transaction
from rostersync.pipeline.file_verdict import read_landed
from rostersync.screening.data_docs import JudgedSuite, judge_suite, write_data_docs


def write_validation_pages(services: Services, id_: str, folder: Path) -> Path:
    """Write the suite's pages and one of this delivery's validation into the folder; the path of the latter.

    Raises ConfigurationError for an unknown delivery and for one of which no row was judged, LandedBytesMissing,
    LandingUnavailable, SuiteFailed.
    """
    district = configured(services, id_)
    with district_transaction(services, district.code) as conn:
        delivery = ledger.delivery_of(conn, district.code, id_)
    dictionary = dictionary_of(district)
    reading = read_landed(services.landing.read(district.code, delivery.sha256), dictionary, district)
    judged = judge_suite(reading, dictionary, name=id_, at=services.clock(), email_domains=district.email_domains)
    _check(judged)
    return write_data_docs(folder, dictionary, judged)


def _check(judged: JudgedSuite) -> None:
    if not judged.counts:
        raise ConfigurationError(
            f"No row of delivery {judged.name} was judged: its file was refused, or has no rows.",
            hint=f"`rostersync report {judged.name}` says why.",
        )

"""check: a file judged without a trace. With a district, the same plan as a night's, rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rostersync.configuration.dictionary import Dictionary
from rostersync.exceptions import ConfigurationError
from rostersync.pipeline.context import Services
from rostersync.pipeline.dry_run import plan_and_roll_back
from rostersync.pipeline.file_verdict import read_landed, screen_landed_bytes
from rostersync.pipeline.results import Checked, by_line, row_counts

if TYPE_CHECKING:
    from rostersync.configuration.districts import District


def check(
    data: bytes,
    dictionary: Dictionary,
    district: District | None = None,
    *,
    services: Services | None = None,
    name: str = "",
) -> Checked:
    """Judge a file's bytes. Without a district: only the rules that need no roster. `name`: the file's, if it has one.

    Raises ConfigurationError when a district is given without a database to ask.
    """
    screened = screen_landed_bytes(read_landed(data, dictionary, district, name), dictionary, district)
    if district is None or screened.refused:
        return Checked(
            dictionary=dictionary, screened=screened, rows=row_counts(screened), findings=by_line(screened.findings)
        )
    if services is None:
        raise ConfigurationError("A check against a district's roster needs the database.")
    evaluation = plan_and_roll_back(services, district, dictionary, screened)
    return Checked(
        dictionary=dictionary,
        screened=screened,
        rows=evaluation.rows,
        findings=evaluation.findings,
        evaluation=evaluation,
    )

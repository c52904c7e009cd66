"""sync: the whole night of one district in this process, for the command line and for tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rostersync import ledger
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.model import Outcome
from rostersync.pipeline.context import Run, Services, district_transaction
from rostersync.pipeline.pulling import pull
from rostersync.pipeline.results import Arrived, SyncResult
from rostersync.pipeline.run_progress import stored_result, tried_last
from rostersync.pipeline.sending import email
from rostersync.pipeline.upserting import conclude
from rostersync.pipeline.validating import validate_file

Progress = Callable[[str, str], None]
"""Called with the district's code and the stage that begins: pull, validate, upsert, email."""


def sync(services: Services, run: Run, code: str, *, progress: Progress | None = None) -> list[SyncResult]:
    """Pull, validate, upsert and e-mail one district; one result per arrival, in order.

    Our own failures come back as results with outcome `failed` and end the district's night, so that no newer file
    overtakes an older one; but for deliveries that failed in earlier nights, which are tried after all others.
    Raises ConfigurationError only.
    """
    return list(_walk(services, run, code, progress or _silent))


def _walk(services: Services, run: Run, code: str, progress: Progress) -> Iterator[SyncResult]:
    progress(code, "pull")
    try:
        pulled = pull(services, run, code)
    except ConfigurationError:
        raise
    except RosterSyncError as error:
        yield _failed(code, None, error)
        return
    last = frozenset() if run.dry_run else tried_last(services, run, code)
    for arrived in pulled.arrivals:
        result = _finish(services, run, code, arrived, arrived.delivery in pulled.deliveries, progress)
        yield result
        if result.outcome is Outcome.FAILED and arrived.delivery not in last:
            return


def _silent(code: str, stage: str) -> None:
    """No progress is shown."""


def _failed(code: str, delivery: str | None, error: RosterSyncError) -> SyncResult:
    return SyncResult(district=code, delivery=delivery, outcome=Outcome.FAILED, error=str(error))


def _finish(services: Services, run: Run, code: str, arrived: Arrived, todo: bool, progress: Progress) -> SyncResult:
    """One arrival to its end."""
    if arrived.delivery is None:
        return SyncResult(district=code, delivery=None, outcome=arrived.outcome or Outcome.NO_FILE)
    try:
        if todo:
            return _work(services, run, code, arrived.delivery, progress)
        with district_transaction(services, code) as conn:
            return stored_result(conn, code, arrived.delivery, arrived.outcome)
    except ConfigurationError:
        raise
    except RosterSyncError as error:
        return _failed(code, arrived.delivery, error)


def _work(services: Services, run: Run, code: str, delivery: str, progress: Progress) -> SyncResult:
    district = services.district(code)
    progress(code, "validate")
    validated = validate_file(services, run, district, delivery)
    progress(code, "upsert")
    result = validated.result or conclude(services, run, district, delivery, validated.screened)
    progress(code, "email")
    email(services, run, code, delivery)
    return result


def touched_since(services: Services, code: str, delivery: str) -> int:
    """How many keys of this delivery a newer one has changed since: what `--force` tells before it asks."""
    with district_transaction(services, code) as conn:
        return ledger.keys_touched_since(conn, delivery)

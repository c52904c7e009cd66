"""Between Airflow and the pipeline: each task of the nights and of housekeeping is one call.

Only this package imports airflow. DAG files import it, so it imports nothing heavy before a task runs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
)

from rostersync.airflow_bridge import connections
from rostersync.airflow_bridge.task_context import night, open_task_services
from rostersync.exceptions import ConfigurationError, RosterSyncError

if TYPE_CHECKING:
    from rostersync.operations.retention import Stores
    from rostersync.pipeline import Run, Services

_log = logging.getLogger(__name__)

TASK_DEFAULTS: Mapping[str, Any] = {
    "retries": 7,
    "retry_delay": timedelta(minutes=1),
    "retry_exponential_backoff": 2.0,
    "max_retry_delay": timedelta(minutes=15),
    "retry_policy": ExceptionRetryPolicy(
        rules=[
            RetryRule("rostersync.exceptions.PermanentError", RetryAction.FAIL, reason="a person must act first"),
            RetryRule("rostersync.exceptions.TransientError", RetryAction.RETRY, reason="it may pass"),
        ]
    ),
    "execution_timeout": timedelta(hours=2),
}
"""How long a task is tried: 1 + 2 + 4 + 8 + 15 + 15 + 15 minutes, an hour in all; then the next night tries again."""

GROUP = "district."


def districts(wave: str) -> list[str]:
    """The codes of this run's districts, sorted; the same run always gets the same list. Contacts no district."""
    with night() as (services, run):
        return _listed(services, run, wave)


def look_at_inboxes(wave: str) -> dict[str, int]:
    """Look at the inboxes of all districts of this run, side by side; at how many, and at how many not.

    Contacts none when the run has too many of them.
    """
    from rostersync.operations import first_looks

    with night() as (services, run):
        looks = first_looks.take_first_looks(services, run, _listed(services, run, wave))
    return {"seen": len(looks.seen), "not_seen": len(looks.not_seen)}


def _listed(services: Services, run: Run, wave: str) -> list[str]:
    """The run's districts. Raises ConfigurationError when they are more than Airflow maps."""
    from airflow.sdk.configuration import conf

    from rostersync import database, pipeline

    database.check_revision(services.engine)
    chosen = get_current_context()["params"].get("districts") or []
    codes = pipeline.list_districts(services, run, wave, chosen)
    most = conf.getint("core", "max_map_length", fallback=1024)
    if len(codes) > most:
        raise ConfigurationError(
            f"Wave {wave} has {len(codes):,} districts; Airflow maps no more than {most:,} tasks.",
            hint="Spread the districts over more waves (include/waves.yaml), or raise core.max_map_length.",
        )
    return codes


def pull_district(code: str) -> list[str]:
    """The ids of the deliveries this run goes through, in order. Skips (by raising) when there is nothing to do."""
    from rostersync import pipeline

    with night() as (services, run):
        pulled = pipeline.pull(services, run, code)
    if not pulled.deliveries:
        raise AirflowSkipException(f"{code}: {pulled.outcome}")
    return list(pulled.deliveries)


def run_stage(step: str, code: str, deliveries: Sequence[str]) -> list[dict[str, Any]]:
    """One stage of the pipeline (validate, upsert, email) for every delivery; ids and counts.

    A failure ends the stage, so that no newer file overtakes an older one; of deliveries that failed in earlier nights
    and come last each is tried, and the first failure raised at the end.
    """
    from rostersync import pipeline

    stage = {"validate": pipeline.validate, "upsert": pipeline.upsert, "email": pipeline.email}[step]
    results: list[dict[str, Any]] = []
    failures: list[RosterSyncError] = []
    with night() as (services, run):
        last = frozenset() if run.dry_run else pipeline.tried_last(services, run, code)
        for delivery in deliveries:
            try:
                results.append(dict(stage(services, run, code, delivery)))
            except RosterSyncError as error:
                if delivery not in last:
                    raise
                failures.append(error)
        if failures:
            raise failures[0]
    return results


def fail_if_any_failed(codes: Sequence[str] | None) -> None:
    """Raise when a district of this run failed, naming each and the task; `codes` is None when there is no list."""
    if codes is None:
        raise AirflowFailException("There is no list of districts; see the log of the task `districts`.")
    context = get_current_context()
    run = context["dag_run"]
    states = context["ti"].get_task_states(dag_id=run.dag_id, run_ids=[run.run_id])
    failed = failed_districts(codes, states.get(run.run_id, {}))
    if failed:
        raise AirflowFailException(f"{len(failed)} of {len(codes)} districts failed: {', '.join(failed)}.")


def failed_districts(codes: Sequence[str], states: Mapping[str, str | None]) -> list[str]:
    """`code (task)` of each failed one, in order. `states`: `district.<task>_<map index>` → state."""
    failed = []
    for name, state in states.items():
        task, _, index = name.rpartition("_")
        if state == "failed" and task.startswith(GROUP) and index.isdigit():
            failed.append(f"{codes[int(index)]} ({task.removeprefix(GROUP)})")
    return sorted(failed)


def maintenance_task(name: str) -> dict[str, int]:
    """One chore of housekeeping (relay, dates, expire, sweep, watch); what it did, in numbers."""
    from rostersync.operations import housekeeping

    with open_task_services() as opened:
        if name == "sweep":
            with _stores(opened) as stores:
                return housekeeping.sweep_everywhere(stores)
        return housekeeping.MAINTENANCE_TASKS[name](opened)


@contextmanager
def _stores(opened: Services) -> Iterator[Stores]:
    """What retention deletes from, with its own login; closed at the end."""
    from rostersync import settings
    from rostersync.operations.retention import Stores

    settings_ = settings.from_environment()
    engine = connections.connection_sweep_engine(settings_)
    try:
        yield Stores(
            engine=engine,
            notes=opened.engine,
            landing=opened.landing,
            outbox=settings_.outbox,
            clock=opened.clock,
        )
    finally:
        engine.dispose()


def fail_for_chores() -> None:
    """Raise for the run: a task before this one failed, and its log says why."""
    raise AirflowFailException("A chore failed; its log says why. The others were done.")

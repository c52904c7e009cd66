"""Between Airflow and the pipeline: a task's context becomes a Run, a task one call.

With `airflow_connections`, the only importer of airflow in the package. DAG files import it, so it imports nothing
heavy before a task runs.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule, get_current_context
from airflow.sdk.exceptions import (
    AirflowException,
    AirflowFailException,
    AirflowSkipException,
    DagRunTriggerException,
)

from rostersync.airflow_bridge import connections
from rostersync.exceptions import ConfigurationError, RosterSyncError, Unexpected

if TYPE_CHECKING:
    from rostersync.operations.retention import Stores
    from rostersync.pipeline import Edges, Run

_log = logging.getLogger(__name__)

PATIENCE: Mapping[str, Any] = {
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

HELD = "held_deliveries"
REVIEW = "held_delivery_review"
APPROVE = "Approve"
APPROVE_WITHOUT_SCHOOLS = "Approve without the held schools"
DISCARD = "Discard"

GROUP = "district."


def districts(wave: str) -> list[str]:
    """The codes of this run's districts, sorted; the same run always gets the same list. Contacts no district."""
    from airflow.sdk.configuration import conf

    from rostersync import database, pipeline

    with _night() as (edges, run):
        database.check_revision(edges.engine)
        chosen = get_current_context()["params"].get("districts") or []
        codes = pipeline.list_districts(edges, run, wave, chosen)
    most = conf.getint("core", "max_map_length", fallback=1024)
    if len(codes) > most:
        raise ConfigurationError(
            f"Wave {wave} has {len(codes):,} districts; Airflow maps no more than {most:,} tasks.",
            hint="Spread the districts over more waves (include/waves.yaml), or raise core.max_map_length.",
        )
    return codes


def pull(code: str) -> list[str]:
    """The ids of the deliveries this run goes through, in order. Skips (by raising) when there is nothing to do."""
    from rostersync import pipeline

    with _night() as (edges, run):
        pulled = pipeline.pull(edges, run, code)
    if not pulled.deliveries:
        raise AirflowSkipException(f"{code}: {pulled.outcome}")
    return list(pulled.deliveries)


def each(step: str, code: str, deliveries: Sequence[str]) -> list[dict[str, Any]]:
    """One stage of the pipeline (validate, upsert, email) for every delivery; ids and counts."""
    from rostersync import pipeline

    stage = {"validate": pipeline.validate, "upsert": pipeline.upsert, "email": pipeline.email}[step]
    with _night() as (edges, run):
        return [dict(stage(edges, run, code, delivery)) for delivery in deliveries]


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


def waiting_reviews() -> list[dict[str, str]]:
    """For each held delivery that waits for a decision: the id of its review, and the delivery's."""
    from rostersync.operations import reviewing

    with edges() as opened:
        return [{"review": each.review, "delivery": each.delivery} for each in reviewing.open_reviews(opened)]


def start_reviews() -> None:
    """End this task by starting the DAG that asks about held deliveries; skips (by raising) when none waits."""
    if not waiting_reviews():
        raise AirflowSkipException("Nothing is held.")
    run = get_current_context()["dag_run"]
    _start(HELD, f"{run.dag_id}_{run.run_id}", {})


def start_review(review: str, delivery: str) -> None:
    """End this task by starting the review of a delivery; skipped when it was started before."""
    _start(REVIEW, review, {"delivery": delivery})


def _start(dag_id: str, run_id: str, conf: dict[str, Any]) -> None:
    """What TriggerDagRunOperator does; its module imports half of Airflow's server each time a DAG file is read."""
    raise DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=run_id,
        conf=conf,
        logical_date=None,
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=0,
        deferrable=False,
    )


def question(delivery: str) -> dict[str, Any]:
    """What to ask about a held delivery: ids, a line, and numbers. Skips (by raising) when nothing waits any more."""
    from rostersync.operations import reviewing

    with edges() as opened:
        asked = reviewing.question(opened, delivery)
    if asked is None:
        raise AirflowSkipException(f"{delivery} is not held any more.")
    return asdict(asked)


def decide(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out an answer to `question`; what was decided before stays, and the log says so. Ids and counts.

    An answer that nobody gave is the time that ran out.
    """
    from rostersync.operations import reviewing

    [chosen], who = answer["chosen_options"], answer["responded_by_user"]
    about = {"id_": asked["delivery"], "attempt": asked["attempt"]}
    with edges() as opened:
        if who is None:
            reviewed = reviewing.expire(opened, **about)
        elif chosen == DISCARD:
            reason = (answer["params_input"].get("reason") or "").strip() or "discarded in Airflow"
            reviewed = reviewing.discard(opened, **about, actor=who["name"], reason=reason)
        else:
            without = chosen == APPROVE_WITHOUT_SCHOOLS
            reviewed = reviewing.approve(opened, **about, actor=who["name"], without_held_schools=without)
    if not reviewed.decided:
        _log.warning("Delivery %s was decided about before: it is %s.", reviewed.delivery, reviewed.state.value)
    return reviewed.summary()


def chore(name: str) -> dict[str, int]:
    """One chore of housekeeping (relay, dates, expire, sweep, watch); what it did, in numbers."""
    from rostersync.operations import housekeeping

    with edges() as opened:
        if name == "sweep":
            with _stores(opened) as stores:
                return housekeeping.sweep(stores)
        return housekeeping.MAINTENANCE_TASKS[name](opened)


@contextmanager
def _stores(opened: Edges) -> Iterator[Stores]:
    """What retention deletes from, with its own login; closed at the end."""
    from rostersync import settings
    from rostersync.operations.retention import Stores

    wishes = settings.from_environment()
    engine = connections.sweep_engine(wishes)
    try:
        yield Stores(
            engine=engine,
            notes=opened.engine,
            landing=opened.landing,
            outbox=wishes.outbox,
            clock=opened.clock,
        )
    finally:
        engine.dispose()


def fail_for_chores() -> None:
    """Raise for the run: a task before this one failed, and its log says why."""
    raise AirflowFailException("A chore failed; its log says why. The others were done.")


@contextmanager
def _night() -> Iterator[tuple[Edges, Run]]:
    with edges() as opened:
        yield opened, this_run()


def this_run() -> Run:
    """The running task's DAG run and what was chosen in its form. Raises ConfigurationError: force without reason."""
    from rostersync.pipeline import Run

    context = get_current_context()
    dag_run, params = context["dag_run"], context["params"]
    reason = (params.get("reason") or "").strip() or None
    if params.get("force") and reason is None:
        raise ConfigurationError("Force needs a reason.", hint="Start the run again and fill in the reason.")
    return Run(
        dag_id=dag_run.dag_id,
        run_id=dag_run.run_id,
        force=bool(params.get("force")),
        reason=reason,
        dry_run=bool(params.get("dry_run")),
        actor=dag_run.triggering_user_name or "airflow",
    )


@contextmanager
def edges() -> Iterator[Edges]:
    """What the pipeline touches of the outside world, from connections and environment; closed at the end.

    Any failure but ours and Airflow's own becomes Unexpected: the task's log shows an exception's text.
    """
    try:
        with _opened() as opened:
            yield opened
    except (RosterSyncError, AirflowException):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, its text may hold cells and goes into a log
        raise Unexpected.of(error).with_traceback(error.__traceback__) from None


@contextmanager
def _opened() -> Iterator[Edges]:
    from rostersync import database, settings
    from rostersync.pipeline import Edges
    from rostersync.transports.landing_store import LandingStore

    wishes = settings.from_environment()
    engine = connections.roster_engine(wishes)
    try:
        database.check_role(engine)
        yield Edges(
            engine=engine,
            landing=LandingStore(wishes.landing_url),
            open_transport=connections.open_transport,
            sender=connections.sender(wishes),
            ops=wishes.ops_mail,
        )
    finally:
        engine.dispose()

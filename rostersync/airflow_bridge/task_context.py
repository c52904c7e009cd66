"""A running task's context: its DAG run as a Run, and what the pipeline touches of the outside world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowException

from rostersync.airflow_bridge import connections
from rostersync.exceptions import ConfigurationError, RosterSyncError, Unexpected

if TYPE_CHECKING:
    from rostersync.pipeline import Run, Services


@contextmanager
def night() -> Iterator[tuple[Services, Run]]:
    """What a task of the night needs: the outside world, and the run it belongs to."""
    with open_task_services() as opened:
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
def open_task_services() -> Iterator[Services]:
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
def _opened() -> Iterator[Services]:
    from rostersync import database, settings
    from rostersync.pipeline import Services
    from rostersync.transports.landing_store import LandingStore

    settings_ = settings.from_environment()
    engine = connections.connection_roster_engine(settings_)
    try:
        database.check_role(engine)
        yield Services(
            engine=engine,
            landing=LandingStore(settings_.landing_url),
            open_transport=connections.open_connection_transport,
            sender=connections.connection_sender(settings_),
            ops=settings_.ops_mail,
        )
    finally:
        engine.dispose()

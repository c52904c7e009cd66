"""Held deliveries in Airflow: which wait, what to ask about them, and carrying out the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from airflow.sdk import get_current_context
from airflow.sdk.exceptions import AirflowSkipException, DagRunTriggerException

from rostersync.airflow_bridge.task_context import open_task_services

_log = logging.getLogger(__name__)

HELD = "held_deliveries"
REVIEW = "held_delivery_review"
APPROVE = "Approve"
APPROVE_WITHOUT_SCHOOLS = "Approve without the held schools"
DISCARD = "Discard"


def waiting_reviews() -> list[dict[str, str]]:
    """For each held delivery that waits for a decision: the id of its review, and the delivery's."""
    from rostersync.operations import held_deliveries

    with open_task_services() as opened:
        return [
            {"review": review.review, "delivery": review.delivery} for review in held_deliveries.open_reviews(opened)
        ]


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


def review_question(delivery: str) -> dict[str, Any]:
    """What to ask about a held delivery: ids, a line, and numbers. Skips (by raising) when nothing waits any more."""
    from rostersync.operations import held_deliveries

    with open_task_services() as opened:
        asked = held_deliveries.open_question(opened, delivery)
    if asked is None:
        raise AirflowSkipException(f"{delivery} is not held any more.")
    return asdict(asked)


def decide(asked: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out an answer to `review_question`; what was decided before stays, and the log says so. Ids and counts.

    An answer that nobody gave is the time that ran out.
    """
    from rostersync.operations import reviewing

    [chosen], who = answer["chosen_options"], answer["responded_by_user"]
    about = {"id_": asked["delivery"], "attempt": asked["attempt"]}
    with open_task_services() as opened:
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

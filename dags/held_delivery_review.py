"""# Held deliveries, and who decides about them.

A delivery that would change more than usual waits for a person. `held_deliveries` looks every 15 minutes which ones
wait, and starts one run of `held_delivery_review` for each: its id is the delivery's. (A night that holds something
starts them at once.) Such a run shows the numbers and asks, under *Required Actions*:

* **Approve** applies what was shown. What would change beyond that makes the delivery wait again, with a new question.
* **Approve without the held schools** leaves those schools' rows out.
* **Discard** applies nothing. So does time: after 14 days without an answer.

The ledger decides. The first answer wins, also when it was given with `rostersync approve` or `rostersync discard`; a
later one ends green and says so in the log. Any task here may be cleared; clearing `review` asks again.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, chain, task

from rostersync.airflow_bridge import reviews
from rostersync.airflow_bridge import tasks as bridge

MANY = 1024
"""Reviews that may be open at a time: a waiting one needs no worker and no slot."""


@task(pool="roster_db")
def waiting() -> list[dict[str, str]]:
    """The held deliveries that nobody has decided about, and the ids of the runs that ask."""
    return reviews.waiting_reviews()


@task(map_index_template="{{ task.op_kwargs['review'] }}")
def ask(review: str, delivery: str) -> None:
    """Start the run that asks about a delivery. Skipped when there is one."""
    reviews.start_review(review, delivery)


@task(pool="roster_db")
def question(delivery: str) -> dict[str, Any]:
    """What the delivery would change. Skipped when it is not held any more: then nobody is asked."""
    return reviews.review_question(delivery)


@task(pool="roster_db")
def decide(asked: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Apply it, or not. The ledger knows whether somebody was faster."""
    return reviews.decide(asked, answer)


@task(pool="smtp")
def email(decided: dict[str, Any]) -> list[dict[str, Any]]:
    """Send what the decision put into the outbox."""
    return bridge.run_stage("email", decided["district"], [decided["delivery"]])


with DAG(
    dag_id=reviews.HELD,
    schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=dict(bridge.TASK_DEFAULTS),
    doc_md=__doc__,
    tags=["rostersync"],
):
    ask.expand_kwargs(waiting())

with DAG(
    dag_id=reviews.REVIEW,
    schedule=None,
    max_active_runs=MANY,
    max_active_tasks=MANY,
    default_args=dict(bridge.TASK_DEFAULTS),
    params={"delivery": Param(type="string", title="Delivery", description="Its id, as the mails show it.")},
    doc_md=__doc__,
    tags=["rostersync"],
):
    asked = question("{{ params.delivery }}")
    review = HITLOperator(
        task_id="review",
        subject="{{ ti.xcom_pull('question')['subject'] }}",
        body="{{ ti.xcom_pull('question')['body'] }}",
        options=[reviews.APPROVE, reviews.APPROVE_WITHOUT_SCHOOLS, reviews.DISCARD],
        defaults=reviews.DISCARD,
        params={"reason": Param("", type="string", title="Reason", description="No personal data.")},
        response_timeout=timedelta(days=14),
        execution_timeout=None,
    )
    decided = decide(asked, review.output)
    chain(asked, review, decided, email(decided))

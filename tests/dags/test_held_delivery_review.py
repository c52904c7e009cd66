"""The DAGs about held deliveries: their shape, what they ask, and what becomes of answers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.airflow_nights import Country, open_schools, row, state_of

if TYPE_CHECKING:
    from airflow.dag_processing.dagbag import DagBag
    from sqlalchemy import Engine

    from tests.support.servers import RosterDatabase

CODE = "ashford"
STAFF = [row(CODE, n) for n in range(1, 9)]
LEAVING = [{"action": "REMOVE-USER", "schoolId": "100", "userId": f"{CODE}-{n}"} for n in range(1, 6)]


def test_the_net_looks_every_quarter_of_an_hour_and_starts_a_run_for_each(dagbag: DagBag) -> None:
    dag = dagbag.dags["held_deliveries"]
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == {"waiting": {"ask"}, "ask": set()}
    assert (dag.timetable.expression, dag.catchup, dag.max_active_runs) == ("*/15 * * * *", False, 1)


def test_a_review_asks_outside_of_any_mapped_group_and_holds_no_slot(dagbag: DagBag) -> None:
    dag = dagbag.dags["held_delivery_review"]
    assert {task.task_id: task.downstream_task_ids for task in dag.tasks} == {
        "question": {"review", "decide"},
        "review": {"decide"},
        "decide": {"email"},
        "email": set(),
    }
    assert not any(task.is_mapped or task.task_group.parent_group for task in dag.tasks)
    review = dag.get_task("review")
    assert review.options == ["Approve", "Approve without the held schools", "Discard"]
    assert (review.defaults, review.response_timeout) == (["Discard"], timedelta(days=14))
    assert review.execution_timeout is None


@pytest.fixture
def held(
    tmp_path: Path, roster_database: RosterDatabase, superuser_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> str:
    """Ashford's second file would remove five of eight people: its delivery's id."""
    from rostersync import pipeline
    from rostersync.cli.environment import open_services

    country = Country(folder=tmp_path)
    country.found([CODE])
    monkeypatch.setenv("ROSTERSYNC_INCLUDE", str(country.include))
    monkeypatch.setenv("ROSTERSYNC_DATABASE_URL", roster_database.url)
    open_schools(superuser_engine, [CODE])
    with open_services() as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, rows in enumerate((STAFF, LEAVING)):
            country.put(CODE, rows)
            [result] = pipeline.sync(
                replace(opened, settle_seconds=0), pipeline.Run(dag_id="test", run_id=str(number)), CODE
            )
    assert (result.outcome, len(state_of(superuser_engine, CODE)["person"])) == ("held", 8)
    return str(result.delivery)


def answer(chosen: str, who: str | None = "olga", **fields: str) -> Mapping[str, Any]:
    """What the operator gives on when somebody has answered, or when the time is over."""
    responder = None if who is None else {"id": who, "name": who}
    return {"chosen_options": [chosen], "params_input": fields, "responded_by_user": responder}


def test_the_question_holds_numbers_and_nobodys_data(held: str) -> None:
    from rostersync.airflow_bridge import reviews

    assert reviews.waiting_reviews() == [{"review": held, "delivery": held}]
    asked = reviews.review_question(held)
    assert (asked["delivery"], asked["attempt"]) == (held, 1)
    assert "unusually many people (5 of 8; the files of one day count together)" in asked["body"]
    assert "| Staff | 0 | 0 | 0 | 5 | 0 |" in asked["body"]
    assert not [word for word in ("Canary", "Quimby", "example.org", f"{CODE}-1,") if word in str(asked)]


@pytest.mark.parametrize(
    ("chosen", "who", "state", "people"),
    [("Approve", "olga", "applied", 3), ("Discard", "olga", "discarded", 8), ("Discard", None, "discarded", 8)],
)
def test_an_answer_is_carried_out_once_and_a_later_one_ends_green(
    held: str, superuser_engine: Engine, chosen: str, who: str | None, state: str, people: int
) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    from rostersync.airflow_bridge import reviews

    asked = reviews.review_question(held)
    decided = reviews.decide(asked, answer(chosen, who, reason="as the district said"))
    assert (decided["state"], decided["decided"], decided["district"]) == (state, True, CODE)
    found = state_of(superuser_engine, CODE)
    assert sum("'active'" in person for person in found["person"]) == people
    other = {"Approve": "Discard", "Discard": "Approve"}[chosen]
    again = reviews.decide(asked, answer(other, "peter"))
    assert (again["state"], again["decided"]) == (state, False)
    assert state_of(superuser_engine, CODE) == found
    assert reviews.waiting_reviews() == []
    with pytest.raises(AirflowSkipException):
        reviews.review_question(held)
    with pytest.raises(AirflowSkipException):
        reviews.start_reviews()


def test_without_the_held_schools_applies_the_other_rows(held: str, superuser_engine: Engine) -> None:
    from rostersync.airflow_bridge import reviews

    decided = reviews.decide(reviews.review_question(held), answer("Approve without the held schools"))
    assert decided["result"]["rows"] == {"read": 5, "accepted": 0, "rejected": 0, "set_aside": 5}
    assert sum("'active'" in person for person in state_of(superuser_engine, CODE)["person"]) == 8

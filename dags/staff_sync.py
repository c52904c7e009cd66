"""# Staff files of one wave.

Every night, for each district of the wave: **pull** its users.csv, **validate** it against the dictionary, **upsert**
what is right into the roster, and **email** its contacts the counts and, when rows have errors, these rows with every
error and how to fix it. A refused or held file is a normal ending: green, and mailed.

* Any task of any district and any night may be cleared. What was applied is not applied again, nobody is mailed twice.
* **first_look** looks at all inboxes at once, beside the districts. When it fails, pulls take 5 s longer, no more.
* One district's trouble delays no other. The run is red when a district failed; `all_districts_fine` names it.
* Start it by hand for some districts, as a dry run, or with force and a reason (known files are applied again).
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, TriggerRule, chain, task, task_group

from rostersync.airflow_bridge import reviews
from rostersync.airflow_bridge import tasks as bridge
from rostersync.configuration.waves import Wave, codes_of_wave, waves

LABEL = "{{ task.op_kwargs['code'] }}"


@task(pool="roster_db")
def districts(wave: str) -> list[str]:
    """The codes of this run's districts. Contacts no district; the same run always gets the same list."""
    return bridge.districts(wave)


@task(pool="sftp", retries=0, execution_timeout=timedelta(minutes=5))
def first_look(wave: str) -> dict[str, int]:
    """Look at all inboxes side by side, so that no pull waits to see whether a file still grows. Fails no night."""
    return bridge.look_at_inboxes(wave)


@task(pool="sftp", map_index_template=LABEL)
def pull(code: str) -> list[str]:
    """Land what is in the district's inbox: the ids of the deliveries. Skipped when there is nothing to do."""
    return bridge.pull_district(code)


@task(pool="roster_db", map_index_template=LABEL)
def validate(code: str, deliveries: list[str]) -> list[dict[str, Any]]:
    """Judge the files by themselves and store the findings."""
    return bridge.run_stage("validate", code, deliveries)


@task(pool="roster_db", map_index_template=LABEL)
def upsert(code: str, deliveries: list[str]) -> list[dict[str, Any]]:
    """Bring the good rows into the roster, each delivery in one transaction, or hold it for a person."""
    return bridge.run_stage("upsert", code, deliveries)


@task(pool="smtp", map_index_template=LABEL)
def email(code: str, deliveries: list[str]) -> list[dict[str, Any]]:
    """Send what waits in the outbox for these deliveries."""
    return bridge.run_stage("email", code, deliveries)


@task_group
def district(code: str) -> None:
    """One district's night. Only `pull` skips, and only by raising: nothing else skips inside a mapped group."""
    deliveries = pull(code=code)
    chain(*(step(code=code, deliveries=deliveries) for step in (validate, upsert, email)))


@task(pool="roster_db", trigger_rule=TriggerRule.ALL_DONE)
def ask_about_held() -> None:
    """Start `held_deliveries` when something waits for a person: the night itself never stays open for one."""
    reviews.start_reviews()


@task(trigger_rule=TriggerRule.ALL_DONE)
def all_districts_fine(codes: list[str] | None) -> None:
    """Fails when a district failed, so that the run does; says which, and where."""
    bridge.fail_if_any_failed(codes)


def form(wave: Wave) -> dict[str, Param]:
    """What may be chosen when a night is started by hand."""
    codes = codes_of_wave(wave.name)
    some = {"type": "array", "items": {"type": "string"}, "examples": codes}
    text = {"type": ["null", "string"], "maxLength": 500}
    return {
        "districts": Param([], title="Districts", description="None chosen: all.", **some),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Judge and count, write nothing."),
        "force": Param(False, type="boolean", title="Force", description="Apply known files again. Needs a reason."),
        "reason": Param(None, title="Reason", description="Why they are applied again. No personal data.", **text),
    }


for each_wave in waves():
    with DAG(
        dag_id=f"staff_sync_{each_wave.name}",
        schedule=CronTriggerTimetable(each_wave.cron, timezone=each_wave.timezone),
        catchup=False,
        max_active_runs=1,
        default_args=dict(bridge.TASK_DEFAULTS),
        params=form(each_wave),
        doc_md=__doc__,
        tags=["rostersync"],
    ):
        listed = districts(each_wave.name)
        watcher = all_districts_fine(listed)
        chain(district.expand(code=listed), [watcher, ask_about_held()])
        # Beside the districts, which do not wait for it; a task at the end would make the run red when it fails.
        first_look(each_wave.name) >> watcher

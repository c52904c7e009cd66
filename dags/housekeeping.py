"""# What is due whether a file came or not.

`housekeeping_often`, every 15 minutes: **relay** hands over every mail that is due, and **dates** starts and ends dated
assignments, in each district once a day, soon after its own midnight.

`housekeeping`, every morning: **dates** once more for what was missed, **expire** discards held deliveries that
nobody decided about in 14 days, **sweep** deletes what is older than its retention term and logs the proof, and
**watch** tells the operators (`ROSTERSYNC_OPS_MAIL`) what needs a look, once for each set of alerts. Each runs whatever
became of the one before; one district's trouble keeps no other from its turn.

Any task may be cleared at any time: it does what is due by then, and nothing twice. The commands `rostersync dates`,
`sweep` and `watch --mail` do the same without Airflow; a monitoring system better calls `rostersync watch` itself,
which also tells when Airflow is down.
"""

from __future__ import annotations

from airflow.sdk import DAG, CronTriggerTimetable, TriggerRule, chain, task

from rostersync.airflow_bridge import tasks as bridge
from rostersync.configuration.waves import waves


@task(pool="smtp")
def relay() -> dict[str, int]:
    """Send what waits in the outbox of any district; counts of messages."""
    return bridge.maintenance_task("relay")


@task(pool="roster_db", trigger_rule=TriggerRule.ALL_DONE)
def dates() -> dict[str, int]:
    """Start and end dated assignments where a new day has begun; how many, of all districts."""
    return bridge.maintenance_task("dates")


@task(pool="roster_db", trigger_rule=TriggerRule.ALL_DONE)
def expire() -> dict[str, int]:
    """Discard held deliveries whose time is up, with a mail; how many."""
    return bridge.maintenance_task("expire")


@task(pool="roster_db", trigger_rule=TriggerRule.ALL_DONE)
def sweep() -> dict[str, int]:
    """Delete what is older than its term; the proof is in the log and in the ledger, here are the sums by kind."""
    return bridge.maintenance_task("sweep")


@task(pool="smtp", trigger_rule=TriggerRule.ALL_DONE)
def watch() -> dict[str, int]:
    """Tell the operators what needs a look; how many alerts of each code."""
    return bridge.maintenance_task("watch")


@task(trigger_rule=TriggerRule.ONE_FAILED)
def all_chores_done() -> None:
    """Runs, and fails, only when a task before it did: then the run is red, though the last one went well."""
    bridge.fail_for_chores()


SETTINGS = {
    "catchup": False,
    "max_active_runs": 1,
    "default_args": dict(bridge.TASK_DEFAULTS),
    "doc_md": __doc__,
    "tags": ["rostersync"],
}

with DAG("housekeeping_often", schedule=CronTriggerTimetable("*/15 * * * *", timezone="UTC"), **SETTINGS):
    [relay(), dates()]

with DAG("housekeeping", schedule=CronTriggerTimetable("0 6 * * *", timezone=waves()[0].timezone), **SETTINGS):
    chores = [dates(), expire(), sweep(), watch()]
    chain(*chores)
    chores >> all_chores_done()

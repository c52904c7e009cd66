"""`rostersync watch`: what needs a person's look, for people, for cron and for a monitoring system."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from rostersync.airflow_bridge import pools
from rostersync.catalogue.alerts import Alert
from rostersync.cli import app as cli
from rostersync.cli.environment import edges
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.operations.monitoring import watch
from rostersync.operations.operator_digest import mail_digest
from rostersync.pipeline import Edges

ATTENTION = cli.ROW_ERRORS
"""Something needs a look: 1, as for rows with errors."""


def run(*, as_json: bool, mail: bool) -> int:
    """Print every alert, mail them to the operators when that is wished for and new; 0 when there is none, else 1."""
    with edges() as opened:
        if mail and not opened.ops:
            raise ConfigurationError(
                "--mail has nobody to write to.", hint="Set ROSTERSYNC_OPS_MAIL to the operators' addresses."
            )
        alerts = watch(opened, missing_pools=_missing_pools())
        if mail:
            cli.say(_told(opened, alerts))
    if as_json:
        print(json.dumps([each.to_json() for each in alerts], ensure_ascii=False, indent=2))
    else:
        print("\n".join(lines(alerts)))
    return ATTENTION if alerts else cli.FINE


def lines(alerts: Sequence[Alert]) -> Iterator[str]:
    """For a person: what it is, what to do, where to read on."""
    for each in alerts:
        yield f"{each.code}: {each.message}"
        yield f"      What to do: {each.resolution}"
        yield f"      {each.page}"
    if not alerts:
        yield "Nothing needs a look."


def _told(opened: Edges, alerts: Sequence[Alert]) -> str:
    sent = mail_digest(opened, alerts)
    return "The operators were written to." if sent else "Nothing new for the operators: no mail."


def _missing_pools() -> Sequence[str]:
    """Airflow may be down: then its tasks do not run anyway, and the waves are told of."""
    try:
        return pools.missing() or ()
    except RosterSyncError as error:
        cli.say(f"Airflow's pools were not looked at: {error.message}")
        return ()

"""`rostersync watch`: what needs a person's look, for people, for cron and for a monitoring system."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from rostersync.airflow_bridge import pools
from rostersync.catalogue.alerts import Alert
from rostersync.cli.environment import open_services
from rostersync.cli.exit_codes import FINE, ROW_ERRORS
from rostersync.cli.options import Format, FormatOption
from rostersync.cli.output import print_json, print_lines, say
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.operations import monitoring
from rostersync.operations.operator_digest import mail_digest
from rostersync.pipeline import Services

ATTENTION = ROW_ERRORS
"""Something needs a look: 1, as for rows with errors."""


def watch(
    format_: FormatOption = Format.TEXT,
    mail: Annotated[bool, typer.Option("--mail", help="Also write to the operators, once for each set.")] = False,
) -> int:
    """Tell what needs a person's look: exit code 0 when nothing does, 1 when something does."""
    with open_services() as opened:
        if mail and not opened.ops:
            raise ConfigurationError(
                "--mail has nobody to write to.", hint="Set ROSTERSYNC_OPS_MAIL to the operators' addresses."
            )
        alerts = monitoring.watch(opened, missing_pools=_missing_pools())
        if mail:
            say(_mail(opened, alerts))
    if format_ is Format.JSON:
        print_json([alert.to_json() for alert in alerts])
    else:
        print_lines(_lines(alerts))
    return ATTENTION if alerts else FINE


def _lines(alerts: Sequence[Alert]) -> Iterator[str]:
    """For a person: what it is, what to do, where to read on."""
    for alert in alerts:
        yield f"{alert.code}: {alert.message}"
        yield f"      What to do: {alert.resolution}"
        yield f"      {alert.page}"
    if not alerts:
        yield "Nothing needs a look."


def _mail(opened: Services, alerts: Sequence[Alert]) -> str:
    sent = mail_digest(opened, alerts)
    return "The operators were written to." if sent else "Nothing new for the operators: no mail."


def _missing_pools() -> Sequence[str]:
    """Airflow may be down: then its tasks do not run anyway, and the waves are told of."""
    try:
        return pools.missing() or ()
    except RosterSyncError as error:
        say(f"Airflow's pools were not looked at: {error.message}")
        return ()

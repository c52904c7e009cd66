"""`rostersync report`: what was mailed about a delivery, from the database."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Connection, Row, select

from rostersync import database
from rostersync.cli.environment import roster
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import DeliveryArgument, ReportFormat
from rostersync.cli.output import print_json, say
from rostersync.configuration import dictionary as dictionaries
from rostersync.database.tables import delivery as deliveries
from rostersync.database.tables import report as reports
from rostersync.database.tables import report_file as report_files
from rostersync.exceptions import ConfigurationError
from rostersync.pipeline.run_progress import stored_result


def report(
    delivery: DeliveryArgument,
    format_: Annotated[ReportFormat, typer.Option("--format", help="text, html or json.")] = ReportFormat.TEXT,
    files: Annotated[Path | None, typer.Option(help="Save what is attached (users-errors.csv …) here.")] = None,
) -> int:
    """The count report of a delivery, as it was mailed."""
    with roster() as engine, database.transaction(engine, None) as conn:
        code = conn.scalar(select(deliveries.c.district).where(deliveries.c.id == delivery))
        if code is None:
            raise ConfigurationError(f"There is no delivery {delivery}.", hint="`rostersync sync` prints the ids.")
        database.set_district(conn, code)
        found = _latest(conn, delivery)
        if format_ is ReportFormat.JSON:
            print_json(stored_result(conn, code, delivery).to_json(dictionaries.load_dictionary()))
        else:
            _print(found, format_, delivery)
        attached = _files(conn, found.id) if files and found else []
    if files:
        _save(attached, files)
    return FINE


def _latest(conn: Connection, delivery: str) -> Row[Any] | None:
    # Of one moment's reports the plain one comes first: its kind is the beginning of the others'.
    newest = select(reports).where(reports.c.delivery == delivery).order_by(reports.c.created_at.desc(), reports.c.kind)
    return conn.execute(newest.limit(1)).first()


def _print(found: Row[Any] | None, format_: ReportFormat, delivery: str) -> None:
    if found is None:
        raise ConfigurationError(f"Delivery {delivery} has no report.", hint="It was not finished yet, or was swept.")
    if format_ is ReportFormat.HTML:
        print(found.html_body)
    else:
        print(f"Subject: {found.subject}\n\n{found.text_body}")


def _files(conn: Connection, report: str) -> Sequence[Row[Any]]:
    return conn.execute(select(report_files).where(report_files.c.report == report)).all()


def _save(files: Sequence[Row[Any]], folder: Path) -> None:
    if not files:
        say("Nothing was attached.")
    for file in files:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = folder / Path(file.name).name
        target.write_bytes(file.content)
        say(f"saved: {target}")

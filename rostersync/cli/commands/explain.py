"""`rostersync explain`: a record's history, or what stands behind a reference.

References are for the operators alone: they look across districts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer
from sqlalchemy import Engine

from rostersync import database, ledger, settings
from rostersync.cli.exit_codes import FINE
from rostersync.cli.options import Format, FormatOption
from rostersync.cli.output import print_lines
from rostersync.cli.record_history import print_history
from rostersync.exceptions import ConfigurationError
from rostersync.ledger import Referenced
from rostersync.screening import email_addresses


def explain(
    what: Annotated[str, typer.Argument(help="A userId, classId or schoolId; or R-… as it stands in a mail.")],
    district: Annotated[str | None, typer.Option(help="Whose person, class or school it is.")] = None,
    format_: FormatOption = Format.TEXT,
) -> int:
    """Every change of a person, class or school; or what stands behind a reference (with the owner's login)."""
    if district is not None:
        return print_history(what, district, format_)
    if not what.upper().startswith("R-"):
        raise ConfigurationError("Whose person, class or school is it?", hint="Add --district CODE.")
    return _reference(what)


def _reference(reference: str) -> int:
    """Print every finding that carries the reference, and both sides of it.

    Raises ConfigurationError when no stored finding carries it.
    """
    engine = database.owner_engine(settings.from_environment())
    try:
        with database.transaction(engine, None) as conn:
            codes = ledger.known_districts(conn)
        told = [
            line
            for referenced in _found(engine, codes, reference.upper())
            for line in _lines(engine, codes, referenced)
        ]
    finally:
        engine.dispose()
    if not told:
        raise ConfigurationError(
            f"No stored finding carries the reference {reference}.",
            hint="Ask for the delivery and the line; findings are swept after 90 days.",
        )
    print_lines(told)
    return FINE


def _found(engine: Engine, codes: Sequence[str], reference: str) -> Iterator[Referenced]:
    """The operators' login sees one district at a time, like all others."""
    for code in codes:
        with database.transaction(engine, code) as conn:
            yield from ledger.referenced(conn, code, reference)


def _lines(engine: Engine, codes: Sequence[str], each: Referenced) -> Iterator[str]:
    where = f"line {each.line} of delivery {each.delivery}, attempt {each.attempt} (district {each.district})"
    yield f"{each.code}: {where}"
    if "sqlstate" in each.detail:
        yield f"  refused with SQLSTATE {each.detail['sqlstate']}, {_place(each)}"
    if each.value is not None and "asked_by" in each.detail:
        yield f"  {each.value} is asked for userId {each.detail['asked_by']} of district {each.district}"
        yield f"  {_holder(engine, codes, each.value)}"


def _place(each: Referenced) -> str:
    named = (f"{name} {each.detail[name]}" for name in ("table", "constraint") if name in each.detail)
    return ", ".join(named) or "by a trigger"


def _holder(engine: Engine, codes: Sequence[str], address: str) -> str:
    for code in codes:
        with database.transaction(engine, code) as conn:
            holder = ledger.holder_of(conn, code, email_addresses.fold(address))
        if holder is not None:
            return f"it is held by userId {holder.user_id} of district {holder.district} (owner: {holder.owner})"
    return "nobody has it now: the row applies with the next file"

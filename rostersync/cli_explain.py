"""`rostersync explain`: what stands behind a reference, for the operators alone: it looks across districts."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from rostersync import addresses, cli, database, ledger, settings
from rostersync.errors import ConfigurationError
from rostersync.ledger import Referenced


def run(reference: str) -> int:
    """Print every finding that carries the reference, and both sides of it.

    Raises ConfigurationError when no stored finding carries it.
    """
    engine = database.owner_engine(settings.from_environment())
    try:
        with database.translated(), engine.connect() as conn:
            found = ledger.referenced(conn, reference.upper())
            if not found:
                raise ConfigurationError(
                    f"No stored finding carries the reference {reference}.",
                    hint="Ask for the delivery and the line; findings are swept after 90 days.",
                )
            for each in found:
                print("\n".join(_lines(conn, each)))
    finally:
        engine.dispose()
    return cli.FINE


def _lines(conn: Connection, each: Referenced) -> Iterator[str]:
    where = f"line {each.line} of delivery {each.delivery}, attempt {each.attempt} (district {each.district})"
    yield f"{each.code}: {where}"
    if "sqlstate" in each.detail:
        yield f"  refused with SQLSTATE {each.detail['sqlstate']}, {_place(each)}"
    if each.value is not None and "asked_by" in each.detail:
        yield f"  {each.value} is asked for userId {each.detail['asked_by']} of district {each.district}"
        yield f"  {_holder(conn, each.value)}"


def _place(each: Referenced) -> str:
    named = (f"{name} {each.detail[name]}" for name in ("table", "constraint") if name in each.detail)
    return ", ".join(named) or "by a trigger"


def _holder(conn: Connection, address: str) -> str:
    holder = ledger.holder_of(conn, addresses.fold(address))
    if holder is None:
        return "nobody has it now: the row applies with the next file"
    return f"it is held by userId {holder.user_id} of district {holder.district} (owner: {holder.owner})"

"""What all tables share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Column,
    DateTime,
    MetaData,
    func,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def moment(name: str, *, now: bool = False, null: bool = True) -> Column[Any]:
    """A column of an aware moment; `now`: the database's clock when nothing is given."""
    default = func.now() if now else None
    return Column(name, DateTime(timezone=True), nullable=null and not now, server_default=default)

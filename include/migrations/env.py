"""Alembic's entry point. Migrations run through `rostersync db upgrade`, which hands its connection over."""

from __future__ import annotations

from alembic import context

from rostersync.database.tables import metadata

SCHEMAS = ("roster", "intake")


def ours(name: str | None, kind: str, _parents: object) -> bool:
    """Only our schemas are looked at."""
    return kind != "schema" or name in SCHEMAS


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_schemas=True,
    include_name=ours,
    version_table_schema="intake",
)
with context.begin_transaction():
    context.run_migrations()

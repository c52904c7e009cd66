"""Airflow's pools: are those there that the DAGs need? Asked of Airflow's own database, where it may be reached."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping

from sqlalchemy import Engine, text
from sqlalchemy.engine import make_url

from rostersync import database
from rostersync.settings import include_path

VARIABLE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def wanted() -> list[str]:
    """The pools of include/pools.json, sorted."""
    described: Mapping[str, object] = json.loads(include_path("pools.json").read_bytes())
    return sorted(described)


def missing() -> list[str] | None:
    """Those of them that Airflow does not have; None when its database is not configured here.

    Raises DatabaseUnavailable, SchemaMismatch.
    """
    url = os.environ.get(VARIABLE, "")
    # Airflow hides its database from tasks by another scheme.
    if not url.startswith("postgresql"):
        return None
    engine = database.engine(make_url(url).set(drivername="postgresql+psycopg").render_as_string(hide_password=False))
    try:
        return _missing(engine)
    finally:
        engine.dispose()


def _missing(engine: Engine) -> list[str]:
    with database.transaction(engine, None) as conn:
        there = set(conn.scalars(text("SELECT pool FROM slot_pool")))
    return [pool for pool in wanted() if pool not in there]

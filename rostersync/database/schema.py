"""The schema: migrations, and what this code needs of revision and login."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, text

from rostersync.database.transactions import UPGRADE_LOCK, transaction
from rostersync.embedded_postgres import roles as database_roles
from rostersync.exceptions import ConfigurationError, SchemaMismatch
from rostersync.settings import include_path

if TYPE_CHECKING:
    from alembic.config import Config

LOGINS = ("roster_sync", "roster_source", "roster_manual", "roster_sweep")
"""Who writes: the tasks for files, the enrollment source, people by hand, and retention, which only deletes."""


def upgrade_schema(owner: Engine) -> str:
    """Bring the schema to the newest revision, in one transaction. Several at once wait for each other.

    It is compared first: one that is the newest already is left alone, and nobody waits.
    Gives the revision. Raises what `translated` raises: ConfigurationError when the login is not the owner's.
    """
    newest = _newest()
    with suppress(SchemaMismatch):
        if _revisions(owner) == [newest]:
            return newest
    from alembic import command  # 0.1 s, and only migrations need it

    with transaction(owner, None) as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": UPGRADE_LOCK})
        _check_roles(connection)
        connection.execute(text("CREATE SCHEMA IF NOT EXISTS intake"))
        config = _alembic()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return newest


def _revisions(engine: Engine) -> list[str]:
    """What the database says that its schema is. Waits for no migration. Raises SchemaMismatch when there is none."""
    with transaction(engine, None) as connection:
        return list(connection.scalars(text("SELECT version_num FROM intake.alembic_version")))


def _check_roles(connection: Connection) -> None:
    """Raises ConfigurationError when the roles are not there: only a superuser can make them."""
    query = "SELECT count(*) FROM pg_roles WHERE rolname = ANY (:roles) AND pg_has_role(oid, 'SET')"
    roles = list(database_roles.PLAYED)
    if connection.execute(text(query), {"roles": roles}).scalar() != len(roles):
        raise ConfigurationError(
            f"The owner's login must be a member of the roles {', '.join(roles)}.",
            hint="Let a superuser run the statements of include/compose/databases.sh.",
        )


def check_revision(roster: Engine) -> None:
    """Raises SchemaMismatch unless the schema is exactly the one this code needs."""
    found, newest = _revisions(roster), _newest()
    if found != [newest]:
        raise SchemaMismatch(f"The database is at revision {', '.join(found) or 'none'}; this code needs {newest}.")


def check_role(roster: Engine, role: str = "roster_sync") -> None:
    """Raises ConfigurationError when the login of this role could act as a superuser, past row security, as the
    owner, or as one of the other writers.
    """
    query = """
        SELECT rolsuper OR rolbypassrls OR rolcreaterole OR pg_has_role(current_user, nspowner, 'MEMBER')
            OR EXISTS (SELECT FROM pg_roles other WHERE (other.rolbypassrls OR other.rolname = ANY (:others))
                       AND pg_has_role(current_user, other.oid, 'MEMBER'))
        FROM pg_roles, pg_namespace WHERE rolname = current_user AND nspname = 'roster'
    """
    others = [login for login in LOGINS if login != role]
    with transaction(roster, None) as connection:
        if connection.execute(text(query), {"others": others}).scalar():
            raise ConfigurationError(f"The login of the database URL has too many rights: use the role {role}.")


def _alembic() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(include_path("migrations")).replace("%", "%%"))
    return config


def _newest() -> str:
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_alembic()).get_current_head()
    if head is None:
        raise ConfigurationError(f"No migration in {include_path('migrations')}.")
    return head

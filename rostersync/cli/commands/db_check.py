"""`rostersync db check`: does the database itself keep districts and owners apart? Everything is tried on it.

Exit codes: 0 all holds; 4 the configuration is wrong; 5 something got through.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Engine, text

from rostersync import database, settings
from rostersync.cli.environment import roster
from rostersync.cli.exit_codes import BROKEN, FINE, USAGE
from rostersync.database import isolation_check
from rostersync.exceptions import ConfigurationError
from rostersync.settings import Settings

QUIET_LOG = {
    "log_error_verbosity": ("terse",),
    "log_min_error_statement": ("fatal", "panic"),
    "log_parameter_max_length_on_error": ("0",),
    "log_statement": ("none", "ddl"),
}
"""Server settings with which its log holds no DETAIL line, no failed statement and no parameter."""


def check() -> int:
    """Try on the database what it must refuse: plants rows, tries each login's rights, rolls all of it back."""
    settings_ = settings.from_environment()
    with roster() as tasks:
        owner = database.owner_engine(settings_)
        try:
            codes = [*_logins(tasks, settings_), _log(tasks), *_trials(owner)]
        finally:
            owner.dispose()
    return max(codes)


def _logins(tasks: Engine, settings_: Settings) -> Iterator[int]:
    """The tasks' login was checked when it was opened; the others are, where they are known."""
    with database.transaction(tasks, None) as conn:
        name = conn.scalar(text("SELECT current_user"))
    yield _line(True, f"The tasks log in as {name}, who has no rights too many")
    if settings_.database_url is None or settings_.source_url is not None:
        yield _login(database.source_engine(settings_), "roster_source")
    if settings_.database_url is None or settings_.manual_url is not None:
        yield _login(database.manual_engine(settings_), "roster_manual")
    if settings_.database_url is None or settings_.sweep_url is not None:
        yield _login(database.sweep_engine(settings_), "roster_sweep")


def _login(engine: Engine, role: str) -> int:
    try:
        database.check_role(engine, role)
    except ConfigurationError as error:
        return _line(False, f"{role}: {error.message}", hint=error.hint, code=USAGE)
    finally:
        engine.dispose()
    return _line(True, f"{role} logs in, and has no rights too many")


def _log(tasks: Engine) -> int:
    with database.transaction(tasks, None) as conn:
        found = {name: conn.scalar(text("SELECT current_setting(:name)"), {"name": name}) for name in QUIET_LOG}
    loud = [f"{name} is {value}" for name, value in found.items() if value not in QUIET_LOG[name]]
    if not loud:
        return _line(True, "The server's log holds no DETAIL lines, no failed statements and no parameters")
    hint = "Set " + ", ".join(f"{name} = {values[-1]}" for name, values in QUIET_LOG.items()) + " in postgresql.conf."
    told = f"The server's log may hold personal data: {', '.join(loud)}"
    return _line(False, told, hint=hint, code=USAGE)


def _trials(owner: Engine) -> Iterator[int]:
    for verdict in isolation_check.try_all(owner):
        hint = "Got through: " + "; ".join(verdict.gaps) + ". Let no task run before `rostersync db upgrade` or a fix."
        told = f"{verdict.sentence} ({verdict.tried} statements tried, all rolled back)"
        yield _line(not verdict.gaps, told, hint=hint, code=BROKEN)


def _line(good: bool, what: str, *, hint: str = "", code: int = FINE) -> int:
    print(f"{'ok' if good else 'FAIL':<5} {what}")
    if not good:
        print(f"      {hint}")
    return FINE if good else code

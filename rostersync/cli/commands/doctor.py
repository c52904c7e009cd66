"""`rostersync doctor`: is this installation fit for the night? Each line says what is fine or what to do.

Exit codes: the worst of 0 (fine), 4 (configuration) and 5 (machinery).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from sqlalchemy import text
from sqlalchemy.engine import make_url

from rostersync import database, documentation, mailing, settings
from rostersync.airflow_bridge import pools
from rostersync.cli.environment import roster, sender
from rostersync.cli.exit_codes import BROKEN, FINE, USAGE
from rostersync.configuration import districts
from rostersync.exceptions import ConfigurationError, RosterSyncError
from rostersync.settings import state_path
from rostersync.transports import account, credentials_from_environment


class Mark(StrEnum):
    """How a check ended: configuration and machinery failures lead to different exit codes."""

    OK = "ok"
    WARN = "warn"
    WRONG = "fail"
    BROKEN = "FAIL"


CODES = {Mark.OK: FINE, Mark.WARN: FINE, Mark.WRONG: USAGE, Mark.BROKEN: BROKEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckLine:
    """One check's answer; `hint` says what to do when it is not ok."""

    mark: Mark
    what: str
    hint: str = ""


def doctor() -> int:
    """Check this installation: each line says what is fine, and what to do about the rest."""
    lines = [line for check in CHECKS for line in _guarded(check)]
    for line in lines:
        print(f"{line.mark.value:<5} {line.what}")
        if line.hint:
            print(f"      What to do: {line.hint}")
    return max(CODES[line.mark] for line in lines)


def _guarded(check: Callable[[], Iterator[CheckLine]]) -> Iterator[CheckLine]:
    """A failing check is one line, and the others go on."""
    try:
        yield from check()
    except RosterSyncError as error:
        mark = Mark.WRONG if isinstance(error, ConfigurationError) else Mark.BROKEN
        yield CheckLine(mark=mark, what=f"{error.message} [{error.code}]", hint=error.hint)
    except OSError as error:
        yield CheckLine(mark=Mark.BROKEN, what=f"{error.filename}: {error.strerror}", hint="Check the folder's owner.")


def _python() -> Iterator[CheckLine]:
    version = ".".join(str(part) for part in sys.version_info[:3])
    wrong = [name for name in metadata.requires("rostersync") or () if _is_missing(Requirement(name))]
    if wrong:
        yield CheckLine(
            mark=Mark.WRONG, what=f"Python {version}; not as required: {', '.join(wrong)}", hint="make setup"
        )
    else:
        yield CheckLine(mark=Mark.OK, what=f"Python {version}, all packages as required")


def _is_missing(wanted: Requirement) -> bool:
    if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
        return False
    try:
        return not wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return True


def _roster() -> Iterator[CheckLine]:
    where = "ROSTERSYNC_DATABASE_URL" if settings.from_environment().database_url else "embedded"
    with roster() as engine:
        with database.transaction(engine, None) as conn:
            server = conn.scalar(text("SHOW server_version"))
        yield CheckLine(
            mark=Mark.OK, what=f"Roster database ({where}): PostgreSQL {server}, newest schema, role not too strong"
        )


def _districts() -> Iterator[CheckLine]:
    wrong = districts.problems(account)
    for sentence in wrong:
        yield CheckLine(mark=Mark.WRONG, what=sentence, hint="Correct the file in include/districts.")
    if not wrong:
        known = districts.load_districts()
        enabled = sum(district.enabled for district in known.values())
        mark = Mark.OK if enabled else Mark.WARN
        hint = "" if enabled else "Add include/districts/<code>.yaml; the README shows one."
        yield CheckLine(mark=mark, what=f"Districts: {enabled} enabled of {len(known)}", hint=hint)


def _inboxes() -> Iterator[CheckLine]:
    for code, district in districts.load_districts().items():
        if not district.enabled:
            continue
        if district.source.sftp is not None:
            yield _host_key(code, district.source.sftp)
        elif not district.source.folder.is_dir():
            yield CheckLine(
                mark=Mark.WARN, what=f"{code}: the inbox {district.source.folder} is not there", hint=_MKDIR
            )
        if not district.contacts:
            yield CheckLine(mark=Mark.WARN, what=f"{code}: no contact gets any mail", hint="Add contacts to its file.")


_MKDIR = "Make the folder, or correct source.file. `rostersync sample` makes those of the demo."


def _host_key(code: str, connection: str) -> CheckLine:
    """Inside Airflow the connection is Airflow's; only what the environment says can be judged here."""
    try:
        credentials_from_environment(connection)
    except ConfigurationError as error:
        hint = "Inside Airflow this may be the connection's host_key instead. " + error.hint
        return CheckLine(mark=Mark.WARN, what=f"{code}: {error.message}", hint=hint)
    return CheckLine(mark=Mark.OK, what=f"{code}: SFTP connection {connection} with a pinned host key")


def _folders() -> Iterator[CheckLine]:
    settings_ = settings.from_environment()
    yield _private("State folder", state_path())
    if "://" in settings_.landing_url and not settings_.landing_url.startswith("file://"):
        yield CheckLine(mark=Mark.OK, what=f"Landing store: {settings_.landing_url.partition('://')[0]} (not tried)")
    else:
        yield _private("Landing store", Path(settings_.landing_url.removeprefix("file://")))
    if not settings_.smtp_url:
        yield _private("Outbox", settings_.outbox)


def _private(name: str, folder: Path) -> CheckLine:
    """Written to, and nobody else may look: it holds people's data."""
    settings.private_folder(folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        return CheckLine(
            mark=Mark.BROKEN, what=f"{name} {folder} cannot be written", hint="Give it to the user of the tasks."
        )
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        hint = f"chmod 700 {folder}"
        return CheckLine(mark=Mark.WRONG, what=f"{name} {folder} is open to others ({mode:o})", hint=hint)
    return CheckLine(mark=Mark.OK, what=f"{name} {folder}: writable, private")


def _mail() -> Iterator[CheckLine]:
    settings_ = settings.from_environment()
    sender(settings_)
    mailing.origin()
    if settings_.ops_mail:
        yield CheckLine(mark=Mark.OK, what=f"Operators are told of held files: {len(settings_.ops_mail)}")
    else:
        hint = "Set ROSTERSYNC_OPS_MAIL to your own address."
        yield CheckLine(mark=Mark.WARN, what="No operator is told of held files, only their contacts", hint=hint)
    if settings_.smtp_url:
        yield CheckLine(mark=Mark.OK, what=f"Mail goes to {make_url(settings_.smtp_url).host}")
        return
    hint = "Set ROSTERSYNC_SMTP_URL, e.g. smtp://user:password@host:587?starttls=yes"
    yield CheckLine(mark=Mark.WARN, what=f"No mail is sent: .eml files are written to {settings_.outbox}", hint=hint)


def _pools() -> Iterator[CheckLine]:
    missing = pools.missing()
    if missing is None:
        yield CheckLine(mark=Mark.OK, what="Airflow's database is not configured here: pools not checked")
    elif missing:
        yield CheckLine(mark=Mark.WRONG, what=f"Airflow has no pool {', '.join(missing)}", hint=_IMPORT_POOLS)
    else:
        yield CheckLine(mark=Mark.OK, what=f"Airflow's pools: {', '.join(pools.wanted())}")


_IMPORT_POOLS = "airflow pools import include/pools.json"


def _generated() -> Iterator[CheckLine]:
    stale = documentation.stale()
    if stale:
        names = ", ".join(path.name for path in stale)
        yield CheckLine(mark=Mark.WRONG, what=f"Generated files are out of date: {names}", hint="rostersync generate")
    else:
        yield CheckLine(mark=Mark.OK, what="Generated files (suite, documentation, template) are up to date")


CHECKS: tuple[Callable[[], Iterator[CheckLine]], ...] = (
    _python,
    _roster,
    _districts,
    _inboxes,
    _folders,
    _mail,
    _pools,
    _generated,
)

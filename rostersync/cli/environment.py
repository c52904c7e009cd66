"""What commands need of the outside world: the environment's database, landing store, inboxes and mail."""

from __future__ import annotations

import getpass
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Engine

from rostersync import database, settings
from rostersync.configuration import districts
from rostersync.configuration.districts import District
from rostersync.exceptions import ConfigurationError
from rostersync.mailing import EmlFolder, Sender, SmtpSender
from rostersync.pipeline import Services
from rostersync.settings import Settings
from rostersync.transports import FolderTransport, Transport, open_transport
from rostersync.transports.landing_store import LandingStore


@contextmanager
def roster() -> Iterator[Engine]:
    """The tasks' engine, checked: newest schema, no rights too many. The embedded database is made and upgraded.

    Raises ConfigurationError, SchemaMismatch, DatabaseUnavailable.
    """
    settings_ = settings.from_environment()
    if settings_.database_url is None:
        _prepare_embedded(settings_)
    engine = database.roster_engine(settings_)
    try:
        database.check_revision(engine)
        database.check_role(engine)
        yield engine
    finally:
        engine.dispose()


@contextmanager
def source() -> Iterator[Engine]:
    """The enrollment source's engine, on the database that `roster` gives to the tasks."""
    with roster():
        engine = database.source_engine(settings.from_environment())
        try:
            yield engine
        finally:
            engine.dispose()


def _prepare_embedded(settings_: Settings) -> None:
    owner = database.owner_engine(settings_)
    try:
        database.upgrade_schema(owner)
    finally:
        owner.dispose()


@contextmanager
def open_services() -> Iterator[Services]:
    """Everything a night touches, from the environment; closed at the end."""
    settings_ = settings.from_environment()
    with roster() as engine:
        yield Services(
            engine=engine,
            landing=LandingStore(settings_.landing_url),
            open_transport=lambda district: open_transport(district.source, workbooks=district.policies.workbooks),
            sender=sender(settings_),
            ops=settings_.ops_mail,
        )


def sender(settings_: Settings) -> Sender:
    """A mail server when there is a URL, else a folder of .eml files."""
    return SmtpSender(settings_.smtp_url) if settings_.smtp_url else EmlFolder(settings_.outbox)


def with_file(opened: Services, file: Path) -> Services:
    """The same, but every inbox holds just this file, which is complete and stays where it is.

    Raises ConfigurationError for a file whose name no inbox would deliver.
    """
    inbox = FolderTransport(file.parent, glob.escape(file.name))
    if inbox.stat(file.name) is None:
        raise ConfigurationError(f"{file} is hidden, or named like an unfinished upload.", hint="Give it another name.")

    def district(code: str) -> District:
        found = districts.load_district(code)
        return found.model_copy(update={"policies": found.policies.model_copy(update={"after_read": "keep"})})

    @contextmanager
    def one_file(_district: District) -> Iterator[Transport]:
        yield inbox

    return replace(opened, open_transport=one_file, district=district, settle_seconds=0.0)


def readable(file: Path) -> Path:
    """The file, followed to where it is. Raises ConfigurationError when it is none or may not be read."""
    try:
        real = file.resolve(strict=True)
        with real.open("rb"):
            return real
    except IsADirectoryError:
        raise ConfigurationError(f"{file} is a folder.", hint="Name the file itself.") from None
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.", hint="Check its name.") from None


def actor() -> str:
    """Who types the command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"

"""Where things are, and what the environment says. Read at use, never at import: tests and tasks may set it late."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
"""The checkout (or the folder of the image) that holds dags/, include/ and rostersync/."""


def include_path(*parts: str) -> Path:
    """A file or folder below include/ (`ROSTERSYNC_INCLUDE` overrides the folder)."""
    return Path(os.environ.get("ROSTERSYNC_INCLUDE", PROJECT / "include"), *parts)


def state_path(*parts: str) -> Path:
    """A file or folder below the private state folder (`ROSTERSYNC_STATE`, else `.rostersync` in the project)."""
    return Path(os.environ.get("ROSTERSYNC_STATE", PROJECT / ".rostersync"), *parts)


def private_folder(path: Path) -> Path:
    """A folder, made with all its missing parents for the owner's eyes only (0700)."""
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)
    return path


def runbook_url() -> str | None:
    """Where the pages of docs/runbook can be read with a browser (`ROSTERSYNC_RUNBOOK_URL`); None: nowhere."""
    return os.environ.get("ROSTERSYNC_RUNBOOK_URL", "").rstrip("/") or None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The environment's wishes; None means: the embedded or local default."""

    database_url: str | None
    owner_url: str | None
    source_url: str | None
    manual_url: str | None
    sweep_url: str | None
    landing_url: str
    smtp_url: str | None
    mail_from: str
    mail_reply_to: str | None
    ops_mail: tuple[str, ...]
    """Who is told of held deliveries beside the district's contacts: the operators."""
    outbox: Path


def from_environment() -> Settings:
    """ROSTERSYNC_DATABASE_URL, _OWNER_URL, _SOURCE_URL, _MANUAL_URL, _SWEEP_URL, _LANDING_URL, _SMTP_URL, _MAIL_FROM,
    _MAIL_REPLY_TO, _OPS_MAIL.
    """
    get = os.environ.get
    return Settings(
        database_url=get("ROSTERSYNC_DATABASE_URL") or None,
        owner_url=get("ROSTERSYNC_OWNER_URL") or None,
        source_url=get("ROSTERSYNC_SOURCE_URL") or None,
        manual_url=get("ROSTERSYNC_MANUAL_URL") or None,
        sweep_url=get("ROSTERSYNC_SWEEP_URL") or None,
        landing_url=get("ROSTERSYNC_LANDING_URL") or str(state_path("landing")),
        smtp_url=get("ROSTERSYNC_SMTP_URL") or None,
        mail_from=get("ROSTERSYNC_MAIL_FROM") or "Rostersync <rostersync@localhost>",
        mail_reply_to=get("ROSTERSYNC_MAIL_REPLY_TO") or None,
        ops_mail=tuple(part.strip() for part in get("ROSTERSYNC_OPS_MAIL", "").split(",") if part.strip()),
        outbox=state_path("outbox"),
    )

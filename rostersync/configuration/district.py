"""One district's configuration as typed, checked values. Where they are read from: `configuration.districts`."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from rostersync.settings import state_path


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no timezone; an IANA name such as America/New_York is needed") from None
    return name


def _domain(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", name):
        raise ValueError("is no domain in lower case (an international one is written as xn--…)")
    return name


def _address(address: str) -> str:
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).ascii_email or ""
    except EmailNotValidError:
        raise ValueError("is no e-mail address that can be written to") from None


def _matching(pattern: str, wish: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(wish)
        return value

    return check


Domain = Annotated[str, AfterValidator(_domain)]
Line = Annotated[str, AfterValidator(_matching(r"[^\x00-\x1f\x7f]+", "must be one line of text"))]
Code = Annotated[str, AfterValidator(_matching(r"[a-z0-9][a-z0-9-]{0,62}", "must be a-z, 0-9 and -, at most 63"))]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
ReportKind = Literal["counts", "problems", "held"]
AttachmentMode = Literal["attach", "sftp", "counts-only"]
"""How a contact gets the list of rows: with the mail, in the district's reports folder, or not at all."""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, ignored_types=(cached_property,))


class Source(_Value):
    """Where the files are: `file` (a directory) or `sftp` (a connection id) with `directory`. Names match `pattern`."""

    file: Line | None = None
    sftp: Annotated[str, AfterValidator(_matching(r"[A-Za-z0-9_-]+", "must be letters, digits, _ and -"))] | None = None
    directory: Line = "."
    pattern: Annotated[str, AfterValidator(_matching(r"[^/\x00-\x1f]+", "must be a file name pattern"))] = "users.csv"
    reports: Line = "reports"
    """The district's own folder for lists of rows: inside the inbox, or anywhere on the same server when it begins
    with a slash."""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.file is None) == (self.sftp is None):
            raise ValueError("needs either file (a directory) or sftp (a connection id)")
        return self

    def patterns(self, *, workbooks: bool = True) -> tuple[str, ...]:
        """The names that are read: those of `pattern`, and where it ends in .csv the same names of workbooks."""
        if workbooks and self.pattern.endswith(".csv"):
            return (self.pattern, f"{self.pattern.removesuffix('.csv')}.xlsx")
        return (self.pattern,)

    @property
    def folder(self) -> Path:
        """The directory of a `file` source."""
        return state_path("inbox") / (self.file or "")


class Contact(_Value):
    """Who gets mail. `reports`: the night's counts, problems (row errors, refused, failed), held deliveries."""

    address: Annotated[str, AfterValidator(_address)]
    name: Line
    language: Literal["en"] = "en"
    reports: tuple[ReportKind, ...] = ("counts", "problems", "held")
    delivery: AttachmentMode = "attach"


class Limits(_Value):
    """A larger file is refused. `quiet_days`: days without a file until the watcher tells."""

    max_bytes: Count = 512 * 1024 * 1024
    max_rows: Count = 5_000_000
    quiet_days: Count = 3


class Threshold(_Value):
    """Exceeded only when both the share of the active records and the number are."""

    share: Share
    least: Count

    def exceeded(self, number: int, of: int) -> bool:
        """More than the share of `of`, and at least `least`."""
        # A share such as 0.29 is no binary number: 29 of 100 must not come out as more than it.
        return number >= self.least and number > round(self.share * of, 6)


class Holds(_Value):
    """What makes a delivery wait for a person; the defaults are those of docs/rules/holds.md.

    `removals` holds for the district and for each school, `removals_of_most` for the district alone; a record that a
    file makes end within `dates_within_days` counts as removed. `first_delivery`: people that a district without any
    may get at once. `admins`: people who become Administrator. `foreign`: rows that name unknown schools.
    """

    removals: Threshold = Threshold(share=0.10, least=5)
    removals_of_most: Threshold = Threshold(share=0.50, least=3)
    dates_within_days: Count = 14
    updates: Threshold = Threshold(share=0.30, least=20)
    creates: Threshold = Threshold(share=0.50, least=25)
    first_delivery: Count = 500
    admins: Count = 3
    emails: Threshold = Threshold(share=0.10, least=5)
    id_churn: Threshold = Threshold(share=0.10, least=5)
    names: Threshold = Threshold(share=0.10, least=5)
    classes: Threshold = Threshold(share=0.30, least=20)
    foreign: Threshold = Threshold(share=0.20, least=5)
    older_file: bool = True


class Policies(_Value):
    """Choices of the district. `workbooks`: `users.xlsx` is read where `users.csv` is. `report_absent`: the mail tells
    of people whom a complete file does not name. `after_read`: leave the file, or move it to the folder `processed`
    beside it.
    """

    school_creation: bool = False
    fallback_encoding: bool = True
    workbooks: bool = True
    report_absent: bool = True
    after_read: Literal["keep", "move"] = "keep"


class Blackout(_Value):
    """Files that arrive from `start` to `end` (both inclusive) wait."""

    start: date
    end: date
    reason: Line = "blackout"

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError("ends before it starts")
        return self


class Retention(_Value):
    """Days; `legal_hold` stops all sweeping of this district.

    `reports` holds for mails and findings too; `plans` counts from the decision about a held delivery, the others from
    when a content was last seen in the inbox. Of `reports`, `plans` and `changes` none may be longer than `ledger`.
    """

    raw_files: Count = 30
    reports: Count = 90
    plans: Count = 30
    changes: Count = 400
    ledger: Count = 1095
    legal_hold: bool = False

    @model_validator(mode="after")
    def _ledger_is_longest(self) -> Self:
        """What is kept refers to deliveries, so these must still be there."""
        longer = [name for name in ("reports", "plans", "changes") if getattr(self, name) > self.ledger]
        if longer:
            raise ValueError(f"ledger must be at least as long as {' and '.join(longer)}, which refer to it")
        return self


class District(_Value):
    """One district's configuration."""

    code: Code
    name: Line
    state: Annotated[str, AfterValidator(_matching(r"[A-Z]{2}", "must be a two-letter code such as CA"))]
    timezone: Annotated[str, AfterValidator(_zone)] = "America/New_York"
    wave: str = ""
    enabled: bool = True
    source: Source
    contacts: tuple[Contact, ...] = ()
    email_domains: tuple[Domain, ...] = ()
    mail_domains: tuple[Domain, ...] = ()
    """Where contacts may be, beside the e-mail domains."""
    dictionary_version: str | None = None
    """The one its files are judged by; None: the current one."""
    limits: Limits = Limits()
    holds: Holds = Holds()
    policies: Policies = Policies()
    blackouts: tuple[Blackout, ...] = ()
    retention: Retention = Retention()

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def in_blackout(self, day: date) -> bool:
        """Whether files wait on this day of the district."""
        return any(b.start <= day <= b.end for b in self.blackouts)

    def recipients(self, kind: ReportKind) -> tuple[Contact, ...]:
        """The contacts who get this kind of report."""
        return tuple(contact for contact in self.contacts if kind in contact.reports)

    def allows(self, address: str) -> bool:
        """Whether mail about this district may go to this address: it is inside one of its domains."""
        return _is_inside(address.rpartition("@")[2].lower(), {*self.email_domains, *self.mail_domains})

    @model_validator(mode="after")
    def _recipients_are_inside(self) -> Self:
        for number, contact in enumerate(self.contacts):
            if not self.allows(contact.address):
                raise ValueError(f"contacts.{number}.address is outside email_domains and mail_domains")
        if len({contact.address.casefold() for contact in self.contacts}) != len(self.contacts):
            raise ValueError("contacts: an address is there twice")
        return self


def _is_inside(domain: str, allowed: set[str]) -> bool:
    return any(domain == one or domain.endswith(f".{one}") for one in allowed)

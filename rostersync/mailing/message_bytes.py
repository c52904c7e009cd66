"""An outbox row → the bytes of a mail. The same row gives the same bytes, at every try."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from rostersync.model import ReportFile

DOMAIN = "rostersync.internal"
"""Right side of a Message-ID and of a List-Id: fixed, so that neither depends on the machine or the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one recipient, as claimed from the outbox. `number` is its row; `tries` includes this one.

    `created_at` is the mail's Date; `waiting_since` is later when a person let the message go again (`released`).
    """

    number: int
    district: str
    delivery: str
    recipient: str
    message_id: str
    subject: str
    text: str
    html: str
    files: Sequence[ReportFile]
    created_at: datetime
    tries: int
    mail_from: str
    reply_to: str | None = None
    waiting_since: datetime
    released: bool = False

    @property
    def envelope_sender(self) -> str:
        """The bare address of `mail_from`."""
        return parseaddr(self.mail_from)[1]


def compose_message(letter: Letter) -> bytes:
    """The mail with CRLF line ends: text, HTML as its alternative, files attached.

    Raises ValueError when a header cannot hold a value (a line break in an address).
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = letter.mail_from
    if letter.reply_to:
        mail["Reply-To"] = letter.reply_to
    mail["To"] = letter.recipient
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(letter.created_at)
    mail["Message-ID"] = letter.message_id
    mail["Auto-Submitted"] = "auto-generated"
    # What a contact's mail program can sort by. No Precedence: bulk, which sorts it among advertisements.
    mail["List-Id"] = f"<{letter.district}.{DOMAIN}>"
    mail["X-Auto-Response-Suppress"] = "All"
    mail["X-Rostersync-Delivery"] = letter.delivery
    mail.set_content(letter.text, cte="quoted-printable")
    mail.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    for file in letter.files:
        kind, _, subtype = file.media_type.partition("/")
        mail.add_attachment(file.content, maintype=kind, subtype=subtype, filename=file.name)
    _fix_boundaries(mail, letter.message_id)
    return mail.as_bytes()


def _fix_boundaries(mail: EmailMessage, message_id: str) -> None:
    """Boundaries from the Message-ID: those of the library are random. `=_` cannot occur in quoted-printable text."""
    for number, part in enumerate(part for part in mail.walk() if part.is_multipart()):
        part.set_boundary(f"=_{number}_{message_id.strip('<>').partition('@')[0]}")

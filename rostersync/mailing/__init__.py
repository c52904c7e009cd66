"""The outbox and its relay: a report → one message per recipient → sent, refused, deferred or unknown.

`enqueue` runs in the transaction of the data; `relay` sends afterwards. A message is handed over at most once unless
the server surely did not take it: what is unclear becomes `unknown`: visible, never sent again by itself.
"""

from __future__ import annotations

from rostersync.mailing.outbox import enqueue, files_of, report_id
from rostersync.mailing.relay import MailCounts, origin, relay
from rostersync.mailing.rerendering import AddressedReport, RenderedFor, render_again, requeue
from rostersync.mailing.restore_guard import MAILS, RestoreGuard, SendJournal
from rostersync.mailing.senders import EmlFolder, Sender
from rostersync.mailing.smtp import SmtpSender

__all__ = [
    "MAILS",
    "AddressedReport",
    "EmlFolder",
    "MailCounts",
    "RenderedFor",
    "RestoreGuard",
    "SendJournal",
    "Sender",
    "SmtpSender",
    "enqueue",
    "files_of",
    "origin",
    "relay",
    "render_again",
    "report_id",
    "requeue",
]

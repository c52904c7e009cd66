"""Failures of our machinery. What is wrong with a district's file is a Finding, never one of these.

RosterSyncError
├── TransientError       try again later: source, database or mail server away
│   ├── SourceUnreachable
│   ├── DatabaseUnavailable
│   ├── DistrictBusy
│   ├── FileChangedWhileRead
│   ├── LandingUnavailable
│   └── LostClaim
├── PermanentError       a person must act first; a retry cannot help
│   ├── ConfigurationError
│   ├── SourceRefused
│   ├── HostKeyChanged
│   ├── SuiteFailed
│   ├── SchemaMismatch
│   ├── StatementRefused
│   ├── NotOurs
│   ├── LedgerMismatch
│   ├── KilledTwice
│   ├── LandedBytesMissing
│   ├── PlanMismatch
│   └── InvariantBroken
└── Unexpected           a fault of the program; stands for an exception whose text nobody may see

Every class that is raised has a stable `code` (kebab-case), a `hint` (what to do) and a page in the runbook. Messages
hold no personal data.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import ClassVar, Self

from rostersync import runbook


class RosterSyncError(Exception):
    """Base of all our failures: `code` and `hint` are stable, `message` says where and what."""

    code: ClassVar[str] = "rostersync-error"
    hint: str = "Read the task log and the runbook page of this code."

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return f"[{self.code}] {self.message} What to do: {self.hint} See {runbook.page(self.code)}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.message, self.hint)


def _rebuild(kind: type[RosterSyncError], message: str, hint: str) -> RosterSyncError:
    return kind(message, hint=hint)


class TransientError(RosterSyncError):
    """Trying again may help."""


class PermanentError(RosterSyncError):
    """Trying again cannot help before a person has acted."""


class SourceUnreachable(TransientError):
    """The district's inbox did not answer, or the transfer broke off."""

    code = "source-unreachable"
    hint = "Nothing was read or changed. It is tried again; if it lasts, call the district's IT."


class DatabaseUnavailable(TransientError):
    """The roster database refused a connection, restarted or timed out."""

    code = "database-unavailable"
    hint = "The transaction was rolled back. Check the roster database, then clear the task."


class DistrictBusy(TransientError):
    """Another run holds this district's lock."""

    code = "district-busy"
    hint = "Wait for the other run of this district to end, then clear the task."


class FileChangedWhileRead(TransientError):
    """Size or modification time differed before and after the download."""

    code = "file-changed-while-read"
    hint = "The upload was still running. It is read again at the next try."


class LandingUnavailable(TransientError):
    """The landing store could not be read or written: disk full, service away."""

    code = "landing-unavailable"
    hint = "Nothing was applied. Look at the landing store's disk or service, then clear the task."


class LostClaim(TransientError):
    """Another task took this delivery over and is still at it; this copy commits nothing."""

    code = "lost-claim"
    hint = "Nothing to do: the other task finishes the delivery, and the next try of this one finds its result."


class ConfigurationError(PermanentError):
    """A district's or the system's configuration is wrong."""

    code = "configuration"
    hint = "Correct the configuration named above, then run `rostersync doctor`."


class SourceRefused(PermanentError):
    """The inbox refused our login or its folder does not exist."""

    code = "source-refused"
    hint = "Check user, key and folder with the district; do not retry before, accounts lock."


class HostKeyChanged(PermanentError):
    """The SFTP server showed another host key than the pinned one."""

    code = "host-key-changed"
    hint = "Ask the district by telephone whether the key was changed; only then pin the new one."


class SuiteFailed(PermanentError):
    """Great Expectations could not judge the file (this is never 'no bad rows')."""

    code = "suite-failed"
    hint = "The suite or a library is broken. Run `rostersync generate --check` and the tests."


class SchemaMismatch(PermanentError):
    """The database schema is not the one this code needs."""

    code = "schema-mismatch"
    hint = "Run `rostersync db upgrade` with the owner's URL."


class StatementRefused(PermanentError):
    """The database refused a statement for a reason that lies neither in a row of the file nor in its own health."""

    code = "statement-refused"
    hint = (
        "Everything was rolled back. A rule or a constraint is at fault, not the file: report this with the SQLSTATE."
    )


class NotOurs(PermanentError):
    """The database stopped a statement that would have touched another district, or a record of another owner."""

    code = "not-ours"
    hint = "Nothing was written. This is a bug: report it with the delivery id."


class LedgerMismatch(PermanentError):
    """A task was given a delivery that the ledger does not have, or not in this state."""

    code = "ledger-mismatch"
    hint = "Clear the district's pull task: it knows the run's own deliveries."


class KilledTwice(PermanentError):
    """Two tasks that worked on this delivery were killed: a third one would be, too."""

    code = "killed-twice"
    hint = (
        "Most likely the file needs more memory than the worker has. Give it more, or lower max_rows in the district's"
        " limits, so that the file is refused; then run the district with force and a reason."
    )


class LandedBytesMissing(PermanentError):
    """The landing store no longer has the delivery's bytes."""

    code = "landed-bytes-missing"
    hint = "The retention time is over. Ask the district to send the file again."


class PlanMismatch(PermanentError):
    """The database changed another number of rows than planned; everything was rolled back."""

    code = "plan-mismatch"
    hint = "Nothing was applied. Report this with the delivery id; it is a bug."


class InvariantBroken(PermanentError):
    """The counts of a plan do not add up to what the file names or ends; nothing was applied."""

    code = "invariant-broken"
    hint = "Nothing was applied. Report this with the delivery id; it is a bug."


class Unexpected(RosterSyncError):
    """A fault of the program. Only kind and place of the exception are told: its text may hold cells."""

    code = "unexpected"
    hint = "This is a bug, not a fault of the file. Nothing is half done. Report the reference."

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What may be said about an exception of any kind."""
        return cls(f"The program failed. Reference: {reference(error)}.")


def reference(error: BaseException) -> str:
    """Kind and place of a failure, without its text."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "rostersync" in Path(frame.filename).parts] or frames
    place = f"{Path(ours[-1].filename).stem}-{ours[-1].lineno}" if ours else "unknown"
    return f"{type(error).__name__}-{place}"

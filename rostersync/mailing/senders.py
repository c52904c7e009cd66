"""What hands a mail over, and what can come of it; and the sender that only writes files."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from rostersync.mailing.message_bytes import Letter, compose_message

FIRST_PAUSE = timedelta(minutes=5)
MAX_PAUSE = timedelta(hours=4)
GIVE_UP_AFTER = timedelta(hours=48)


def pause(tries: int) -> timedelta:
    """How long to wait after this many tries: 5, 10, 20, … minutes, at most 4 hours."""
    return min(FIRST_PAUSE * (1 << min(max(tries, 1) - 1, 10)), MAX_PAUSE)


class State(StrEnum):
    """Where a message stands. Only queued and deferred messages are ever sent."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEFERRED = "deferred"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of one message: its new state and the server's words. `server_down`: no use in trying others now."""

    state: State
    words: str
    server_down: bool = False


class Sender(Protocol):
    """Hands letters over one by one; open while used as a context manager. Never raises for a mail's trouble."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def send(self, letter: Letter) -> Answer: ...


class EmlFolder:
    """Writes each mail as an .eml file that a mail program opens: for laptops, demos and districts without a server."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def __enter__(self) -> Self:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path.chmod(0o700)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def written(self, district: str) -> dict[Path, datetime]:
        """The mails of a district and when they were written. No code of a district has an underscore."""
        mails = self.path.glob(f"{district}_*.eml") if self.path.is_dir() else ()
        return {path: datetime.fromtimestamp(path.stat().st_mtime, UTC) for path in mails}

    def send(self, letter: Letter) -> Answer:
        """Writes the file under its final name only when it is whole; a second try writes the same bytes again."""
        name = re.sub(r"[^A-Za-z0-9.-]+", "-", letter.delivery)
        target = self.path / f"{letter.district}_{name}_{letter.number}.eml"
        part = target.with_suffix(".part")
        try:
            content = compose_message(letter)
            with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except ValueError:
            return Answer(
                state=State.REFUSED, words="The message cannot be composed: an address or a name is not usable."
            )
        except OSError as error:
            return Answer(state=State.DEFERRED, words=f"The outbox folder: {error.strerror}.", server_down=True)
        return Answer(state=State.SENT, words=f"written as {target.name}")

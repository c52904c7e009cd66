"""Programs in the background, each in a session of its own, so that it can be ended with everything it has started."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 15.0
"""From the polite request to the leaders to the one to all that is left."""
FORCE_SECONDS = 5.0


def start(pid_file: Path, command: Sequence[str], environment: Mapping[str, str], *, log: Path) -> None:
    """Start `command` in a new session with its output in `log`; remember it in `pid_file`."""
    with log.open("ab") as out:
        child = subprocess.Popen(  # noqa: S603 - the caller's own words, no shell
            list(command),
            env=dict(environment),
            cwd=pid_file.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    # The session outlives this program on purpose; Popen would complain when it is forgotten.
    child.returncode = 0
    pid_file.write_text(json.dumps({"pid": child.pid, "started": _started(child.pid)}))


def is_alive(pid_file: Path) -> bool:
    """Whether the program itself (not only its children) runs."""
    noted = _noted(pid_file)
    return noted is not None and _is_ours(*noted)


def stop_process(*pid_files: Path) -> bool:
    """End these programs and everything of their sessions, by force what takes too long; False when nothing ran."""
    leaders = [noted[0] for noted in map(_noted, pid_files) if noted and not _was_replaced(*noted)]
    found = bool(_members(leaders))
    # The leaders know best how to end their children; what is left after a while is asked itself, then killed.
    alive = [pid for pid in _members(leaders) if pid in leaders]
    _signal(alive, signal.SIGTERM)
    _wait_gone(leaders, GRACE_SECONDS if alive else 0)
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal(_members(leaders), number)
        _wait_gone(leaders, FORCE_SECONDS)
    for pid_file in pid_files:
        pid_file.unlink(missing_ok=True)
    return found


def _noted(pid_file: Path) -> tuple[int, str] | None:
    try:
        noted = json.loads(pid_file.read_text())
        return int(noted["pid"]), str(noted["started"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def _is_ours(leader: int, started: str) -> bool:
    """A number is given out again after a while: only with the same start it is the same program."""
    return _started(leader) == started != ""


def _was_replaced(leader: int, started: str) -> bool:
    return _started(leader) not in ("", started)


def _members(sessions: Collection[int]) -> list[int]:
    """Living processes of the sessions; the system gives a session's number to nobody else while one is left."""
    found = []
    for pid in _pids() if sessions else ():
        with suppress(ProcessLookupError, PermissionError):
            if os.getsid(pid) in sessions and not _has_ended(pid):
                found.append(pid)
    return found


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def _wait_gone(sessions: Collection[int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and _members(sessions):
        time.sleep(0.05)


def _has_ended(pid: int) -> bool:
    """Whether only its exit status is left; if it was a child of ours, that goes too."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return not _started(pid)


def _pids() -> Iterable[int]:
    if Path("/proc/self/stat").exists():
        return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [int(word) for word in _ps("-A", "-o", "pid=").split()]


def _started(pid: int) -> str:
    """When the process started, in the system's own words; empty when there is none (or only its remains)."""
    if not Path("/proc/self/stat").exists():
        return _ps("-p", str(pid), "-o", "lstart=").strip()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] == "Z" else fields[19]


def _ps(*words: str) -> str:
    return subprocess.run(["/bin/ps", *words], capture_output=True, text=True, check=False).stdout  # noqa: S603 - fixed words

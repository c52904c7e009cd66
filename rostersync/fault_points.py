"""Named places at which a test may stop or kill this very process, as the kernel or an impatient operator would.

Nothing happens unless ROSTERSYNC_CRASH names the place. ROSTERSYNC_CRASH_SIGNAL names another signal than KILL (STOP:
the process waits there until it is told to go on). With ROSTERSYNC_CRASH_ONCE (a file that does not exist yet) it
happens once: the file is made first, so that the next try survives the same place.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path


def reached(name: str) -> None:
    """Signal our own process when the environment asks for it here; after SIGKILL no clean-up of any kind runs."""
    if os.environ.get("ROSTERSYNC_CRASH") != name or _was_here():
        return
    os.kill(os.getpid(), signal.Signals[f"SIG{os.environ.get('ROSTERSYNC_CRASH_SIGNAL', 'KILL')}"])


def _was_here() -> bool:
    marker = os.environ.get("ROSTERSYNC_CRASH_ONCE")
    if not marker:
        return False
    try:
        Path(marker).touch(exist_ok=False)
    except FileExistsError:
        return True
    return False

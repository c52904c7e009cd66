"""The inbox folders that nobody else makes: `python -m rostersync.local.inbox_folders`.

A district whose `source.file` is relative has its inbox below the state folder. On a new installation nobody has made
it, and its first night would fail. A folder elsewhere is the operator's: when it is missing, something is not mounted.
"""

from __future__ import annotations

import sys
from pathlib import Path

from rostersync.configuration import districts
from rostersync.exceptions import RosterSyncError
from rostersync.settings import private_folder, state_path


def make_inboxes() -> list[Path]:
    """Make what is missing for enabled districts; the folders that were made. Raises ConfigurationError."""
    inside = state_path("inbox").resolve()
    wanted = [district.source for district in districts.load_districts().values() if district.enabled]
    missing = [
        source.folder
        for source in wanted
        if source.sftp is None and source.folder.resolve().is_relative_to(inside) and not source.folder.is_dir()
    ]
    return [private_folder(folder) for folder in missing]


def main() -> int:
    """Print each folder that was made; an exit code of the command line's."""
    try:
        for folder in make_inboxes():
            print(f"made {folder}")
    except RosterSyncError as error:
        print(error, file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())

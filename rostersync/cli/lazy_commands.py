"""Commands that are imported when they are called: `--help` must not wait for pandas, SQLAlchemy and the rest."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

Table = Mapping[str, tuple[str, str]]
"""Name of a command → (module below `rostersync.cli.commands`, its one line of help).

The module has a function of the command's name. The line repeats the function's docstring, because reading the
docstring would import the module; a test compares the two.
"""


class LazyCommands(TyperGroup):
    """A group whose commands stand in a table; groups inside it are added in the ordinary way."""

    table: ClassVar[Table] = {}

    def list_commands(self, ctx: Any) -> list[str]:
        """Every name, in the order of the table."""
        return [*self.table, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; None when there is none of this name."""
        if cmd_name in self.table:
            return load_command(cmd_name, self.table[cmd_name][0])
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - the signature is Typer's
        """The list of the group's own help, from the table alone."""
        rows = [(name, line) for name, (_, line) in self.table.items()]
        rows += [(name, group.get_short_help_str(limit=200)) for name, group in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def group_of(table: Table) -> type[LazyCommands]:
    """The class of a group with these commands."""
    return type("Commands", (LazyCommands,), {"table": table})


def load_command(name: str, module: str) -> Any:
    """Import the module and make its function `name` a command."""
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    alone.command(name)(getattr(import_module(f"rostersync.cli.commands.{module}"), name))
    return typer.main.get_command(alone)

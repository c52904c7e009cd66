"""`rostersync docs`: the file rules as pages of Great Expectations, and what they found in a delivery, in numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rostersync.cli.environment import open_services
from rostersync.cli.exit_codes import FINE
from rostersync.configuration import dictionary as dictionaries
from rostersync.exceptions import ConfigurationError
from rostersync.operations.validation_pages import write_validation_pages
from rostersync.screening.data_docs import write_data_docs
from rostersync.settings import private_folder, state_path


def docs(
    delivery: Annotated[str | None, typer.Argument(help="A delivery's id; none: the rules alone.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder; else docs in the state folder.")] = None,
) -> int:
    """The file rules as pages for a browser, and how many rows of a delivery do not meet each; no cells."""
    folder = _folder(out or state_path("docs"))
    if delivery is None:
        page = write_data_docs(folder, dictionaries.load_dictionary())
    else:
        with open_services() as opened:
            page = write_validation_pages(opened, delivery, folder)
    print(page)
    return FINE


def _folder(path: Path) -> Path:
    try:
        return private_folder(path.absolute())
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be made: {error.strerror}.", hint="Name another folder.") from None

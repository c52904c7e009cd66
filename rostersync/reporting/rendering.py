"""Templates → the text and the HTML of a mail. HTML is written in MJML, so that phones and Outlook both show it well.

Cells of a file never come here; names and identifiers that do are escaped by the template engine.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import mjml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape

from rostersync.settings import include_path

HTML_LIMIT = 100_000
"""Bytes; Gmail cuts a message off at about 102,000."""


@cache
def _environment(folder: str) -> Environment:
    made = Environment(
        loader=FileSystemLoader(folder),
        autoescape=select_autoescape(default=True, disabled_extensions=("txt",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["unbroken"] = _unbroken
    return made


def _unbroken(sentence: str) -> Markup:
    """The sentence as HTML in which the name of a file stays on one line: a phone breaks it at the hyphen."""
    parts = re.split(r"\b((?:users|schools)(?:-\w+)*\.\w+)", sentence)
    whole = Markup('<span class="file">{}</span>')
    return Markup().join(whole.format(part) if number % 2 else escape(part) for number, part in enumerate(parts))


def text_of(template: str, **facts: Any) -> str:
    """The plain text of `include/templates/<template>.txt`."""
    return _environment(str(include_path("templates"))).get_template(f"{template}.txt").render(**facts)


def html_of(template: str, **facts: Any) -> str:
    """The HTML of `include/templates/<template>.mjml`; it loads nothing from anywhere."""
    source = _environment(str(include_path("templates"))).get_template(f"{template}.mjml").render(**facts)
    return str(mjml.mjml2html(source, disable_comments=True, fonts={}))

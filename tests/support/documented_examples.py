"""The fenced examples of the documentation: which page, which language, which text."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rostersync.settings import PROJECT

SAMPLES = PROJECT / "docs" / "errors.md"
"""Its blocks are the samples that tests/unit and tests/integration judge, one by one, for each finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A fenced block; `line` is that of its text's first line."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(PROJECT)}:{self.line}"


def documents() -> list[Path]:
    """Every page that people read."""
    return [*sorted(PROJECT.glob("*.md")), *sorted((PROJECT / "docs").rglob("*.md"))]


def examples(*pages: Path) -> list[Example]:
    """The blocks of these pages, or of all but the published samples."""
    return [found for page in pages or documents() if page != SAMPLES for found in _of(page)]


def _of(page: Path) -> Iterator[Example]:
    text = page.read_text(encoding="utf-8")
    for found in re.finditer(r"^ *```(\S*)\n(.*?)^ *```$", text, re.M | re.S):
        line = text.count("\n", 0, found.start(2)) + 1
        yield Example(page=page, line=line, language=found[1], text=textwrap.dedent(found[2]))


def lines(example: Example) -> list[str]:
    """A shell example's commands: continued lines joined, notes left out."""
    joined = example.text.replace("\\\n", " ")
    return [line for raw in joined.splitlines() if (line := re.sub(r"\s+#.*$|^#.*$", "", raw).strip())]

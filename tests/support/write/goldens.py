"""Writes the golden mails again: `python -m tests.support.write.goldens`. Look at the difference before committing."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from tests.support.report_cases import golden_reports

GOLDEN = Path(__file__).parents[2] / "golden"


@cache
def bodies() -> dict[str, str]:
    """file name → content, as rendered now."""
    return {
        f"{name}.{kind}": body
        for name, report in golden_reports().items()
        for kind, body in (("html", report.html), ("txt", f"Subject: {report.subject}\n\n{report.text}"))
    }


def write() -> None:
    """One .html and one .txt per report below tests/golden."""
    GOLDEN.mkdir(exist_ok=True)
    for name, body in bodies().items():
        (GOLDEN / name).write_bytes(body.encode())


if __name__ == "__main__":
    write()

"""`rostersync check`: a file's verdict, fault by fault."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from rostersync import pipeline, reporting
from rostersync.cli.environment import open_services, readable
from rostersync.cli.exit_codes import FINE, REFUSED, ROW_ERRORS
from rostersync.cli.options import Format, FormatOption
from rostersync.cli.output import print_json, print_lines, say
from rostersync.configuration import dictionary as dictionaries
from rostersync.configuration import districts
from rostersync.configuration.districts import District
from rostersync.exceptions import ConfigurationError
from rostersync.pipeline import Checked

STANDARD_INPUT = Path("-")
CODES = {"accepted": FINE, "accepted_with_errors": ROW_ERRORS, "refused": REFUSED}
WORDS = {"file": "REFUSES THE FILE", "row": "ERROR", "remark": "remark", "hold": "HOLDS THE DELIVERY"}
VERDICTS = {
    "accepted": "Accepted: every row would be applied.",
    "accepted_with_errors": "Accepted with errors: rejected rows would apply nothing, all others would be applied.",
    "refused": "Refused: nothing of this file would be applied.",
}

NOT_ASKED = "The roster was not asked: schools, IDs and addresses may still be wrong. Add --district CODE to know."
BY_FILE_RULES = {
    "accepted": f"Accepted by the file rules. {NOT_ASKED}",
    "accepted_with_errors": f"Accepted by the file rules but for the rejected rows. {NOT_ASKED}",
}


def check(
    file: Annotated[Path, typer.Argument(help="A users.csv; - reads standard input.", metavar="FILE")],
    district: Annotated[str | None, typer.Option(help="Also judge it against this district's roster.")] = None,
    format_: FormatOption = Format.TEXT,
    errors_file: Annotated[Path | None, typer.Option(help="Write the rejected rows here (.csv or .xlsx).")] = None,
) -> int:
    """Validate a file without writing anything."""
    configuration = districts.load_district(district) if district else None
    checked = _judge(_bytes_of(file, configuration), configuration, file.name)
    if format_ is Format.JSON:
        print_json(checked.to_json())
    else:
        print_lines(_lines(checked, "standard input" if file == STANDARD_INPUT else file.name))
    if errors_file:
        _write_errors(checked, errors_file, file)
    return CODES[checked.verdict]


def _bytes_of(file: Path, district: District | None) -> bytes:
    """At most one byte more than the limit: enough to be refused as too large."""
    limit = (district.limits if district else districts.Limits()).max_bytes + 1
    if file == STANDARD_INPUT:
        return sys.stdin.buffer.read(limit)
    with readable(file).open("rb") as source:
        return source.read(limit)


def _judge(data: bytes, district: District | None, name: str) -> Checked:
    if district is None:
        return pipeline.check(data, dictionaries.load_dictionary(), name=name)
    with open_services() as opened:
        return pipeline.check(
            data, dictionaries.load_dictionary(district.dictionary_version), district, services=opened, name=name
        )


def _lines(checked: Checked, name: str) -> Iterator[str]:
    facts = checked.to_json()
    asked = checked.evaluation is not None or checked.verdict == "refused"
    yield f"{name}: {(VERDICTS if asked else BY_FILE_RULES)[checked.verdict]}"
    for line, group in groupby(facts["findings"], key=lambda finding: finding["line"]):
        yield ""
        yield f"Line {line}" if line else "The whole file"
        yield from _group(list(group))
    rows = facts["rows"]
    yield ""
    yield "Rows: " + ", ".join(f"{word.replace('_', ' ')} {number:,}" for word, number in rows.items())
    yield _summary(facts["findings"])


def _group(findings: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for finding in findings:
        where = f"{finding['column']}: " if finding["column"] else ""
        yield f"  {WORDS[finding['severity']]}  {where}{finding['message']}  [{finding['code']}]"
        yield f"      What to do: {finding['resolution']}"


def _summary(findings: Sequence[Mapping[str, Any]]) -> str:
    told = [finding["severity"] for finding in findings]
    errors, remarks = len(told) - told.count("remark"), told.count("remark")
    return f"Found: {errors:,} error{'' if errors == 1 else 's'}, {remarks:,} remark{'' if remarks == 1 else 's'}."


def _write_errors(checked: Checked, target: Path, source: Path) -> None:
    """The rejected rows with what is wrong, as a contact gets them; nothing when no row was rejected."""
    if source != STANDARD_INPUT and target.exists() and target.samefile(source):
        raise ConfigurationError("--errors-file names the file itself.", hint="Choose another name.")
    if checked.verdict != "accepted_with_errors":
        say(f"{target} was not written: no row was rejected by itself.")
        return
    write = reporting.errors_workbook if target.suffix.lower() == ".xlsx" else reporting.errors_file
    try:
        target.write_bytes(write(checked.screened.reading, checked.findings, checked.dictionary))
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.", hint="Check the folder.") from None
    say(f"The rejected rows are in {target}.")

"""Writes the conformance pack anew from the samples: `python -m tests.support.write.conformance`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from rostersync.configuration import dictionary
from tests.support.sample_files import FOLDER, Sample, samples

PACK = Path(__file__).parents[3] / "docs" / "conformance"
FIELDS = ("line", "column", "code", "severity")


def files() -> Mapping[str, bytes]:
    """Path below the pack → content. Without samples that need a fault in a database of ours, or a person of ours."""
    chosen = [sample for sample in samples() if not sample.database_refuses and sample.approval is None]
    cases = {"dictionary": dictionary.load_dictionary().version, "cases": [dict(_case(sample)) for sample in chosen]}
    text = json.dumps(cases, ensure_ascii=False, indent=1, default=_as_text) + "\n"
    data = {f"files/{sample.name}.csv": sample.data for sample in chosen}
    data |= {f"files/{each.file}": (FOLDER / each.file).read_bytes() for s in chosen for each in s.earlier}
    return {"cases.json": text.encode(), **data}


def _case(sample: Sample) -> Iterator[tuple[str, Any]]:
    yield "name", sample.name
    yield "about", sample.about
    yield "file", f"files/{sample.name}.csv"
    yield "outcome", sample.outcome
    yield "findings", [dict(zip(FIELDS, finding, strict=True)) for finding in sample.findings]
    if sample.remarks:
        yield "remarks", sample.remarks
    yield "now", sample.now
    yield "modified", sample.modified
    if sample.earlier:
        yield "earlier", [{"file": f"files/{each.file}", "modified": each.modified} for each in sample.earlier]
    yield "district", sample.district
    yield "roster", {entity: records for entity, records in sample.roster.items() if records}


def _as_text(moment: datetime | date) -> str:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return moment.isoformat()


def write() -> None:
    """Every generated file, and none that no sample asks for."""
    wanted = files()
    for path in (PACK / "files").glob("*"):
        if f"files/{path.name}" not in wanted:
            path.unlink()
    for name, content in wanted.items():
        (PACK / name).parent.mkdir(parents=True, exist_ok=True)
        (PACK / name).write_bytes(content)


if __name__ == "__main__":
    write()

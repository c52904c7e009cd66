"""The conformance pack is what the samples say, and can be used without knowing anything of ours."""

from __future__ import annotations

import json
import re

import pytest

from tests.support.write.conformance import FIELDS, PACK, files

CASES = json.loads((PACK / "cases.json").read_bytes())["cases"]


def test_the_pack_is_up_to_date() -> None:
    there = {path.relative_to(PACK).as_posix(): path.read_bytes() for path in PACK.rglob("*") if path.is_file()}
    del there["README.md"]
    assert there.keys() == files().keys(), "run: make generate"
    assert there == files(), "run: make generate"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_is_whole(case) -> None:
    assert {"name", "about", "file", "outcome", "findings", "now", "modified", "district", "roster"} <= case.keys()
    assert all((PACK / each["file"]).is_file() for each in (case, *case.get("earlier", ())))
    assert all(tuple(finding) == FIELDS for finding in case["findings"])
    lines = [finding["line"] or 0 for finding in case["findings"]]
    assert lines == sorted(lines)


def test_nobody_real_is_in_it() -> None:
    """Addresses are below the name .example, which is reserved for this."""
    text = b"".join(files().values()).decode("utf-8", "replace")
    assert {each.rpartition(".")[2] for each in re.findall(r"[\w.]+@[\w.-]+\w", text)} == {"example"}

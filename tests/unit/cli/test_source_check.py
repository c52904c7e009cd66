"""`rostersync source check`: exit codes and shapes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rostersync.cli import app as cli
from tests.support.source_packages import ROWS, package, write_zip


@pytest.mark.parametrize(
    ("files", "code", "verdict"),
    [
        (package(), 0, "accepted"),
        (package(enrollments=()), 3, "held"),
        (package(orgs=(*ROWS["orgs"], ROWS["orgs"][1])), 2, "refused"),
    ],
)
def test_the_exit_code_is_the_verdicts(tmp_path: Path, capsys, files, code: int, verdict: str) -> None:
    path = str(write_zip(tmp_path / "package.zip", files))
    assert cli.run(["source", "check", path, "--format", "json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["verdict"] == verdict
    assert {finding["file"] for finding in told["findings"]} <= {f"{table}.csv" for table in ROWS}
    assert cli.run(["source", "check", path]) == code


def test_a_path_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    assert cli.run(["source", "check", str(tmp_path / "none.zip")]) == 4

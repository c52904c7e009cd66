"""The numbered bad inputs that need a roster or an inbox, on a real PostgreSQL and a real SFTP server."""

from __future__ import annotations

import json
import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from rostersync.database import tables
from rostersync.model import Outcome
from tests.support.bad_inputs.nights import NIGHTS, OTHER, BadNight, next_door
from tests.support.district_nights import Nights, district, person, users_csv
from tests.support.servers import SftpServer

CASES = [pytest.param(night, id=f"B{number}-{n}") for number, some in NIGHTS.items() for n, night in enumerate(some)]


def apply_before(nights: Nights, case: BadNight) -> None:
    if case.before:
        nights.put(case.before)
        [result] = nights.sync("night-0")
        assert result.outcome is Outcome.APPLIED
        nights.now += timedelta(days=1)


@pytest.mark.parametrize("case", CASES)
def test_each_bad_input_gets_its_verdict(nights: Nights, case: BadNight) -> None:
    if case.seed:
        with nights.owner.begin() as conn:
            case.seed(conn)
    apply_before(nights, case)
    before = nights.fingerprint()
    nights.put(case.rows)
    [result] = nights.sync()
    assert [finding.flat for finding in result.findings] == case.findings
    assert result.outcome is case.outcome
    if case.outcome is Outcome.HELD:
        assert nights.fingerprint() == before
    if case.seed is next_door:
        for word in (OTHER, "Shelbyville", "Wiggum"):
            assert word not in told(nights)
        unknown = [
            dict(finding.detail) | {"school": ""} for finding in result.findings if finding.code == "school-unknown"
        ]
        assert all(detail == unknown[0] for detail in unknown)


def told(nights: Nights) -> str:
    """Everything a contact was sent."""
    with nights.owner.connect() as conn:
        bodies = [f"{row.text_body}{row.html_body}" for row in conn.execute(select(tables.report))]
        files = [
            bytes(content).decode("utf-8", "replace") for content in conn.scalars(select(tables.report_file.c.content))
        ]
    return "".join(bodies + files)


NAMES = ("-rf.csv", "a;rm -rf $(id).csv", "{{ 7*7 }}.csv", "n" * 240 + ".csv")
UNSEEN = ("two\nlines.csv", "left\u202egpj.csv", "a\\b.csv", ".hidden.csv", "users.csv\r")


@pytest.fixture
def sftp_nights(nights: Nights, sftp_server: SftpServer, monkeypatch: pytest.MonkeyPatch) -> Nights:
    """The district's inbox is an SFTP server; any file name is taken."""
    found = sftp_server.credentials()
    facts = {name: getattr(found, name) for name in ("host", "port", "user", "password", "host_key")}
    monkeypatch.setenv("ROSTERSYNC_SFTP_HOSTILE", json.dumps(facts))
    source = {"sftp": "hostile", "directory": "/", "pattern": "*"}
    nights.config = district(nights.inbox, source=source, limits={"max_bytes": 1_000_000})
    return nights


def test_b77_a_file_name_never_becomes_a_path_or_a_word(
    sftp_nights: Nights, sftp_server: SftpServer, caplog: pytest.LogCaptureFixture
) -> None:
    for number, name in enumerate((*NAMES, *UNSEEN), start=1):
        (sftp_server.root / name).write_bytes(users_csv([person(number)]))
    results = sftp_nights.sync()
    assert [result.outcome for result in results] == [Outcome.APPLIED] * len(NAMES)
    assert sftp_nights.people() == sorted(f"u{number}" for number in range(1, len(NAMES) + 1))
    landed = (sftp_nights.folder / "landing" / sftp_nights.config.code).rglob("*")
    kept = [path.name for path in landed if path.is_file()]
    assert len(kept) == len(NAMES)
    assert all(re.fullmatch("[0-9a-f]{64}", name) for name in kept)
    for name in NAMES:
        assert name not in caplog.text
        assert name not in told(sftp_nights)
    assert sorted(path.name for path in sftp_server.root.iterdir()) == sorted((*NAMES, *UNSEEN))


@pytest.mark.parametrize("size", [1_000_001, 100 << 30, 8 << 40])
def test_b78_a_sparse_file_is_refused_by_its_size(sftp_nights: Nights, sftp_server: SftpServer, size: int) -> None:
    with (sftp_server.root / "users.csv").open("wb") as sparse:
        sparse.truncate(size)
    began = time.monotonic()
    [result] = sftp_nights.sync()
    assert result.outcome is Outcome.REFUSED
    assert [finding.flat for finding in result.findings] == [(None, None, "file-too-large")]
    assert time.monotonic() - began < 10

"""Every code of the catalogue is shown by a sample: read, judged, planned and applied as in a night."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from rostersync.catalogue.findings import finding_texts, message, resolution
from rostersync.configuration import dictionary as dictionaries
from rostersync.model import Finding, Outcome, Severity
from rostersync.operations import reviewing
from rostersync.pipeline import file_verdict
from rostersync.pipeline.results import SyncResult, by_line
from tests.support.district_nights import Nights, district
from tests.support.sample_files import FOLDER, Sample, load, names, samples, write_roster

if TYPE_CHECKING:
    from rostersync.configuration.districts import District


@contextmanager
def set_up(nights: Nights, sample: Sample) -> Iterator[None]:
    """The sample's roster, configuration and clock, and nothing left of the one before."""
    nights.empty()
    nights.config, nights.now = district(nights.inbox, **sample.district), sample.now
    with nights.owner.begin() as conn:
        write_roster(conn, sample, sample.roster)
    fault = sample.database_refuses
    with nights.refusing(f"roster.{fault['table']}", f"CHECK ({fault['unless']})") if fault else nullcontext():
        yield


def by_file_alone(sample: Sample) -> bool:
    """Whether file rules reject what the sample is about: planning it as well would only cost as much time again."""
    by = {finding_texts()[code].by for _, _, code, _ in sample.findings}
    return by == {"F"} and sample.outcome != Outcome.APPLIED


def come_to(standing: Nights, sample: Sample) -> tuple[Sequence[Finding], str]:
    """What is found in the sample's file, and how its night ends, after those of its earlier files."""
    if by_file_alone(sample):
        return judged_alone(district(standing.inbox, **sample.district), sample)
    with set_up(standing, sample):
        for number, each in enumerate(sample.earlier):
            standing.put((FOLDER / each.file).read_bytes(), "users.csv", each.modified)
            [before] = standing.sync(f"earlier-{number}")
            assert before.outcome in (Outcome.APPLIED, Outcome.APPLIED_WITH_ERRORS)
        standing.put(sample.data, "users.csv", sample.modified)
        [result] = standing.sync("night")
        if sample.approval is not None:
            result = approved(standing, sample, result)
    return result.findings, result.outcome.value


def approved(standing: Nights, sample: Sample, held: SyncResult) -> SyncResult:
    """What the held file comes to when somebody approves it, as the sample says."""
    wish = dict(sample.approval or {})
    with standing.owner.begin() as conn:
        write_roster(conn, sample, wish.pop("meanwhile", {}))
    reviewed = reviewing.approve(standing.services, str(held.delivery), actor="olga", **wish)
    assert reviewed.result is not None
    return reviewed.result


def judged_alone(config: District, sample: Sample) -> tuple[Sequence[Finding], str]:
    """The reader and Great Expectations, without the roster."""
    dictionary = dictionaries.load_dictionary()
    screened = file_verdict.screen_landed_bytes(
        file_verdict.read_landed(sample.data, dictionary, config), dictionary, config
    )
    rejects = any(finding.severity is Severity.ROW for finding in screened.findings)
    outcome = Outcome.REFUSED if screened.refused else Outcome.APPLIED_WITH_ERRORS if rejects else Outcome.APPLIED
    return by_line(screened.findings), outcome.value


def flat(finding: Finding) -> tuple[int | None, str | None, str, str]:
    return (*finding.flat, finding.severity.value)


@pytest.mark.parametrize("name", names())
def test_a_sample_shows_its_code(standing: Nights, name: str) -> None:
    sample = load(name)
    findings, outcome = come_to(standing, sample)
    assert [flat(finding) for finding in findings] == list(sample.findings)
    assert outcome == sample.outcome
    for finding in findings:
        assert_told(finding)


def assert_told(finding: Finding) -> None:
    """Both sentences are whole: where, what, what to do, with every fact."""
    what, remedy = message(finding), resolution(finding)
    assert "…" not in what + remedy
    assert not re.search(r"[{}]|None(?! of)|  ", what + remedy)
    assert what.startswith(where(finding))
    assert what[-1] in ".?"
    assert remedy[-1] in ".?"


def where(finding: Finding) -> tuple[str, ...]:
    """How a message may begin: where the fault is, as far as it has a place."""
    if finding.line is None:
        return ("The file ", "The header ", "This ", "A quotation mark ", "Unusually many ")
    if finding.code.startswith("header-"):
        return ("Header: ",)
    return (f"Line {finding.line}", "Blank lines ")


@pytest.mark.parametrize("sample", samples(), ids=lambda each: each.name)
def test_a_sample_shows_nothing_else(sample: Sample) -> None:
    others = [severity for _, _, code, severity in sample.findings if code != sample.code]
    # Rows whose school is unknown are rejected, whether there are so many of them that the file is held or not; and
    # what was held before its approval is held again with what is new.
    allowed = {"hold-foreign": "row", "hold-changed": "hold"}.get(sample.code, "remark")
    assert set(others) <= {allowed}
    assert bool(others) == (sample.remarks is not None), "say in `remarks` why there are others, only then"
    assert sample.code in {code for _, _, code, _ in sample.findings}


def test_every_code_has_a_sample_in_each_of_its_severities() -> None:
    shown = {
        (sample.name, severity)
        for sample in samples()
        for _, _, code, severity in sample.findings
        if code == sample.code
    }
    wanted = {
        (code if number == 0 else f"{code}--{severity}", severity.value)
        for code, entry in finding_texts().items()
        if entry.by != "P"
        for number, severity in enumerate(entry.severities)
    }
    assert wanted <= shown


def test_no_code_is_without_a_sample() -> None:
    """But for those of packages: tests/unit/sources has one for each."""
    of_files = {code for code, entry in finding_texts().items() if entry.by != "P"}
    assert {sample.code for sample in samples()} == of_files


def test_every_file_of_the_folder_belongs_to_a_sample() -> None:
    known = {f"{sample.name}.{kind}" for sample in samples() for kind in ("csv", "yaml")} | {"seed.yaml"}
    known |= {earlier.file for sample in samples() for earlier in sample.earlier}
    assert {path.name for path in Path(FOLDER).iterdir()} == known

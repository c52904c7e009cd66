"""The ways in which contacts get a report's files: with the mail, in the district's reports folder, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rostersync.model import Report, ReportFile
from rostersync.reporting.facts import ListPlace, Lists, ReportFacts

if TYPE_CHECKING:
    from rostersync.configuration.district import AttachmentMode

KIND_ENDS: dict[AttachmentMode, str] = {"attach": "", "sftp": "_sftp", "counts-only": "_counts_only"}
"""How the kinds of a report for other ways than `attach` end."""


def report_variants(
    facts: ReportFacts, files: Sequence[ReportFile], ways: Collection[AttachmentMode], render: Callable[[Lists], Report]
) -> dict[AttachmentMode, Report]:
    """The report for each way, `attach` always among them; `render` makes it for a reader who gets the files so.

    The report of `attach` alone has the files; they have a `target` when they are to be dropped in the reports folder.
    Without files, or with such as hold nobody's data, all ways are one report.
    """
    start = f"{facts.delivery}-{facts.attempt}"
    personal = any(file.personal for file in files)
    folder = "sftp" in ways and personal
    named = tuple(replace(f, target=f"{start}-{f.name}" if folder or not f.attached else None) for f in files)
    plain = replace(render(_lists(facts, named, "attach")), files=named)
    made = {way: _other(render(_lists(facts, named, way)), way) if personal else plain for way in ways}
    return made | {"attach": plain}


def _other(report: Report, way: AttachmentMode) -> Report:
    return replace(report, kind=report.kind + KIND_ENDS[way])


def _lists(facts: ReportFacts, files: Sequence[ReportFile], way: AttachmentMode) -> Lists:
    """What the reader is told of the files: all are attached or none is."""
    if not files or way == "counts-only":
        return Lists(withheld=bool(files))
    sizes = [f"{max(1, round(len(f.content) / 1000)):,} KB" for f in files]
    if way == "attach" and all(f.attached for f in files):
        return Lists(place=ListPlace.MAIL, files=tuple(zip([f.name for f in files], sizes, strict=True)))
    folder = facts.district.source.reports.rstrip("/")
    paths = [f"{folder}/{f.target}" for f in files]
    return Lists(place=ListPlace.FOLDER, files=tuple(zip(paths, sizes, strict=True)), too_large=way == "attach")

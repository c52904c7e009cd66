"""Pages of Great Expectations (Data Docs): the suite in sentences, and how many rows of a file do not meet it.

Numbers alone: no cell, and no line, gets into a page. Imports Great Expectations, late.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from rostersync.configuration.dictionary import Dictionary
from rostersync.model import Reading
from rostersync.screening.engine import Rule, preload, screen
from rostersync.screening.suite import load_suite
from rostersync.screening.suite_failure import as_suite_failure

SITE = "rostersync"
NOT_RAISED = {"raised_exception": False, "exception_message": None, "exception_traceback": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedSuite:
    """Each expectation of the suite and how many of the file's `rows` do not meet it; `name`: whose file it is."""

    name: str
    at: datetime
    rows: int
    counts: Sequence[tuple[Rule, int]]

    @property
    def met(self) -> int:
        return sum(not count for _, count in self.counts)


def judge_suite(
    reading: Reading, dictionary: Dictionary, *, name: str, at: datetime, email_domains: tuple[str, ...] = ()
) -> JudgedSuite:
    """Judge every row by every file rule, as `screen` does. Nothing is counted of a refused file, or one without rows.

    Raises SuiteFailed.
    """
    counts: list[tuple[Rule, int]] = []
    screen(reading, dictionary, email_domains=email_domains, record=lambda rule, count: counts.append((rule, count)))
    return JudgedSuite(name=name, at=at, rows=reading.rows_read, counts=counts)


def write_data_docs(folder: Path, dictionary: Dictionary, judged: JudgedSuite | None = None) -> Path:
    """Write the pages of the suite, and of what it found, into the folder; the page of what it found, else the suite's.

    Not the index: that is empty in a browser without a network. Files of other names stay as they are. Raises
    SuiteFailed.
    """
    preload()
    with as_suite_failure():
        context = _context(folder)
        page = _add_suite(context, dictionary)
        if judged:
            page = _add_validation(context, page, judged)
        context.build_data_docs()
        [site] = context.get_docs_sites_urls(resource_identifier=page)
    return Path(url2pathname(urlsplit(site["site_url"]).path))


def _context(folder: Path) -> Any:
    """A context with one site: the folder."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    for name in context.get_site_names():
        context.delete_data_docs_site(name)
    site: Any = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site(SITE, site)
    return context


def _add_suite(context: Any, dictionary: Dictionary) -> Any:
    """Its identifier."""
    import great_expectations as gx
    from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier

    return ExpectationSuiteIdentifier(context.suites.add(gx.ExpectationSuite(**load_suite(dictionary))).name)


def _add_validation(context: Any, suite: Any, judged: JudgedSuite) -> Any:
    """Its identifier."""
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import ValidationResultIdentifier

    run = RunIdentifier(run_name=judged.name, run_time=judged.at)
    key = ValidationResultIdentifier(expectation_suite_identifier=suite, run_id=run, batch_identifier=judged.name)
    context.validation_results_store.set(key, _validation(suite.name, run, judged))
    return key


def _validation(suite: str, run: Any, judged: JudgedSuite) -> Any:
    """The four stages as the one validation that they are together."""
    import great_expectations as gx
    from great_expectations.core import ExpectationSuiteValidationResult

    count = len(judged.counts)
    return ExpectationSuiteValidationResult(
        suite_name=suite,
        success=judged.met == count,
        results=[_result(rule, unmet, judged.rows) for rule, unmet in judged.counts],
        statistics={
            "evaluated_expectations": count,
            "successful_expectations": judged.met,
            "unsuccessful_expectations": count - judged.met,
            "success_percent": 100 * judged.met / count if count else None,
        },
        meta={
            "run_id": run,
            "great_expectations_version": gx.__version__,
            "validation_time": judged.at.isoformat(),
            "batch_kwargs": {"data_asset_name": f"{suite}.csv"},
        },
    )


def _result(rule: Rule, unmet: int, rows: int) -> Any:
    """The number in words, and nothing else."""
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    observed = f"{unmet:,} of {rows:,} rows do not meet it" if unmet else f"all {rows:,} rows meet it"
    return ExpectationValidationResult(
        success=not unmet,
        expectation_config=ExpectationConfiguration(**rule),
        result={"observed_value": observed},
        exception_info=NOT_RAISED,
    )

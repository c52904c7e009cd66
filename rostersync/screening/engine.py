"""The file rules, judged by Great Expectations: every finding of every row, and which rows are accepted.

Receives a `Reading`; gives a `Screened`. The only importer of Great Expectations, and late: the import takes seconds.
Whatever Great Expectations cannot judge raises SuiteFailed; it never counts as "no bad rows".
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from rostersync import text_columns as c
from rostersync.configuration.dictionary import Dictionary
from rostersync.exceptions import SuiteFailed
from rostersync.model import Finding, Reading, Screened, Severity
from rostersync.screening import suite as suites
from rostersync.screening.deferred_imports import deferred
from rostersync.screening.finding_details import FindingContext, describe_violations
from rostersync.screening.normalize import NormalizedTable, normalize_reading, stage, staging_rows
from rostersync.screening.root_causes import Rows, Violation, root_causes
from rostersync.screening.rule_sentences import TYPED
from rostersync.screening.stage_state import StageState
from rostersync.screening.suite_failure import as_suite_failure
from rostersync.text_columns import Cells, Mask, Table

if TYPE_CHECKING:
    import pandas as pd

Rule = Mapping[str, Any]
Recorder = Callable[[Rule, int], None]
"""Is given each expectation that was judged, and how many rows do not meet it."""

RESULT_FORMAT = {"result_format": "COMPLETE", "return_unexpected_index_query": False, "exclude_unexpected_values": True}


@cache
def preload() -> None:
    """Import Great Expectations and register our expectations: in a parent process, before it forks.

    What is loaded stays, so the garbage collector need not look through it: during the import that takes a fifth of the
    time, and in a forked task it copies every page, which takes as long as judging a small file.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        with deferred("scipy.stats", "altair"):
            from rostersync.screening import gx_expectations  # noqa: F401 - imported for the registration
    finally:
        if collecting:
            gc.enable()
    gc.collect()
    gc.freeze()


def screen(
    reading: Reading, dictionary: Dictionary, *, email_domains: tuple[str, ...] = (), record: Recorder | None = None
) -> Screened:
    """Judge every row by every file rule; `email_domains` are the district's own (none: every domain will do).

    A refused reading is not judged further: its findings stay, and no row is given.
    """
    if reading.refused:
        rows = staging_rows(reading, dictionary, reading.findings).iloc[:0]
        return Screened(reading=reading, rows=rows, findings=reading.findings)
    sheet = normalize_reading(reading, dictionary)
    rules, start = _rules(dictionary, email_domains), StageState.initial(len(sheet.lines))
    found = _judge_stages(sheet, dictionary, rules, start, suites.STAGES, record) if len(sheet.lines) else []
    findings = _in_order([*reading.findings, *found], dictionary)
    return Screened(reading=reading, rows=stage(sheet, reading.raw_rows, findings), findings=findings)


def conflicts_without(screened: Screened, dictionary: Dictionary, removals: Collection[int]) -> tuple[Finding, ...]:
    """Errors among rows that speak of the same, when the removals of these lines are refused and take no other row.

    Only those that `screened` does not tell already. Raises SuiteFailed.
    """
    sheet = normalize_reading(screened.reading, dictionary)
    rules = _rules(dictionary, ())
    of_cells = {rule["meta"]["code"] for rule in rules if rule["meta"]["stage"] == "cells"}
    state = StageState.told(sheet, screened.findings, of_cells)
    state.rejected[sheet.rows_of(removals)] = True
    known = {finding.flat for finding in screened.findings}
    found = _judge_stages(sheet, dictionary, rules, state, ("removals", "agreement"))
    return tuple(f for f in found if f.severity is Severity.ROW and f.flat not in known)


def _in_order(findings: Iterable[Finding], dictionary: Dictionary) -> tuple[Finding, ...]:
    places = {header: place for place, header in enumerate(dictionary.headers)}
    return tuple(sorted(findings, key=lambda f: (f.line or 0, places.get(f.column or "", -1))))


def _judge_stages(
    sheet: NormalizedTable,
    dictionary: Dictionary,
    rules: Sequence[Rule],
    state: StageState,
    stages: Sequence[str],
    record: Recorder | None = None,
) -> list[Finding]:
    """What these stages find, one after the other, beginning with this state."""
    batches, count = _batches(), len(sheet.lines)
    findings: list[Finding] = []
    for name in stages:
        table = _cells_table(sheet) if name == "cells" else _values_table(sheet, state)
        asked = [rule for rule in rules if rule["meta"]["stage"] == name]
        violations = root_causes(_hits(asked, table, batches, record), count)
        accepted = _without_taken_parts(state.after(violations).rejected, violations)
        violations = [violation for violation in accepted if len(violation.rows)]
        state = state.after(violations)
        state = state.with_faulty_cells(violations) if name == "cells" else state
        scene = FindingContext(sheet=sheet, table=table, dictionary=dictionary)
        findings += [finding for violation in violations for finding in describe_violations(violation, scene)]
    return findings


def _without_taken_parts(rejected: Mask, violations: Iterable[Violation]) -> Iterator[Violation]:
    """A rejected row applies nothing: that a removal would have taken it is no news."""
    for violation in violations:
        kept = violation.rows[~rejected[violation.rows]]
        yield replace(violation, rows=kept) if violation.code == "row-folded" else violation


def _rules(dictionary: Dictionary, domains: tuple[str, ...]) -> list[Rule]:
    """The suite's expectations, with the district's own facts filled in."""
    rules: list[Rule] = suites.load_suite(dictionary)["expectations"]
    for rule in rules:
        if "domains" in rule["kwargs"]["settings"]:
            rule["kwargs"]["settings"]["domains"] = list(domains)
    return rules


def _cells_table(sheet: NormalizedTable) -> dict[str, Cells]:
    typed = {TYPED + header: cells for header, cells in sheet.judged.items()}
    return {**sheet.text, **typed}


def _values_table(sheet: NormalizedTable, state: StageState) -> dict[str, Cells]:
    """Values, addresses folded, faulty cells null. Also what was typed, and what is known of the rows."""
    typed = {TYPED + header: cells for header, cells in sheet.typed.items()}
    value = {
        h: c.where(cells, ~state.faulty[h], None) if h in state.faulty else cells for h, cells in sheet.value.items()
    }
    value["userEmail"] = c.where(sheet.email_key, c.codes(value["userEmail"]) >= 0, None)
    flags = {
        "rejected": c.flags({"yes": state.rejected}, len(state.rejected)),
        "folded": c.flags({"row": state.folded, "class": state.class_part_dropped}, len(state.folded)),
    }
    return {**value, **typed, **flags}


def _hits(rules: Sequence[Rule], table: Table, batches: Any, record: Recorder | None) -> Iterator[Violation]:
    for rule, rows in _unexpected(rules, c.to_frame(table), batches):
        if record:
            record(rule, len(rows))
        if len(rows):
            yield from _attribute(rule, rows, table)


def _attribute(rule: Rule, rows: Rows, table: Table) -> Iterator[Violation]:
    """Great Expectations names rows; the rule itself, asked about those rows only, names their columns."""
    from rostersync.screening.gx_expectations import RULES

    meta, kwargs = rule["meta"], rule["kwargs"]
    severity, settings = Severity(meta["severity"]), kwargs["settings"]
    if len(meta["columns"]) <= 1:
        yield Violation(code=meta["code"], severity=severity, column=meta["column"], rows=rows, settings=settings)
        return
    some = {header: c.pick(table[header], rows) for header in kwargs["column_list"]}
    for header, broken in RULES[rule["type"]](some, settings).items():
        if broken.any():
            column = header.removeprefix(TYPED)
            yield Violation(code=meta["code"], severity=severity, column=column, rows=rows[broken], settings=settings)


def _unexpected(rules: Sequence[Rule], frame: pd.DataFrame, batches: Any) -> Iterator[tuple[Rule, Rows]]:
    """Each expectation and the rows that do not meet it."""
    numbered = [{**rule, "meta": {**rule["meta"], "number": number}} for number, rule in enumerate(rules)]
    seen = set()
    for result in _validate(numbered, frame, batches):
        number = result.expectation_config.meta["number"]
        seen.add(number)
        yield rules[number], _rows_of(result, rules[number])
    if len(seen) != len(rules):
        raise SuiteFailed(f"{len(rules) - len(seen)} of {len(rules)} expectations gave no result.")


def _rows_of(result: Any, rule: Rule) -> Rows:
    """The complete row numbers of one result."""
    if _raised(result.exception_info):
        raise SuiteFailed(f"The expectation of {rule['meta']['code']} raised an exception.")
    rows = result.result.get("unexpected_index_list") or []
    if len(rows) != result.result.get("unexpected_count"):
        raise SuiteFailed(f"The rows of {rule['meta']['code']} are not complete.")
    return np.array(rows, np.int64)


def _raised(exception_info: Mapping[str, Any]) -> bool:
    """Great Expectations gives either one record or one for each metric."""
    if "raised_exception" in exception_info:
        return bool(exception_info["raised_exception"])
    return any(info.get("raised_exception") for info in exception_info.values() if isinstance(info, Mapping))


def _validate(rules: Sequence[Rule], frame: pd.DataFrame, batches: Any) -> list[Any]:
    """The results of one run of the suite."""
    import great_expectations as gx

    with as_suite_failure(), _without_fingerprint():
        suite = gx.ExpectationSuite(name="users", expectations=[dict(rule) for rule in rules])
        batch = batches.get_batch({"dataframe": frame})
        return list(batch.validate(suite, result_format=RESULT_FORMAT).results)


def _batches() -> Any:
    """Where frames are handed to Great Expectations; nothing of it outlives the file."""
    preload()
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    with as_suite_failure():
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        asset = context.data_sources.add_pandas("rows").add_dataframe_asset("users")
        return asset.add_batch_definition_whole_dataframe("all")


@contextmanager
def _without_fingerprint() -> Iterator[None]:
    """Great Expectations hashes every cell twice for a marker nobody here reads: 40 % of the time of a large file.

    The threshold is a module constant, not API: where it is gone, the frame is hashed and nothing else changes.
    """
    from great_expectations.execution_engine import pandas_execution_engine as engine

    threshold = getattr(engine, "HASH_THRESHOLD", None)
    if threshold is not None:
        engine.HASH_THRESHOLD = 0
    try:
        yield
    finally:
        if threshold is not None:
            engine.HASH_THRESHOLD = threshold

"""Our rules as Great Expectations classes. Importing this module imports Great Expectations (seconds), so only
`screening` does it, and late.

A class is made for each public function of the `expectations_…` modules: `cells_to_be_blank` becomes
`ExpectCellsToBeBlank`. It judges whole rows: a row meets the expectation when none of its cells breaks the rule.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from rostersync import text_columns
from rostersync.screening.rules import (
    agreement as expectations_agreement,
)
from rostersync.screening.rules import (
    cells,
)
from rostersync.screening.rules import (
    removals as expectations_removals,
)
from rostersync.screening.rules import (
    required as expectations_needs,
)
from rostersync.screening.rules.cells import Broken, RuleSettings
from rostersync.text_columns import Mask, Table

# Before the import: Great Expectations logs each class it registers, 226 lines into every task log.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

from great_expectations.compatibility.pydantic import PrivateAttr, validator  # noqa: E402 - as above
from great_expectations.core.metric_domain_types import MetricDomainTypes  # noqa: E402 - as above
from great_expectations.execution_engine import PandasExecutionEngine  # noqa: E402 - the logger comes first
from great_expectations.expectations.expectation import BatchExpectation  # noqa: E402 - as above
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402 - as above
from great_expectations.expectations.metrics.metric_provider import metric_value  # noqa: E402 - as above
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider  # noqa: E402 - as above

# One of its modules sets its own level, for a line about a folder that is never made.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

Rule = Callable[[Table, RuleSettings], Broken]

_VERBS = ("_to_", "_not_to_")


def _rules(module: ModuleType) -> Mapping[str, Rule]:
    own = {n: f for n, f in vars(module).items() if callable(f) and f.__module__ == module.__name__}
    return {n: f for n, f in own.items() if not n.startswith("_") and any(verb in n for verb in _VERBS)}


RULES: Mapping[str, Rule] = {
    f"expect_{name}": rule
    for module in (cells, expectations_needs, expectations_removals, expectations_agreement)
    for name, rule in _rules(module).items()
}
"""Expectation type → rule."""


def unmet_rows(rule: Rule, frame: pd.DataFrame, columns: Sequence[str], settings: RuleSettings) -> list[int]:
    """The numbers of the rows in which any of the columns breaks it."""
    broken: list[Mask] = list(rule(text_columns.of_frame(frame, columns), settings).values())
    in_any_column: Mask = np.logical_or.reduce([np.zeros(len(frame), bool), *broken])
    rows: list[int] = np.flatnonzero(in_any_column).tolist()
    return rows


def _declare(kind: str, rule: Rule) -> type[BatchExpectation]:
    """The metric and the expectation of one rule; defining them registers them."""
    metric = f"table.{kind.removeprefix('expect_')}"

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls: type,  # noqa: ARG001 - its signature
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        **_: Any,
    ) -> list[int]:
        frame = execution_engine.get_compute_domain(metric_domain_kwargs, MetricDomainTypes.TABLE)[0]
        return unmet_rows(rule, frame, metric_value_kwargs["column_list"], json.loads(metric_value_kwargs["settings"]))

    camel = "".join(part.capitalize() for part in kind.split("_"))
    type(
        f"{camel}Metric",
        (TableMetricProvider,),
        {
            "metric_name": metric,
            "domain_keys": ("batch_id", "table"),
            "value_keys": ("column_list", "settings"),
            "_pandas": _pandas,
            "__module__": __name__,
        },
    )
    body = {"__doc__": rule.__doc__, "__module__": __name__, "metric_dependencies": (metric,), "__annotations__": _OWN}
    return type(camel, (_RosterExpectation,), body)


_OWN = {"metric_dependencies": ClassVar[tuple[str, ...]]}


class _RosterExpectation(BatchExpectation):
    """Rows of several columns, judged by one of our rules with the suite's settings (JSON, as a text: Great
    Expectations copies and hashes the parts of a mapping dozens of times).

    One metric each: the numbers of the rows that do not meet it. A map expectation asks for a dozen. No cell's text
    enters a result. Great Expectations builds the configuration anew for each key it looks up; it is remembered here,
    as it never changes.
    """

    args_keys: ClassVar[tuple[str, ...]] = ("column_list", "settings")
    success_keys: ClassVar[tuple[str, ...]] = ("column_list", "settings")
    column_list: tuple[str, ...]
    settings: str
    _configuration: ExpectationConfiguration | None = PrivateAttr(default=None)

    @validator("settings", pre=True)
    def _as_text(cls, value: Any) -> str:  # noqa: N805 - pydantic calls it with the class
        """The suite's mapping, or the same as text."""
        return value if isinstance(value, str) else json.dumps(value, sort_keys=True)

    @property
    def configuration(self) -> ExpectationConfiguration:
        """What the suite says of this expectation."""
        if self._configuration is None:
            self._configuration = super().configuration
        return self._configuration

    def _validate(self, metrics: dict[Any, Any], *_: Any, **__: Any) -> dict[str, Any]:
        """Counts and row numbers."""
        [rows] = metrics.values()
        return {"success": not rows, "result": {"unexpected_count": len(rows), "unexpected_index_list": rows}}


CLASSES = {kind: _declare(kind, rule) for kind, rule in RULES.items()}
"""Expectation type → class."""

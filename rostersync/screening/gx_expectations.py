"""Our rules as Great Expectations classes. Importing this module imports Great Expectations (seconds), so only
`screening` does it, and late.

A class is made for each public function of the `expectations_…` modules: `cells_to_be_blank` becomes
`ExpectCellsToBeBlank`. It judges whole rows: a row meets the expectation when none of its cells breaks the rule.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any, ClassVar, Literal

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
from rostersync.screening.rules.cells import Broken, Settings
from rostersync.text_columns import Mask, Table

# Before the import: Great Expectations logs each class it registers, 226 lines into every task log.
logging.getLogger("great_expectations").setLevel(logging.WARNING)

from great_expectations.compatibility.pydantic import PrivateAttr, validator  # noqa: E402 - as above
from great_expectations.execution_engine import PandasExecutionEngine  # noqa: E402 - the logger comes first
from great_expectations.expectations.expectation import MulticolumnMapExpectation  # noqa: E402 - as above
from great_expectations.expectations.expectation_configuration import ExpectationConfiguration  # noqa: E402 - as above
from great_expectations.expectations.metrics.map_metric_provider import (  # noqa: E402 - as above
    MulticolumnMapMetricProvider,
    multicolumn_condition_partial,
)
from great_expectations.expectations.registry import get_metric_kwargs  # noqa: E402 - as above
from great_expectations.validator.metric_configuration import MetricConfiguration  # noqa: E402 - as above
from great_expectations.validator.validator import ValidationDependencies  # noqa: E402 - as above

# One of its modules sets its own level, for a line about a folder that is never made.
logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)

Rule = Callable[[Table, Settings], Broken]

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


def fine(rule: Rule, frame: pd.DataFrame, settings: Settings) -> pd.Series:
    """Which rows break nothing."""
    broken: list[Mask] = list(rule(text_columns.of_frame(frame), settings).values())
    return pd.Series(~np.logical_or.reduce([np.zeros(len(frame), bool), *broken]), index=frame.index)


def _declare(kind: str, rule: Rule) -> type[MulticolumnMapExpectation]:
    """The metric and the expectation of one rule; defining them registers them."""
    metric = f"multicolumn_values.{kind.removeprefix('expect_')}"

    @multicolumn_condition_partial(engine=PandasExecutionEngine)  # type: ignore[untyped-decorator]  # ships no stubs
    def _pandas(cls: type, column_list: pd.DataFrame, **known: Any) -> pd.Series:  # noqa: ARG001 - its signature
        return fine(rule, column_list, json.loads(known["settings"]))

    camel = "".join(part.capitalize() for part in kind.split("_"))
    type(
        f"{camel}Metric",
        (MulticolumnMapMetricProvider,),
        {
            "condition_metric_name": metric,
            "condition_value_keys": ("settings",),
            "condition_domain_keys": _DOMAIN,
            "_pandas": _pandas,
            "__module__": __name__,
        },
    )
    body = {"__doc__": rule.__doc__, "__module__": __name__, "map_metric": metric, "__annotations__": _ANNOTATIONS}
    return type(camel, (_RosterExpectation,), body)


_DOMAIN = ("batch_id", "table", "column_list", "row_condition", "condition_parser", "ignore_row_if")
_ANNOTATIONS = {"map_metric": ClassVar[str]}


class _RosterExpectation(MulticolumnMapExpectation):
    """Rows of several columns, judged by one of our rules with the suite's settings (JSON, as a text: Great
    Expectations copies and hashes the parts of a mapping dozens of times).

    Asks for counts and row numbers only: no cell's text enters a result. Great Expectations builds the configuration
    anew for each key it looks up, 132 times for an expectation; it is remembered here, as it never changes.
    """

    map_metric: ClassVar[str | None] = None
    success_keys: ClassVar[tuple[str, ...]] = ("mostly", "settings")
    ignore_row_if: Literal["never"] = "never"
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

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: Any = None
    ) -> ValidationDependencies:
        """Counts and row numbers."""
        needed = super(MulticolumnMapExpectation, self).get_validation_dependencies(
            execution_engine=execution_engine, runtime_configuration=runtime_configuration
        )
        for name in (*(f"{self.map_metric}.{suffix}" for suffix in _SUFFIXES), "table.row_count"):
            kwargs = get_metric_kwargs(name, self.configuration, runtime_configuration)
            metric = MetricConfiguration(name, kwargs["metric_domain_kwargs"], kwargs["metric_value_kwargs"])
            needed.set_metric_configuration(name, metric)
        return needed


_SUFFIXES = ("unexpected_count", "filtered_row_count", "unexpected_index_list")


CLASSES = {kind: _declare(kind, rule) for kind, rule in RULES.items()}
"""Expectation type → class."""

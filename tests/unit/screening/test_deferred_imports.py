"""What Great Expectations imports for expectations that we do not use costs nothing, and works when it is used."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

import pytest

from rostersync.screening.deferred_imports import deferred
from rostersync.settings import PROJECT

JUDGE = """
import sys
from rostersync.configuration import dictionary as dictionaries
from rostersync.pipeline import check
found = check(b"schoolId,userId,userRole,userFirstName,userLastName,userEmail\\r\\n1,T1,Teacher,Ann,Lee,a@x\\r\\n",
              dictionaries.load_dictionary())
print(len(found.findings) > 0, *(name for name in ("scipy.stats", "altair", "numpy.f2py") if name in sys.modules))
"""
DIVERGE = """
import sys
from rostersync.screening import engine
engine.preload()
import great_expectations as gx
import pandas as pd
batch = (
    gx.get_context(mode="ephemeral").data_sources.add_pandas("p").add_dataframe_asset("a")
    .add_batch_definition_whole_dataframe("b").get_batch({"dataframe": pd.DataFrame({"x": ["a", "a", "b", "c"]})})
)
def judge(*weights):
    expected = {"values": ["a", "b", "c"], "weights": list(weights)}
    wanted = gx.expectations.ExpectColumnKLDivergenceToBeLessThan(
        column="x", partition_object=expected, threshold=0.01)
    return batch.validate(wanted)
print(judge(0.5, 0.25, 0.25).success, judge(0.1, 0.1, 0.8).success)
import scipy.stats
print(type(sys.modules["scipy.stats"]).__name__, scipy.stats.entropy([1.0]) == 0.0)
"""


def said_by(program: str) -> list[str]:
    command = [sys.executable, "-W", "ignore", "-c", program]
    return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True, timeout=120).stdout.split()


def test_judging_a_file_loads_neither_statistics_nor_charts() -> None:
    assert said_by(JUDGE) == ["True"]


def test_an_expectation_that_needs_them_gets_them_and_judges_rightly() -> None:
    assert said_by(DIVERGE) == ["True", "False", "module", "True"]


def test_the_first_attribute_loads_the_module_and_later_imports_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with deferred("colorsys"):
        stand_in = importlib.import_module("colorsys")
    assert "colorsys" not in sys.modules
    assert stand_in.rgb_to_hsv(1, 0, 0) == (0.0, 1.0, 1)
    assert importlib.import_module("colorsys") is not stand_in
    assert type(sys.modules["colorsys"]) is ModuleType


def test_what_is_used_inside_is_the_module_already(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with deferred("colorsys"):
        stand_in = importlib.import_module("colorsys")
        assert stand_in.ONE_THIRD == 1 / 3


def test_a_module_that_is_loaded_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    import json

    with deferred("json"):
        assert importlib.import_module("json") is json


def test_a_module_that_is_nowhere_says_so_when_it_is_used() -> None:
    with deferred("no_such_package"):
        stand_in = importlib.import_module("no_such_package")
    with pytest.raises(ModuleNotFoundError):
        _ = stand_in.anything

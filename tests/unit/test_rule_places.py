"""Each rule is in exactly one place: the reader, the suite, or the plan's SQL; and each code can be found somewhere.

What the file alone can only suppose is in the suite, and settled in the plan.
"""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import rostersync
from rostersync.catalogue.findings import SUPPOSED, finding_texts
from rostersync.settings import include_path

PACKAGE = Path(rostersync.__file__).parent
EXPECTATIONS = json.loads(include_path("expectations", "users.json").read_bytes())["expectations"]
SUITE = {expectation["meta"]["code"] for expectation in EXPECTATIONS}
NO_RULES = ("reporting", "sample", "local", "cli", "documentation")
"""These speak of codes that others find: how mails and pages put them, which faults a sample night gets."""
CODES = {by: [code for code, entry in finding_texts().items() if entry.by == by] for by in "FRP"}


@cache
def makers() -> dict[str, set[str]]:
    """Code → the places below `rostersync/` whose program text names it."""
    found: dict[str, set[str]] = {code: set() for code in finding_texts()}
    for path in PACKAGE.rglob("*.py"):
        place = path.relative_to(PACKAGE).as_posix()
        if not place.startswith(NO_RULES):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and node.value in found:
                    found[str(node.value)].add(place)
    return found


@pytest.mark.parametrize("code", CODES["F"])
def test_a_file_rule_is_the_readers_or_an_expectation(code: str) -> None:
    by_reader = {place for place in makers()[code] if place.startswith("reading/")}
    assert bool(by_reader) != (code in SUITE)
    in_the_plan = {place for place in makers()[code] if place.startswith(("planning/", "pipeline/"))}
    assert bool(in_the_plan) == (code in SUPPOSED)


@pytest.mark.parametrize("code", [code for code in CODES["R"] if not code.startswith("hold-")])
def test_a_roster_rule_is_in_the_plan_alone(code: str) -> None:
    assert code not in SUITE
    expected = "applying/refused_rows.py" if code == "row-refused-by-database" else "planning/"
    assert makers()[code]
    assert all(place.startswith(expected) for place in makers()[code])


def docstrings(folder: str) -> dict[str, str]:
    """`module.function` → its docstring, of every function below a folder of rules."""
    found = {}
    for path in (PACKAGE / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                found[f"{path.stem}.{node.name}"] = ast.get_docstring(node) or ""
    return found


@pytest.mark.parametrize("rule", EXPECTATIONS, ids=lambda rule: rule["meta"]["code"])
def test_the_rule_of_an_expectation_begins_with_its_code(rule: dict[str, Any]) -> None:
    name = rule["type"].removeprefix("expect_")
    [text] = [text for place, text in docstrings("screening/rules").items() if place.endswith(f".{name}")]
    assert f"`{rule['meta']['code']}`" in text.split(". ")[0]


@pytest.mark.parametrize("code", [code for code in CODES["R"] if not code.startswith(("hold-", "row-refused"))])
def test_a_grep_of_a_roster_rules_code_finds_the_rule_that_reads_like_it(code: str) -> None:
    named = [place for place, text in docstrings("planning").items() if text.startswith("`") and f"`{code}`" in text]
    assert named, f"no rule begins with `{code}`"


@pytest.mark.parametrize("code", CODES["P"])
def test_a_rule_about_packages_is_where_packages_are_read(code: str) -> None:
    assert makers()[code]
    assert all(place.startswith("sources/") for place in makers()[code])

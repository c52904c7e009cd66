"""`make house` counts what it says, in invented trees; and finds import cycles that no linter looks for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from rostersync.settings import PROJECT
from scripts import house


def write_package(folder: Path, texts: Mapping[str, str]) -> Path:
    """A package `shop` with these modules; every folder gets its face, unless it is among them."""
    package = folder / "shop"
    for place, text in texts.items():
        path = package / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for path in [package, *(path for path in package.rglob("*") if path.is_dir())]:
        (path / "__init__.py").touch()
    return package


def lines(number: int) -> str:
    return "x = 1\n" * number


def function(number: int) -> str:
    return "def long() -> None:\n" + "    print()\n" * (number - 1)


def cycles_of(folder: Path, texts: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    return house.measure(write_package(folder, texts)).cycles


def over_of(folder: Path, texts: Mapping[str, str]) -> list[str]:
    return house.violations(house.measure(write_package(folder, texts)))


@pytest.mark.parametrize(("number", "over"), [(8, []), (9, ["root: 9 modules, at most 8"])])
def test_modules_at_the_root_are_counted_without_the_face(tmp_path: Path, number: int, over: list[str]) -> None:
    assert over_of(tmp_path, {f"m{index}.py": "" for index in range(number)}) == over


@pytest.mark.parametrize(("number", "over"), [(16, []), (17, ["stock/shelf: 17 modules, at most 16"])])
def test_modules_of_a_folder_are_counted_beside_its_face(tmp_path: Path, number: int, over: list[str]) -> None:
    texts = {f"stock/shelf/m{index}.py": "" for index in range(number)} | {"stock/other.py": ""}
    assert over_of(tmp_path, texts) == over


def test_the_folder_of_commands_has_no_limit(tmp_path: Path) -> None:
    assert over_of(tmp_path, {f"cli/commands/m{index}.py": "" for index in range(40)}) == []


@pytest.mark.parametrize(("number", "over"), [(250, []), (251, ["stock/goods.py: 251 lines, at most 250"])])
def test_a_module_may_have_250_lines(tmp_path: Path, number: int, over: list[str]) -> None:
    assert over_of(tmp_path, {"stock/goods.py": lines(number)}) == over


def test_a_face_is_a_module_like_others_when_its_lines_are_counted(tmp_path: Path) -> None:
    assert over_of(tmp_path, {"stock/__init__.py": lines(251)}) == ["stock/__init__.py: 251 lines, at most 250"]


@pytest.mark.parametrize(("number", "over"), [(40, []), (41, ["goods.py:1 long: 41 lines, at most 40"])])
def test_a_function_may_have_40_lines(tmp_path: Path, number: int, over: list[str]) -> None:
    assert over_of(tmp_path, {"goods.py": function(number)}) == over


def test_methods_and_coroutines_are_functions_and_decorators_no_part_of_them(tmp_path: Path) -> None:
    method = "class Goods:\n    @staticmethod\n    def weigh():\n" + "        print()\n" * 40
    coroutine = "async def wait():\n" + "    print()\n" * 40
    assert over_of(tmp_path, {"method.py": method, "wait.py": coroutine}) == [
        "method.py:3 weigh: 41 lines, at most 40",
        "wait.py:1 wait: 41 lines, at most 40",
    ]


def test_a_cycle_at_load_time_is_found(tmp_path: Path) -> None:
    texts = {"buy.py": "import shop.sell\n", "sell.py": "from shop.buy import price\n"}
    assert cycles_of(tmp_path, texts) == (("shop.buy", "shop.sell", "shop.buy"),)


def test_a_cycle_that_is_closed_inside_a_function_is_found(tmp_path: Path) -> None:
    texts = {
        "buy.py": "from shop import sell\n",
        "sell.py": "class Till:\n    def open(self):\n        if self:\n            from shop.stock import goods\n",
        "stock/goods.py": "def order():\n    from shop.buy import price\n",
    }
    assert cycles_of(tmp_path, texts) == (("shop.buy", "shop.sell", "shop.stock.goods", "shop.buy"),)
    assert over_of(tmp_path, texts) == ["import cycle: shop.buy -> shop.sell -> shop.stock.goods -> shop.buy"]


@pytest.mark.parametrize("test", ["TYPE_CHECKING", "typing.TYPE_CHECKING"])
def test_imports_for_type_checkers_alone_close_no_cycle(tmp_path: Path, test: str) -> None:
    typed = f"import typing\nfrom typing import TYPE_CHECKING\nif {test}:\n    from shop.buy import Price\n"
    assert cycles_of(tmp_path, {"buy.py": "import shop.sell\n", "sell.py": typed}) == ()


def test_what_is_imported_when_nobody_checks_types_closes_one(tmp_path: Path) -> None:
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    import shop.buy\n"
    assert cycles_of(tmp_path, {"buy.py": "import shop.sell\n", "sell.py": typed}) == (
        ("shop.buy", "shop.sell", "shop.buy"),
    )


def test_a_name_of_a_face_is_an_import_of_the_face(tmp_path: Path) -> None:
    texts = {
        "stock/__init__.py": "from shop.stock.goods import order\n",
        "stock/goods.py": "def order():\n    from shop.stock import order\n",
    }
    assert cycles_of(tmp_path, texts) == (("shop.stock", "shop.stock.goods", "shop.stock"),)


def test_a_module_of_a_package_is_no_import_of_its_face(tmp_path: Path) -> None:
    texts = {
        "stock/__init__.py": "from shop.stock.goods import order\n",
        "stock/goods.py": "from shop.stock import shelf\nimport json\n",
        "stock/shelf.py": "",
    }
    assert cycles_of(tmp_path, texts) == ()


def test_relative_imports_count(tmp_path: Path) -> None:
    texts = {"stock/goods.py": "from . import shelf\n", "stock/shelf.py": "from ..stock.goods import order\n"}
    assert cycles_of(tmp_path, texts) == (("shop.stock.goods", "shop.stock.shelf", "shop.stock.goods"),)


def test_modules_that_import_a_cycle_are_not_in_it_and_two_cycles_are_two(tmp_path: Path) -> None:
    texts = {
        "a.py": "import shop.b\n",
        "b.py": "import shop.c\n",
        "c.py": "import shop.b\nimport shop.d\n",
        "d.py": "import shop.e\n",
        "e.py": "import shop.d\n",
    }
    assert cycles_of(tmp_path, texts) == (("shop.b", "shop.c", "shop.b"), ("shop.d", "shop.e", "shop.d"))


def test_the_longest_and_fullest_are_named_and_medians_told(tmp_path: Path) -> None:
    texts = {
        "stock/goods.py": lines(5),
        "stock/shelf.py": function(9),
        "till/money.py": function(4),
    }
    text = house.report(house.measure(write_package(tmp_path, texts))).splitlines()
    assert {"      2  stock", "      9  stock/shelf.py", "      9  stock/shelf.py:1 long"} < set(text)
    # Folders of 2 and 1 modules; modules of 9, 5, 4 lines and three empty faces; functions of 9 and 4 lines.
    assert [line.split("median ")[1].split(" ")[0] for line in text if "median" in line] == ["1.5", "2", "6.5"]


def test_the_program_has_no_import_cycle() -> None:
    assert house.find_cycles(house.import_graph(house.read_modules(PROJECT / "rostersync"))) == ()


def test_it_fails_above_a_limit_and_else_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = write_package(tmp_path, {"goods.py": lines(250)})
    assert house.main([str(package)]) == 0
    assert capsys.readouterr().err == ""
    package = write_package(tmp_path, {"goods.py": lines(251)})
    assert house.main([str(package)]) == 1
    assert capsys.readouterr().err.splitlines() == ["over the limit: goods.py: 251 lines, at most 250"]


def test_a_folder_that_is_no_package_is_not_called_fine(tmp_path: Path) -> None:
    assert house.main([str(tmp_path)]) == 2


def test_a_public_name_of_two_packages_is_told_with_its_places(tmp_path: Path) -> None:
    texts = {"stock/goods.py": "def count() -> None: ...\n", "till/coins.py": "def count() -> None: ...\n"}
    assert over_of(tmp_path, texts) == ["one name, several meanings: count: stock/goods.py, till/coins.py"]


def test_a_name_may_be_defined_twice_in_one_package_privately_and_for_a_command(tmp_path: Path) -> None:
    texts = {
        "stock/goods.py": "def count() -> None: ...\ndef _own() -> None: ...\n",
        "stock/shelf.py": "def count() -> None: ...\n",
        "till/coins.py": "def _own() -> None: ...\ndef pay() -> None: ...\n",
        "cli/commands/pay.py": "def pay() -> None: ...\n",
    }
    assert over_of(tmp_path, texts) == []


@pytest.mark.parametrize("cited", ["docs/rules/gone.md", "the safety page"])
def test_a_cited_page_must_be_there(tmp_path: Path, cited: str) -> None:
    [sentence] = over_of(tmp_path, {"stock/goods.py": f"# As {cited} says.\n"})
    assert sentence.startswith("cites a page that is not here: stock/goods.py: ")


def test_a_page_that_is_there_may_be_cited(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "rules.md").touch()
    assert over_of(tmp_path, {"stock/goods.py": "# As docs/rules.md says.\n"}) == []

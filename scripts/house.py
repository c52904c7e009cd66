"""Is the program text still laid out so that a stranger finds their way? Prints the numbers; fails above a limit.

    python scripts/house.py [FOLDER]        (default: rostersync)

Needs nothing but Python. `make house` runs it; what each limit is for stands in docs/architecture.md.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

MAX_ROOT_MODULES = 8
MAX_FOLDER_MODULES = 16
MAX_MODULE_LINES = 250
MAX_FUNCTION_LINES = 40
UNLIMITED_FOLDERS = frozenset({"cli/commands"})
"""Folders that hold one module a command, as many as there are."""
SHOWN = 5
"""How many of the longest and fullest are named."""
FACE = "__init__.py"
COMMANDS = "cli/commands"
SHARED_NAMES = frozenset({"main"})
"""Public names that several packages may have. So may a command and the function that does its work."""
CITED_PAGE = re.compile(
    r"\b(?:dictionary|house|interfaces?|performance|product|safety|sources?) page\b|\bdocs/[\w/.-]+\w"
)
"""How a comment or docstring cites a page: `docs/rules/holds.md`; or a title that no clone can look up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many lines or modules something has; `name` says where it is."""

    name: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What was counted below one package. Sizes are sorted, the largest first.

    `root`: modules directly in the package, beside its face. `folders`: modules of every folder below, beside faces.
    `cycles`: for each circle of imports one way around it, which ends where it begins. `shared_names`: public classes
    and functions that several packages define, with their places. `lost_pages`: pages cited that are not in docs/.
    """

    root: tuple[str, ...]
    folders: tuple[Size, ...]
    modules: tuple[Size, ...]
    functions: tuple[Size, ...]
    cycles: tuple[tuple[str, ...], ...]
    shared_names: tuple[str, ...]
    lost_pages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One file of the package: its dotted name, its place below the package, its text and its syntax tree."""

    name: str
    place: str
    text: str
    tree: ast.Module

    @property
    def is_face(self) -> bool:
        """Whether it is an `__init__`: it stands for its folder."""
        return self.place.rpartition("/")[2] == FACE

    @property
    def folder(self) -> str:
        """Its folder below the package, empty at the root."""
        return self.place.rpartition("/")[0]


def measure(package: Path) -> Measures:
    """Count everything below a package's folder. Raises SyntaxError for a file that is no Python."""
    modules = read_modules(package)
    return Measures(
        root=tuple(module.place for module in modules if not module.folder and not module.is_face),
        folders=_largest(_folder_sizes(modules)),
        modules=_largest(Size(name=module.place, number=len(module.text.splitlines())) for module in modules),
        functions=_largest(size for module in modules for size in _function_sizes(module)),
        cycles=find_cycles(import_graph(modules)),
        shared_names=tuple(find_shared_names(modules)),
        lost_pages=tuple(find_lost_pages(modules, package.parent)),
    )


def read_modules(package: Path) -> list[Module]:
    """Every module below a package, in the order of their paths."""
    return [_read_module(package, path) for path in sorted(package.rglob("*.py"))]


def _read_module(package: Path, path: Path) -> Module:
    relative = path.relative_to(package)
    parts = relative.parts[:-1] if path.name == FACE else relative.with_suffix("").parts
    text = path.read_text(encoding="utf-8")
    return Module(
        name=".".join((package.name, *parts)), place=relative.as_posix(), text=text, tree=ast.parse(text, str(path))
    )


def _largest(sizes: Iterable[Size]) -> tuple[Size, ...]:
    return tuple(sorted(sizes, key=lambda size: (-size.number, size.name)))


def _folder_sizes(modules: Sequence[Module]) -> Iterator[Size]:
    for folder in sorted({module.folder for module in modules} - {""}):
        beside_face = [module for module in modules if module.folder == folder and not module.is_face]
        yield Size(name=folder, number=len(beside_face))


def _function_sizes(module: Module) -> Iterator[Size]:
    """Lines from `def` to the end, docstring included, decorators not."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            yield Size(name=f"{module.place}:{node.lineno} {node.name}", number=lines)


def import_graph(modules: Sequence[Module]) -> dict[str, set[str]]:
    """Module → the modules of the same package that it imports, wherever in its text: in functions, too.

    Imports for type checkers alone do not count. `from a import b` counts as `a.b` where that is a module, else as `a`.
    That importing `a.b` runs the face of `a`, too, is left out: else each module would be in a cycle with its face.
    """
    names = {module.name for module in modules}
    return {module.name: set(_imported(module, names)) for module in modules}


def _imported(module: Module, names: set[str]) -> Iterator[str]:
    for node in _executed(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom):
            source = _source(module, node)
            targets = (f"{source}.{alias.name}" for alias in node.names)
            yield from (name for name in (target if target in names else source for target in targets) if name in names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes below but those that only a type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and _is_type_checking(child.test):
            for other in child.orelse:
                yield other
                yield from _executed(other)
        else:
            yield child
            yield from _executed(child)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", None)
    return name == "TYPE_CHECKING"


def _source(module: Module, node: ast.ImportFrom) -> str:
    """The module that a `from … import` names; a relative one counts from the importer's package."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.is_face else module.name.split(".")[:-1]
    base = package[: len(package) - node.level + 1]
    return ".".join([*base, node.module] if node.module else base)


def find_cycles(graph: Mapping[str, set[str]]) -> tuple[tuple[str, ...], ...]:
    """For each set of modules that all import one another, a shortest way around: `a, b, a`. Sorted."""
    cycles, covered = [], set()
    for name in sorted(graph):
        if name not in covered and (cycle := _shortest_cycle(graph, name)):
            cycles.append(cycle)
            covered |= _import_one_another(graph, name)
    return tuple(cycles)


def _shortest_cycle(graph: Mapping[str, set[str]], start: str) -> tuple[str, ...] | None:
    ways, seen = deque([(start,)]), set()
    while ways:
        way = ways.popleft()
        for target in sorted(graph[way[-1]]):
            if target == start:
                return (*way, start)
            if target not in seen:
                seen.add(target)
                ways.append((*way, target))
    return None


def _import_one_another(graph: Mapping[str, set[str]], start: str) -> set[str]:
    """The modules that `start` reaches and that reach `start`."""
    return {name for name in _reached(graph, start) if start in _reached(graph, name)}


def _reached(graph: Mapping[str, set[str]], start: str) -> set[str]:
    reached: set[str] = set()
    waiting = [start]
    while waiting:
        new = graph[waiting.pop()] - reached
        reached |= new
        waiting.extend(new)
    return reached


def find_shared_names(modules: Sequence[Module]) -> Iterator[str]:
    """`name: place, place` for public classes and functions of several packages: one word should have one meaning."""
    places: dict[str, list[str]] = {}
    for module in modules:
        for node in module.tree.body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module.place)
    allowed = SHARED_NAMES | {module.place.rpartition("/")[2][:-3] for module in modules if module.folder == COMMANDS}
    for name, own in sorted(places.items()):
        elsewhere = [place for place in own if not (name in allowed and place.startswith("cli/"))]
        if name not in SHARED_NAMES and len({place.partition("/")[0] for place in elsewhere}) > 1:
            yield f"{name}: {', '.join(own)}"


def find_lost_pages(modules: Sequence[Module], root: Path) -> Iterator[str]:
    """`place: page` for every page that a comment or docstring cites and the folder does not hold."""
    for module in modules:
        for cited in CITED_PAGE.findall(module.text):
            if not (root / cited).exists():
                yield f"{module.place}: {cited}"


def violations(measures: Measures) -> list[str]:
    """A sentence for each thing that is over its limit: what, how much, and how much may be."""
    found = []
    if len(measures.root) > MAX_ROOT_MODULES:
        found.append(f"root: {len(measures.root)} modules, at most {MAX_ROOT_MODULES}")
    limited = [size for size in measures.folders if size.name not in UNLIMITED_FOLDERS]
    found += _over(limited, MAX_FOLDER_MODULES, "modules")
    found += _over(measures.modules, MAX_MODULE_LINES, "lines")
    found += _over(measures.functions, MAX_FUNCTION_LINES, "lines")
    found += [f"import cycle: {' -> '.join(cycle)}" for cycle in measures.cycles]
    found += [f"one name, several meanings: {shared}" for shared in measures.shared_names]
    found += [f"cites a page that is not here: {page}" for page in measures.lost_pages]
    return found


def _over(sizes: Iterable[Size], limit: int, unit: str) -> list[str]:
    return [f"{size.name}: {size.number} {unit}, at most {limit}" for size in sizes if size.number > limit]


def report(measures: Measures) -> str:
    """The numbers as text, a line each."""
    limited = [size for size in measures.folders if size.name not in UNLIMITED_FOLDERS]
    return "\n".join(
        (
            f"modules at the root: {len(measures.root)} (at most {MAX_ROOT_MODULES})",
            _summary("modules of a folder", limited, MAX_FOLDER_MODULES),
            _summary("lines of a module", measures.modules, MAX_MODULE_LINES),
            _summary("lines of a function", measures.functions, MAX_FUNCTION_LINES),
            f"import cycles: {len(measures.cycles)} (none; imports inside functions count)",
            f"names of several packages: {len(measures.shared_names)} (none; commands excepted)",
            f"cited pages that are not here: {len(measures.lost_pages)} (none)",
        )
    )


def _summary(title: str, sizes: Sequence[Size], limit: int) -> str:
    middle = median(size.number for size in sizes) if sizes else 0
    lines = [f"{title}: {len(sizes)} counted, median {middle:g} (at most {limit})"]
    lines += [f"  {size.number:>5}  {size.name}" for size in sizes[:SHOWN]]
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Print the numbers of a package, and to stderr what is over a limit; 1 when something is, 2 for no package."""
    package = Path(arguments[0] if arguments else "rostersync").resolve()
    if not (package / FACE).is_file():
        print(f"house: {package.name} is no package", file=sys.stderr)
        return 2
    measures = measure(package)
    print(report(measures))
    over = violations(measures)
    for sentence in over:
        print(f"over the limit: {sentence}", file=sys.stderr)
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

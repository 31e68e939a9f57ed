"""The rooms of the package: who may import whom, where torch may be, and that nothing turns back.

Every import counts: at the top, inside a function, for types. A room that needs another one is a
row changed here, with its reason in the pull request.
"""

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

PACKAGE = Path(importlib.util.find_spec("hubmaxact").submodule_search_locations[0])

GROUND = {"errors", "printable", "formats", "files"}
BEFORE = {"measurement", "verification", "corpus"}  # the report is made
AFTER = {"rendering", "publication", "comparison", "gate", "catalog", "page"}  # it is read

# Room -> rooms that it may import; each stands below all that it imports. A name with a dot is a
# room inside a room. Every room may import itself.
ALLOWED = {
    "errors": (),
    "printable": (),
    "formats": (),
    "files": ("errors",),
    "hub": ("errors",),
    "report": ("errors", "printable", "files", "formats"),
    "corpus": ("errors", "hub"),
    "measurement": (),
    "measurement.batch_plan": (),
    "measurement.options": ("errors", "measurement.batch_plan"),
    "measurement.watcher": ("measurement.batch_plan",),
    "measurement.checkpoint": ("errors", "printable", "hub", "report"),
    "measurement.source": ("errors", "hub", "measurement.checkpoint"),
    "measurement.anatomy": ("errors", "report"),
    "measurement.tokenization": ("errors", "corpus"),
    "measurement.statistics": ("formats", "measurement.batch_plan"),
    "measurement.execution": (
        "errors",
        "report",
        "measurement.batch_plan",
        "measurement.anatomy",
        "measurement.statistics",
    ),
    "measurement.prepare": (
        "errors",
        "corpus",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.anatomy",
        "measurement.tokenization",
    ),
    "measurement.assembly": (
        "formats",
        "report",
        "corpus",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.checkpoint",
        "measurement.anatomy",
        "measurement.statistics",
        "measurement.execution",
        "measurement.prepare",
    ),
    "measurement.run": (
        "errors",
        "report",
        "measurement.options",
        "measurement.watcher",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.execution",
        "measurement.prepare",
        "measurement.assembly",
    ),
    "verification": (
        "errors",
        "printable",
        "formats",
        "report",
        "corpus",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.checkpoint",
        "measurement.source",
        "measurement.execution",
        "measurement.prepare",
        "measurement.assembly",
    ),
    "rendering": ("printable", "formats", "report"),
    "publication": ("errors", "printable", "files", "hub", "report", "rendering"),
    "comparison": ("errors", "printable", "formats", "report", "rendering"),
    "gate": ("errors", "printable", "formats", "report", "rendering"),
    "catalog": ("errors", "printable", "files", "formats", "hub", "report", "publication"),
    "page": ("errors", "printable", "files", "formats", "hub", "report", "rendering", "catalog"),
    "cli": (
        "errors",
        "printable",
        "files",
        "formats",
        "hub",
        "report",
        "rendering",
        "publication",
        "comparison",
        "gate",
        "catalog",
        "page",
        "measurement.batch_plan",
        "measurement.options",
        "measurement.watcher",
        "measurement.run",
        "verification",
    ),
    "__main__": ("cli",),
    "__init__": (
        "errors",
        "report",
        "comparison",
        "gate",
        "publication",
        "verification",
        "measurement.options",
        "measurement.run",
    ),
}
VERSION = {
    "hub",
    "measurement.assembly",
    "catalog",
    "page",
    "cli",
}  # may read hubmaxact.__version__

TORCH = ("torch", "transformers", "accelerate", "safetensors", "numpy")
TORCH_ROOMS = ("measurement", "verification")
TOOLS = ("corpus.repetition",)  # run by maintainers, numpy inside a function

MOST_LOOSE = 6
MOST_LINES = 300
MOST_NAMESAKES = 3


class Import(NamedTuple):
    importer: str
    target: str
    line: int


@cache
def modules() -> dict[str, Path]:
    return {_dotted(path): path for path in sorted(PACKAGE.rglob("*.py"))}


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Dotted names of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path.name}:{node.lineno}: a relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


@cache
def imports() -> list[Import]:
    """Imports between our own modules."""
    found = []
    for importer, path in modules().items():
        for name, line in imported(path):
            if name.split(".")[0] != "hubmaxact":
                continue
            inner = name.removeprefix("hubmaxact").removeprefix(".") or "__init__"
            while inner not in modules() and "." in inner:
                inner = inner.rpartition(".")[0]
            found.append(Import(importer, inner if inner in modules() else "__init__", line))
    return found


def room(module: str) -> str:
    """The longest room in the table that a module lies in."""
    parts = module.split(".")
    for end in range(len(parts), 0, -1):
        if (name := ".".join(parts[:end])) in ALLOWED:
            return name
    raise AssertionError(f"{module} lies in no room; give it a row in ALLOWED")


def test_every_import_is_an_allowed_edge():
    """Two sides of the waist, sideways and lazy imports included."""
    seen = list(ALLOWED)
    for name, others in ALLOWED.items():
        above = [other for other in others if seen.index(other) >= seen.index(name)]
        assert not above, f"{name} would import what stands below it: {above}"
    wrong = [
        f"{each.importer}:{each.line} -> {each.target}"
        for each in imports()
        if not _is_allowed(room(each.importer), room(each.target))
    ]
    assert wrong == []


def _is_allowed(importer: str, target: str) -> bool:
    if target == "__init__":
        return importer in VERSION or importer == "__init__"
    return importer == target or target in ALLOWED[importer]


def test_the_two_sides_of_the_report_never_meet():
    """Said by ALLOWED already, and once more here so that no row of it can take it back."""
    sides = {side: name for name, some in (("before", BEFORE), ("after", AFTER)) for side in some}
    for name, others in ALLOWED.items():
        own = sides.get(name.split(".")[0])
        for other in others:
            there = sides.get(other.split(".")[0])
            assert own is None or there is None or own == there, f"{name} -> {other}"


def test_no_modules_import_each_other_in_a_circle():
    graph: dict[str, set[str]] = {}
    for each in imports():
        if each.target not in {"__init__", each.importer}:
            graph.setdefault(each.importer, set()).add(each.target)
    finished: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " -> ".join([*path[path.index(module) :], module])
        if module not in finished:
            for other in graph.get(module, ()):
                visit(other, (*path, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


def test_torch_stays_where_measuring_is():
    wrong = [
        f"{module}:{line} imports {name}"
        for module, path in modules().items()
        for name, line in imported(path)
        if name.split(".")[0] in TORCH
        and not module.startswith(TORCH_ROOMS)
        and module not in TOOLS
    ]
    assert wrong == []


@pytest.mark.parametrize("entry", ["hubmaxact", "hubmaxact.cli.main", "everything but torch rooms"])
def test_a_fresh_interpreter_loads_no_torch(entry):
    names = [entry]
    if entry.startswith("everything"):
        names = [
            f"hubmaxact.{module}"
            for module in modules()
            if not module.startswith(TORCH_ROOMS) and module not in {"__init__", "__main__"}
        ]
    script = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
    script += f"print(sorted({set(TORCH)} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_every_room_is_inhabited_and_every_edge_is_used():
    """A table that allows more than the code needs is not a wall."""
    used = {(room(each.importer), room(each.target)) for each in imports()}
    idle = [
        f"{name} -> {other}"
        for name, others in ALLOWED.items()
        for other in others
        if (name, other) not in used
    ]
    assert idle == []
    assert {room(module) for module in modules()} == set(ALLOWED)


def test_few_modules_lie_loose_and_each_stays_small():
    loose = [path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    assert len(loose) <= MOST_LOOSE, loose
    sizes = {m: path.read_text("utf-8").count("\n") for m, path in modules().items()}
    assert {module: size for module, size in sizes.items() if size > MOST_LINES} == {}


def test_a_file_name_is_not_a_riddle():
    """Rooms may share a word for one thing (`int8.py`); four files called gate.py were four."""
    names: dict[str, list[str]] = {}
    for module in modules():
        names.setdefault(module.rpartition(".")[2], []).append(module)
    assert {name: some for name, some in names.items() if len(some) > MOST_NAMESAKES} == {}

"""Imports point down, and the report side never loads torch."""

import ast
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(importlib.util.find_spec("hubmaxact").submodule_search_locations[0])

# A part imports only parts with lower numbers, and itself.
LAYERS = {
    "errors": 0,
    "roles": 0,
    "formats": 0,
    "prng": 0,
    "files": 1,
    "session": 1,
    "corpus": 2,
    "plan": 2,
    "report": 2,
    "card": 3,
    "chart": 2,
    "compare": 4,
    "terminal": 4,
    "hub": 4,
    "facts": 2,
    "catalog": 5,
    "browse": 6,
    "anatomy": 5,
    "stats": 5,
    "encode": 6,
    "taps": 6,
    "recorder": 7,
    "checkpoint": 6,
    "measure": 8,
    "prepare": 9,
    "assemble": 10,
    "run": 11,
    "verify": 12,
    "cli": 13,
    "__main__": 14,
    "__init__": 0,
}
WITHOUT_TORCH = (
    "report", "card", "compare", "terminal", "hub", "corpus", "plan", "facts", "catalog", "browse",
    "cli",
)  # fmt: skip


def modules():
    for path in sorted(PACKAGE.rglob("*.py")):
        relative = path.relative_to(PACKAGE)
        yield relative.parts[0].removesuffix(".py"), path


def imported_parts(path):
    """Top-level parts of hubmaxact imported when the module itself is imported."""
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "hubmaxact":
                yield from parts[1:2] or (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.startswith("hubmaxact."):
                    yield alias.name.split(".")[1]


@pytest.mark.parametrize(
    ("part", "path"), list(modules()), ids=[str(p.relative_to(PACKAGE)) for _, p in modules()]
)
def test_imports_point_down(part, path):
    for other in imported_parts(path):
        if other not in (part, "__version__"):
            assert LAYERS[other] < LAYERS[part], f"{path.name} imports {other}"


def names_without_torch():
    for part, path in modules():
        if part in WITHOUT_TORCH and path.name != "__main__.py":
            relative = path.relative_to(PACKAGE.parent).with_suffix("")
            yield ".".join(p for p in relative.parts if p != "__init__")


def test_the_report_side_never_imports_torch():
    names = list(names_without_torch())
    script = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
    script += "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
    assert len(names) > 20


def test_modules_stay_small():
    sizes = {path: path.read_text("utf-8").count("\n") for _, path in modules()}
    assert {str(path): size for path, size in sizes.items() if size > 300} == {}

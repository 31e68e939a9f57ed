"""Every room keeps to its row, nothing turns back, and CONTRIBUTING.md shows it as it is."""

import importlib.util
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import structure
from structure import AFTER, ALLOWED, BEFORE, TORCH, TORCH_ROOMS, Tree, room

ROOT = Path(__file__).parents[1]
PACKAGE = Path(importlib.util.find_spec("hubmaxact").submodule_search_locations[0])
MOST_LOOSE = 7
MOST_LINES = 300
MOST_NAMESAKES = 3


@pytest.fixture(scope="module")
def tree():
    return Tree(PACKAGE)


def test_every_module_lies_in_a_room_and_every_room_is_inhabited(tree):
    assert tree.homeless() == []
    assert {room(module) for module in tree.modules} == set(ALLOWED)


def test_every_import_is_an_allowed_edge(tree):
    assert tree.forbidden() == []
    assert tree.unseen() == []


def test_a_room_names_only_rooms_above_it():
    rows = list(ALLOWED)
    for name, others in ALLOWED.items():
        below = [other for other in others if rows.index(other) >= rows.index(name)]
        assert below == [], f"{name} would import what stands below it"


def test_the_two_sides_of_the_report_never_meet():
    """Said by ALLOWED already, and once more here so that no row of it can take it back."""
    sides = dict.fromkeys(BEFORE, "before") | dict.fromkeys(AFTER, "after")
    for name, others in ALLOWED.items():
        own = sides.get(name.split(".")[0])
        for other in others:
            assert sides.get(other.split(".")[0]) in {own, None} or own is None, (
                f"{name} -> {other}"
            )


def test_no_modules_import_each_other_in_a_circle(tree):
    assert tree.circle() == ""


def test_torch_stays_where_measuring_is(tree):
    assert tree.heavy() == []


def test_no_row_allows_what_nobody_uses(tree):
    """A table that allows more than the code needs is not a wall."""
    assert tree.idle() == []


SMUGGLED = {
    "sideways": (
        "measurement/anatomy/site.py",
        "from hubmaxact.measurement import run",
        "forbidden",
    ),
    "across": (
        "measurement/statistics/massive_tokens.py",
        "import hubmaxact.publication.push",
        "forbidden",
    ),
    "back across": ("rendering/words.py", "import hubmaxact.measurement.run", "forbidden"),
    "upwards": (
        "measurement/checkpoint/load.py",
        "from hubmaxact.catalog import build",
        "forbidden",
    ),
    "to the command line": ("report/read.py", "from hubmaxact.cli import main", "forbidden"),
    "torch": ("rendering/words.py", "import torch", "heavy"),
    "numpy": ("catalog/row.py", "from numpy import array", "heavy"),
    "relative": ("catalog/row.py", "from . import build", "unseen"),
    "by name": ("report/read.py", "__import__('hubmaxact.cli.main')", "unseen"),
    "a circle": ("files.py", "from hubmaxact.report import write", "circle"),
}


@pytest.mark.by_day(
    "sideways-at the top",
    "upwards-in a function",
    "torch-for types",
    "relative-in a function",
    "by name-at the top",
    "a circle-in a function",
)
@pytest.mark.parametrize("where", ["at the top", "in a function", "for types"])
@pytest.mark.parametrize("kind", SMUGGLED)
def test_a_smuggled_import_is_named(tree, kind, where):
    path, statement, check = SMUGGLED[kind]
    lines = {
        "at the top": statement,
        "in a function": f"def smuggle():\n    {statement}",
        "for types": f"if TYPE_CHECKING:\n    {statement}",
    }
    module = path.removesuffix(".py").replace("/", ".")
    source = tree.modules[module].read_text("utf-8")
    smuggled = tree.changed(module, f"{source}\n{lines[where]}\n")
    assert module in str(getattr(smuggled, check)())


@pytest.mark.parametrize("entry", ["hubmaxact", "hubmaxact.cli.main", "everything but torch rooms"])
def test_a_fresh_interpreter_loads_no_torch(tree, entry):
    names = [entry]
    if entry.startswith("everything"):
        names = [
            f"hubmaxact.{module}"
            for module in tree.modules
            if not module.startswith(TORCH_ROOMS) and module not in {"__init__", "__main__"}
        ]
    script = f"import importlib, sys\nfor name in {names}: importlib.import_module(name)\n"
    script += f"print(sorted({set(TORCH)} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_few_modules_lie_loose_and_each_stays_small(tree):
    loose = [path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__"]
    assert len(loose) <= MOST_LOOSE, loose
    sizes = {m: path.read_text("utf-8").count("\n") for m, path in tree.modules.items()}
    assert {module: size for module, size in sizes.items() if size > MOST_LINES} == {}


def test_a_file_name_is_not_a_riddle(tree):
    """Rooms may share a word for one thing (`int8.py`); four files called gate.py were four."""
    names: dict[str, list[str]] = {}
    for module in tree.modules:
        names.setdefault(module.rpartition(".")[2], []).append(module)
    assert {name: some for name, some in names.items() if len(some) > MOST_NAMESAKES} == {}


def test_contributing_shows_the_rooms_as_they_are(tree, request):
    path = ROOT / "CONTRIBUTING.md"
    shown = path.read_text("utf-8")
    now = _between(_between(shown, "tree", _drawn(PACKAGE)), "edges", _edges())
    if request.config.getoption("--update-goldens"):
        path.write_text(now, "utf-8", newline="\n")
    assert path.read_text("utf-8") == now, "see pytest --update-goldens"


def _between(text: str, name: str, content: str) -> str:
    """The text with something new between a pair of markers, which must be there once."""
    pattern = rf"(<!-- {name}: begin -->\n).*?(<!-- {name}: end -->)"
    replaced, count = re.subn(pattern, lambda m: f"{m[1]}{content}{m[2]}", text, flags=re.DOTALL)
    assert count == 1, f"{count} pairs of markers for {name}"
    return replaced


def _drawn(folder: Path) -> str:
    """Every folder with what it is for and the modules in it."""
    lines = []
    for path in [folder, *sorted(p.parent for p in folder.rglob("*/__init__.py"))]:
        modules = sorted(p for p in path.glob("*.py") if not p.stem.startswith("__"))
        if path == folder:
            lines += ["hubmaxact/", *(_line(1, p.name, _purpose(p)) for p in modules)]
            continue
        depth = len(path.relative_to(folder).parts)
        lines.append(_line(depth, f"{path.name}/", _purpose(path / "__init__.py")))
        lines.append(_line(depth, "", "[" + ", ".join(p.stem for p in modules) + "]"))
    return "```text\n" + "\n".join(lines) + "\n```\n"


def _line(depth: int, name: str, words: str) -> str:
    """A name, and what is said of it in a column of its own, on as many lines as it takes."""
    start = f"{'  ' * depth + name:20}"
    return textwrap.fill(words, 100, initial_indent=start, subsequent_indent=" " * 20)


def _purpose(path: Path) -> str:
    first = path.read_text("utf-8").split("\n", 1)[0].strip('"')
    return first.split(". ")[0].removesuffix(".")


def _edges() -> str:
    rows = ["| room | may import | torch |", "| --- | --- | --- |"]
    for name, others in ALLOWED.items():
        listed = ", ".join(f"`{other}`" for other in others) or "nothing"
        torch = "yes" if name.split(".")[0] in TORCH_ROOMS else "never"
        version = ", `__version__`" if name in structure.VERSION else ""
        rows.append(f"| `{name}` | {listed}{version} | {torch} |")
    return "\n".join(rows) + "\n"

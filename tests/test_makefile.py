"""What `make` may touch: folders of its own, and nothing that was there before."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MINE = [
    *("activation_maxima.json", "demo/notes.txt", "dist/mine.whl", "build/notes.txt"),
    *("reports/one.json", "catalog/manifest.json", ".coveragerc", ".venv/bin/python"),
    *("mutants/notes.txt", "activation_maxima/layers.svg"),
]
MADE = [
    *("build/demo/README.md", "build/wheel/a.whl", "build/reports/moe.json", ".coverage"),
    *("build/catalog/manifest.json", ".coverage.host.1", "build/quantizers/installed"),
    "build/real/gemma3/config.json",
]


def put(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)


@pytest.fixture
def clone(tmp_path):
    shutil.copyfile(ROOT / "Makefile", tmp_path / "Makefile")
    sources = ["hubmaxact/__init__.py", "schema/README.md", "pyproject.toml", "constraints.txt"]
    put(tmp_path, [*sources, "tests/quantizers.txt", "tests/quantizers_apart.txt"])
    return tmp_path


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_clean_takes_away_what_was_made_and_no_more(clone):
    before = files(clone)
    put(clone, [*MINE, *MADE])
    subprocess.run(["make", "--silent", "clean"], cwd=clone, check=True)
    assert files(clone) == before | set(MINE)


def test_clean_takes_away_marked_folders(clone):
    before = files(clone)
    put(clone, [".venv/made-by-make", ".venv/bin/python", "mutants/made-by-make"])
    subprocess.run(["make", "--silent", "clean"], cwd=clone, check=True)
    assert files(clone) == before


def dry_run(clone, *arguments):
    """What make would run, written out."""
    told = subprocess.run(
        ["make", "--dry-run", *arguments], cwd=clone, check=True, capture_output=True, text=True
    )
    return told.stdout.replace("\\\n", "")


@pytest.mark.parametrize(
    ("arguments", "marks"),
    [
        (["test"], [["not nightly"]]),
        (["test-nightly"], [["nightly"]]),
        (["test-without-browser"], [["not browser and (not nightly)"]]),
        (["test-without-browser", "MARKED=nightly"], [["not browser and (nightly)"]]),
        (["coverage"], [[]]),
    ],
)
def test_what_the_tests_leave_out_the_nightly_ones_run(clone, arguments, marks):
    runs = [line for line in dry_run(clone, *arguments).splitlines() if "--dist" in line]
    assert [re.findall(r'-m +"(.*?)"', line) for line in runs] == marks


def test_no_recipe_deletes_outside_its_own_folders(clone):
    """As written out by make; a folder made by others is marked first, as above."""
    targets = ["demo", "build/catalog/manifest.json", "coverage", "mutants", "pictures"]
    targets += ["test-nightly", "real"]
    told = dry_run(clone, *targets)
    deleted = {word for line in told.splitlines() if "rm -" in line for word in line.split()}
    folders = {"build/demo", "build/wheel", "build/quantizers"}
    assert deleted == {"rm", "-rf", "-f", *folders, ".coverage", ".coverage.*"}


def test_loops_that_were_compiled_are_no_sources(clone):
    put(clone, ["hubmaxact/loops.py", "hubmaxact/__pycache__/loops.add-1.py311.nbi"])
    words = ["make", "--eval=sources:;@echo $(SOURCES)", "sources"]
    told = subprocess.run(words, cwd=clone, capture_output=True, text=True, check=True).stdout
    assert "hubmaxact/loops.py" in told
    assert "__pycache__" not in told

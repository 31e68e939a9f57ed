"""What every test can ask for."""

import os
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from browser.visits import chromium, visit
from hypothesis import settings

# Intel's BLAS rounds by how its inputs are aligned in memory, unless told not to; before torch.
os.environ.setdefault("MKL_CBWR", "AVX2")

# Threads that wait let others work, as where hubmaxact loads torch itself.
os.environ.setdefault("GOMP_SPINCOUNT", "10000")

# How long an example takes depends on what else the machine does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

__all__ = ["chromium", "visit"]


def pytest_addoption(parser):
    parser.addoption("--update-goldens", action="store_true", help="rewrite the golden files")


@pytest.hookimpl(tryfirst=True)  # before `-m` is looked at
def pytest_collection_modifyitems(items):
    """Mark what asks for a browser, and the cases of a test that `by_day` leaves to the night."""
    cases = {}
    for item in items:
        if "chromium" in item.fixturenames:
            item.add_marker("browser")
        if (by_day := item.get_closest_marker("by_day")) and hasattr(item, "callspec"):
            chosen = any(fnmatchcase(item.callspec.id, name) for name in by_day.args)
            cases.setdefault((item.path, item.originalname), []).append(chosen)
            if not chosen:
                item.add_marker("nightly")
    unknown = [name for name, chosen in cases.items() if len(chosen) > 1 and not any(chosen)]
    if unknown:
        raise pytest.UsageError(f"by_day names no case of {unknown}")


@pytest.fixture
def golden(request):
    """Compare content with a named file, or write the file under --update-goldens.

    A relative name lies in the folder `goldens` beside the test.
    """

    def compare(name: str | Path, content: str | bytes) -> None:
        path = request.path.parent / "goldens" / name
        encoded = content.encode("utf-8") if isinstance(content, str) else content
        if request.config.getoption("--update-goldens"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded)
        assert path.read_bytes() == encoded, f"{path.name} differs; see pytest --update-goldens"

    return compare


@pytest.fixture
def schema_folder():
    """The repository's schema folder."""
    return Path(__file__).parents[1] / "schema"


@pytest.fixture
def docs_file(request):
    """Compare content with a file under docs/, or write it under --update-goldens."""

    def compare(name: str, content: str) -> None:
        path = Path(__file__).parents[1] / "docs" / name
        if request.config.getoption("--update-goldens"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        assert path.read_text("utf-8") == content, f"{path} differs; see pytest --update-goldens"

    return compare

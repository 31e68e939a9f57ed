"""Other people's tools, which no extra of ours brings: `make test-nightly` does."""

import importlib
import os
from pathlib import Path

import pytest


def quantizer(name):
    """Import one of tests/quantizers.txt; skip where it is not, unless all are said to be there."""
    if "HUBMAXACT_TEST_QUANTIZERS" in os.environ:
        return importlib.import_module(name)
    return pytest.importorskip(name)


def tool_apart(name):
    """The folder of one of tests/quantizers_apart.txt, for a process of its own; skip likewise."""
    folder = Path(__file__).parents[1] / "build" / "quantizers" / "apart"
    if not (folder / name).is_dir():
        assert "HUBMAXACT_TEST_QUANTIZERS" not in os.environ, f"there is no {folder / name}"
        pytest.skip("`make test-nightly` installs it")
    return str(folder)

"""Other people's tools, which no extra of ours brings: `make test-nightly` does."""

import importlib
import os

import pytest


def quantizer(name):
    """Import one of tests/quantizers.txt; skip where it is not, unless all are said to be there."""
    if "HUBMAXACT_TEST_QUANTIZERS" in os.environ:
        return importlib.import_module(name)
    return pytest.importorskip(name)

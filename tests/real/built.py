"""Where the real models lie."""

import os
from pathlib import Path

import pytest


def model(name):
    """A model's folder; skip where none are, unless they are said to be there."""
    if "HUBMAXACT_TEST_REAL" not in os.environ:
        pytest.skip("`make real` builds it")
    return Path(os.environ["HUBMAXACT_TEST_REAL"]) / name

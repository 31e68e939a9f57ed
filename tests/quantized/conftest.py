"""Models that are quantized again and again."""

import pytest
from command import DENSE, MOE
from quantized.plainly import shortened


@pytest.fixture(scope="session")
def short(tmp_path_factory):
    """The model with experts, its first two layers alone."""
    return shortened(MOE, tmp_path_factory.mktemp("short"))


@pytest.fixture(scope="session")
def short_dense(tmp_path_factory):
    """The model without experts, its first two layers alone."""
    return shortened(DENSE, tmp_path_factory.mktemp("short_dense"))

"""A running Hub, and somebody who pushes to it."""

import pytest
from loopback_hub import LoopbackHub
from loopback_hub.desk import sit_down


@pytest.fixture
def hub():
    with LoopbackHub() as running:
        yield running


@pytest.fixture
def desk(hub, tmp_path):
    return sit_down(hub, tmp_path)

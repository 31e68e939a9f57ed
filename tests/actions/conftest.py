"""A Hub that trusts a job, and the job's machine with a prepared report in its workspace."""

import pytest
from loopback_hub import LoopbackHub
from loopback_hub.desk import REPO, sit_down

from actions.machine import Machine


@pytest.fixture
def hub():
    with LoopbackHub() as running:
        running.trusted_publishers.add(REPO)
        yield running


@pytest.fixture
def machine(hub, tmp_path):
    return Machine(hub, tmp_path)


@pytest.fixture
def desk(hub, machine):
    return sit_down(hub, machine.workspace)

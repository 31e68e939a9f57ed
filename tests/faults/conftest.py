"""One process that has loaded everything, for all runs."""

import pytest

from faults.disk import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("server"), "faults.warm")
    yield running
    running.close()

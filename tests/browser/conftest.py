"""The page on each of its hosts, over one index."""

from contextlib import contextmanager

import pytest
from browser.hosts import HOSTS
from browser.indexes import release, write_index
from browser.visits import OPEN

NUM_RELEASES = 60


@pytest.fixture(scope="session")
def serve(tmp_path_factory):
    """Start a host over an index for a `with` block."""

    @contextmanager
    def start(host, index):
        with HOSTS[host](index, tmp_path_factory.mktemp("home")) as address:
            yield address
            for visited in OPEN:
                if visited.address == address:
                    visited.leave()

    return start


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """The paper's checkpoints and sixty measured releases."""
    rows = [release(number) for number in range(NUM_RELEASES)]
    return write_index(tmp_path_factory.mktemp("index"), rows)


# By day the server, and that the plain files show the same (test_hosts_agree).
BY_HOST = [
    pytest.param(host, marks=() if host == "space" else pytest.mark.nightly)
    for host in sorted(HOSTS)
]


@pytest.fixture(scope="session", params=BY_HOST)
def address(request, serve, index):
    """The same index on each of the hosts."""
    with serve(request.param, index) as running:
        yield running

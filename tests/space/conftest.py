"""One Space for every test that only reads it."""

import pytest

from space.serving import build, running


@pytest.fixture(scope="session")
def index(tmp_path_factory):
    """A folder with an index: two measured releases, the paper's, and one hostile name."""
    root = tmp_path_factory.mktemp("index")
    build(root / "reports", root / "catalog", "one", "two", "=cmd|<img src=x onerror=alert(1)>")
    return root / "catalog"


@pytest.fixture(scope="session")
def space(index, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    (home / "secret.txt").write_text("where it was started")
    with running(home, HUBMAXACT_INDEX=str(index)) as served:
        served.home = home
        yield served

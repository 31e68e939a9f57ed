"""A real model, however its run is divided, interrupted or fed: one undisturbed run's bytes."""

import pytest
from real.built import model
from ways import WAYS, Run

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("undisturbed") / "files", model("smollm2"))
    run.measure()
    return run.files()


@pytest.mark.parametrize("way", WAYS)
def test_the_files_are_those_of_an_undisturbed_run(way, undisturbed, tmp_path):
    run = Run(tmp_path / "files", model("smollm2"))
    WAYS[way](run)
    assert run.files() == undisturbed

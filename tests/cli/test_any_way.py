"""However a run is divided, interrupted or fed, it writes what one undisturbed process does."""

import pytest
from command import DENSE, MOE
from oracle import tiny
from ways import WAYS, Run

pytestmark = pytest.mark.nightly


@pytest.fixture(scope="module", params=["dense", "moe", "hybrid"])
def checkpoint(request, tmp_path_factory):
    made = tmp_path_factory.mktemp("checkpoint") / "hybrid"
    ready = {"dense": DENSE, "moe": MOE}
    return ready.get(request.param) or tiny.build("qwen3_5_moe_text", made)


@pytest.fixture(scope="module")
def undisturbed(checkpoint, tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("undisturbed") / "files", checkpoint)
    run.measure()
    return run.files()


@pytest.mark.parametrize("way", WAYS)
def test_the_files_are_those_of_an_undisturbed_run(way, checkpoint, undisturbed, tmp_path):
    run = Run(tmp_path / "files", checkpoint)
    WAYS[way](run)
    assert run.files() == undisturbed
    assert len(undisturbed) == 4

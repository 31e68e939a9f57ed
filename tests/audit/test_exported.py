"""What `export` puts on a checkpoint, `audit` finds to be what was measured."""

import pytest
from command import hubmaxact_here
from exported import model_folder


@pytest.mark.parametrize("granularity", ["per_tensor", "per_head"])
def test_every_scale_of_an_exported_cache_matches(tmp_path, granularity):
    model_folder(tmp_path / "dense")
    words = ("--to", "compressed-tensors-kv", "--granularity", granularity, "--output", "kv")
    assert hubmaxact_here("export", "dense", *words, cwd=tmp_path).returncode == 0
    done = hubmaxact_here("audit", "dense", "kv", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    verdicts = [line.split()[0] for line in done.stdout.splitlines()[3:]]
    assert verdicts == ["matches"]

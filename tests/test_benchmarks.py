"""Benchmarks run and print a ratio; how large it is, is not a test's business."""

import re
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from command import DENSE

BENCHMARK = Path(__file__).parents[1] / "benchmarks" / "overhead.py"
TABLE = r"""128 tokens, \d+ sites, cpu, torch\.(bfloat16|float32)
bare +\d+\.\d{3} s, at most \d+\.\d{3} s; 1\.000 times bare
aminmax +\d+\.\d{3} s, at most \d+\.\d{3} s; \d+\.\d{3} times bare
measured +\d+\.\d{3} s, at most \d+\.\d{3} s; \d+\.\d{3} times bare
ratio \d+\.\d{3}
"""


@pytest.fixture
def overhead(capsys):
    """The benchmark in this process, which has imported torch already; returns what it printed."""
    spec = spec_from_file_location("overhead", BENCHMARK)
    module = module_from_spec(spec)
    sys.modules["overhead"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)

    def run(*words):
        module.main(*map(str, words))
        return capsys.readouterr().out

    yield run
    del sys.modules["overhead"]


def test_the_benchmark_prints_a_ratio(overhead):
    assert (found := re.fullmatch(TABLE, overhead(DENSE, 4, 32)))
    assert found[1] == "bfloat16"


def test_a_configuration_alone_is_a_model_with_random_weights(overhead, tmp_path):
    shutil.copy(DENSE / "config.json", tmp_path)
    assert (found := re.fullmatch(TABLE, overhead(tmp_path, 4, 32, "cpu", "float32")))
    assert found[1] == "float32"

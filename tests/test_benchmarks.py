"""Benchmarks run and print a ratio; how large it is, is not a test's business."""

import functools
import re
import shutil
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from command import DENSE

from hubmaxact.errors import OptionsError

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
TABLE = r"""128 tokens, \d+ sites, cpu, torch\.(bfloat16|float32)
bare +\d+\.\d{3} s, at most \d+\.\d{3} s; 1\.000 times bare
aminmax +\d+\.\d{3} s, at most \d+\.\d{3} s; \d+\.\d{3} times bare
measured +\d+\.\d{3} s, at most \d+\.\d{3} s; \d+\.\d{3} times bare
ratio \d+\.\d{3}
"""


NARROW = r"(bfloat16|float16) +(native|float32) +\d+\.\d\d s, \d+\.\d\d times float32"
PRODUCTS = (
    rf"float32 +native +\d+\.\d\d s, 1\.00 times float32\n({NARROW}, instructions: \w+\n){{4}}"
)


@pytest.fixture
def benchmark(capsys, monkeypatch):
    """A benchmark in this process, which has imported torch already; returns what it printed."""

    def run(name, *words):
        spec = spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)  # dataclasses look their module up
        spec.loader.exec_module(module)
        module.main(*map(str, words))
        return capsys.readouterr().out

    return run


@pytest.fixture
def overhead(benchmark):
    return functools.partial(benchmark, "overhead")


@pytest.mark.nightly
def test_every_format_is_timed_with_both_kinds_of_products(benchmark):
    assert re.fullmatch(PRODUCTS, benchmark("products", DENSE, 2, 16))


@pytest.mark.by_day("paper")
@pytest.mark.parametrize("profile", ["paper", "deployment"])
def test_the_benchmark_prints_a_ratio(overhead, profile):
    assert (found := re.fullmatch(TABLE, overhead(DENSE, 4, 32, "cpu", "auto", profile)))
    assert found[1] == "bfloat16"


def test_errors_of_tokens_and_blocks_can_be_left_out(overhead):
    printed = overhead(DENSE, 4, 32, "cpu", "auto", "deployment", 1, "per_tensor")
    assert ", errors of formats: per_tensor\n" in printed
    assert re.fullmatch(TABLE, printed.replace(", errors of formats: per_tensor", "", 1))
    with pytest.raises(OptionsError, match="format_errors"):
        overhead(DENSE, 4, 32, "cpu", "auto", "deployment", 1, "none")


def test_a_configuration_alone_is_a_model_with_random_weights(overhead, tmp_path):
    shutil.copy(DENSE / "config.json", tmp_path)
    assert (found := re.fullmatch(TABLE, overhead(tmp_path, 4, 32, "cpu", "float32")))
    assert found[1] == "float32"


@pytest.mark.nightly
def test_the_cost_of_expanding(benchmark):
    printed = benchmark("expanding", DENSE, "ct-int4")
    assert re.search(r"^\| ct-int4 (\| \d+\.\d\d ){3}\| \d+ \|$", printed, re.MULTILINE)


@pytest.mark.nightly
def test_what_saving_takes(benchmark):
    few = ("--num-samples", 8, "--max-seq-len", 16, "--batch-tokens", 64, "--cpu-threads", 1)
    said = benchmark("saving", DENSE, *few)
    assert re.search(r"^[1-9]\d* saves, \d+\.\d s of \d+\.\d s \(\d+\.\d\d%\)$", said, re.MULTILINE)


@pytest.mark.nightly
def test_two_processes_over_one(benchmark):
    said = benchmark("processes", 2, 8, 32, "cpu", 0.01)
    assert re.findall(r"^(.*): \d+\.\d\d times as fast$", said, re.MULTILINE) == [
        "the whole run", "its stages", "measuring",
    ]  # fmt: skip


@pytest.mark.nightly
def test_kills_end_in_the_same_bytes(benchmark):
    quick = ("--num-samples", 24, "--max-seq-len", 24, "--batch-tokens", 24, "--cpu-threads", 1)
    said = benchmark("kills", DENSE, 5, *quick)
    assert re.fullmatch(
        r"5 kills, \d of them with more kept, \d runs ended in the same bytes\n", said
    )

"""The CPU's fast reader: threads, bins that fill, what it refuses, and what runs without it."""

import itertools
import sys

import pytest
import torch
from measurement.kernels.adversarial import (
    DEVICE,
    DTYPES,
    WAYS,
    different,
    expected,
    folded,
    watched,
)

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.kernels.cpu import fp32_rows
from hubmaxact.measurement.kernels.cpu.reader import CpuReader
from hubmaxact.measurement.kernels.cpu.shared_work import share
from hubmaxact.measurement.kernels.torch_operations import TorchOperations
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

CPU = torch.device("cpu")
pytestmark = pytest.mark.skipif(DEVICE.type != "cpu", reason="another device is tested")


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_any_number_of_threads_ends_in_the_same_state(dtype):
    reader = CpuReader()
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        state = folded(reader, "several pieces", dtype, WAYS["padding"])
    finally:
        torch.set_num_threads(before)
    assert different(state, expected("several pieces", dtype, WAYS["padding"])) == []


def test_each_piece_is_done_once_and_an_error_in_any_thread_is_raised():
    done = [[], [], []]
    share(done, list(range(100)), list.append)
    assert sorted(itertools.chain(*done)) == list(range(100))
    with pytest.raises(ZeroDivisionError):
        share(done, [1, 0, 1, 1], lambda _, piece: 1 / piece)


def test_bins_are_emptied_before_they_are_full(monkeypatch):
    monkeypatch.setattr(fp32_rows, "MOST_VALUES", 100_000)
    reader, way = CpuReader(), WAYS["all rows"]
    state = folded(reader, "several pieces", torch.float32, way)
    assert different(state, expected("several pieces", torch.float32, way)) == []


def test_a_tensor_of_another_dtype_is_refused():
    statistics = SiteStatistics(torch.float32)
    x = torch.ones(3, 4, dtype=torch.bfloat16)
    with pytest.raises(ValueError, match=r"expected torch\.float32, got torch\.bfloat16"):
        CpuReader().fold(watched(x, Split.REST, WAYS["all rows"], 0), statistics, None)


def test_what_cannot_be_imported_is_done_without_and_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "numba", None)
    reader = reader_of(CPU)
    assert isinstance(reader, TorchOperations)
    x = torch.ones(3, 4)
    statistics = SiteStatistics(torch.float32)
    reader.fold(watched(x, Split.REST, WAYS["all rows"], 0), statistics, None)
    (way,) = reader.ways
    assert "by torch operations, because numba cannot be imported" in way

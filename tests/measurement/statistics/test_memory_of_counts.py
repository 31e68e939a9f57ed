"""Counts that stay zero take no memory, whether they are read or added to others."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hubmaxact.measurement.kernels.cpu.bf16_rows import move
from hubmaxact.measurement.statistics.counts import add, zeros

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are told on Linux")

NUM_COUNTS = 1 << 23  # 64 MiB
FEW = 16 << 20  # bytes


def resident():
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def test_counts_that_are_read_stay_untouched():
    before = resident()
    counts = zeros(NUM_COUNTS, device="cpu")
    assert int(counts.sum()) == 0
    assert resident() - before < FEW


def test_what_a_thread_counted_touches_no_more_than_it_saw():
    site, thread = zeros(NUM_COUNTS, device="cpu"), np.zeros(NUM_COUNTS, np.int64)
    thread[[5, 700, NUM_COUNTS - 1]] = 1, 2, 3
    move(thread[:8], site.numpy()[:8])  # compiled
    before = resident()
    move(thread, site.numpy())
    assert resident() - before < FEW
    assert site[[5, 700, NUM_COUNTS - 1]].tolist() == [1, 2, 3]
    assert int(site.sum()) == 6
    assert not thread.any()


def test_what_others_counted_touches_no_more_than_they_saw():
    here, there = zeros(NUM_COUNTS, device="cpu"), zeros(NUM_COUNTS, device="cpu")
    there[[5, 700, NUM_COUNTS - 1]] = torch.tensor([1, 2, 3])
    before = resident()
    add(here, there)
    add(here, there)
    # Which of them are counted is told by truth values, a byte each, which come and go.
    assert resident() - before < FEW
    assert here[[5, 700, NUM_COUNTS - 1]].tolist() == [2, 4, 6]
    assert int(here.sum()) == 2 * int(there.sum()) == 12


@pytest.mark.parametrize("more", [torch.ones(1).long(), torch.ones(8), torch.ones(2, 4).long()])
def test_counts_of_something_else_are_refused(more):
    with pytest.raises(ValueError, match="expected"):
        add(zeros(8, device="cpu"), more)

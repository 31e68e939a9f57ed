"""Bytes of any length reach rank 0 in the order of the ranks, and come back to all."""

import pytest
from measurement.distributed.several import Started


def test_contents_of_unlike_sizes_are_exchanged(tmp_path):
    """None at all, one in several pieces whose last is not full, and an empty one."""
    started = Started(tmp_path, 3, "exchange", 9_000_001)
    assert started.end() == [0, 0, 0]
    assert started.told(0) == "3 processes, 27000003 bytes\n"


@pytest.mark.nightly
def test_more_than_two_gibibytes_are_exchanged(tmp_path):
    started = Started(tmp_path, 2, "exchange", (1 << 31) + 1)
    assert started.end() == [0, 0]
    assert started.told(0) == "2 processes, 2147483649 bytes\n"

"""Bytes of any length reach rank 0 in the order of the ranks, and come back to all."""

import pytest
from measurement.distributed.several import Started


def test_contents_of_unlike_sizes_are_exchanged(tmp_path):
    """None at all, one in several pieces whose last is not full, and an empty one."""
    started = Started(tmp_path, 3, "exchange", 9_000_001)
    assert started.end() == [0, 0, 0]
    assert started.told(0) == "3 processes, 27000003 bytes\n"


def test_who_measures_something_else_is_refused(tmp_path):
    started = Started(tmp_path, 3, "agree", "2.13,2.13,2.11")
    assert started.end() == [2, 2, 2]
    (told,) = started.sentences
    assert told == (
        "hubmaxact: rank 0: rank 2 measures something else than rank 0: the version of torch "
        "differs: 2.11 there, 2.13 here. Give all processes the same checkpoint, corpus, versions "
        "and kind of device."
    )


def test_who_measures_the_same_goes_on(tmp_path):
    assert Started(tmp_path, 2, "agree", "2.13,2.13").end() == [0, 0]


@pytest.mark.nightly
def test_more_than_two_gibibytes_are_exchanged(tmp_path):
    started = Started(tmp_path, 2, "large", 1 << 31)
    assert started.end(patience=600) == [0, 0]
    assert started.told(0) == "2147483649 2147483648\n"

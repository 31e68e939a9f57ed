"""Sums of many values are those of `math.fsum`, whatever their sizes, signs and order."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubmaxact.measurement.statistics.rounded_sum import rounded_sum

FINITE = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)


@given(st.lists(FINITE, max_size=50), st.randoms())
def test_equals_fsum_in_any_order(values, random):
    shuffled = random.sample(values, len(values))
    assert rounded_sum(np.array(values)) == math.fsum(values)
    assert rounded_sum(np.array(shuffled)) == math.fsum(values)


@given(st.lists(FINITE, max_size=20), st.floats(-1e-300, 1e-300))
def test_what_cancels_leaves_the_smallest(values, rest):
    assert rounded_sum(np.array([*values, rest, *(-value for value in values)])) == rest


def test_halfway_goes_to_even():
    assert rounded_sum(np.array([2.0**53, 1.0])) == 2.0**53
    assert rounded_sum(np.array([2.0**53, 1.0, 2.0**-1000])) == 2.0**53 + 2
    assert rounded_sum(np.array([5e-324] * 3)) == 1.5e-323


def test_a_sum_beyond_float64_is_told():
    with pytest.raises(OverflowError):
        rounded_sum(np.array([1.7e308, 1.7e308]))

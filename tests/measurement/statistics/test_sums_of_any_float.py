"""Exact sums at the ends of float32, and the bounds below which no integer overflows."""

import math
from fractions import Fraction

import pytest
import torch

from hubmaxact.measurement.statistics.exact_sums import MOST_PER_UPDATE, ExactSums

LARGEST = torch.finfo(torch.float32).max
MOST_MANTISSA = 2**24 - 1


def summed(values):
    sums = ExactSums()
    sums.update(torch.tensor(values, dtype=torch.float32))
    return sums


@pytest.mark.parametrize(
    "value",
    [
        math.ldexp(1, -149),  # the smallest subnormal
        math.ldexp(2**23 - 1, -149),  # the largest one
        math.ldexp(1, -126),  # the smallest normal value
        math.ldexp(MOST_MANTISSA, -24),
        1.0,
        LARGEST,
    ],
)
def test_one_value_gives_itself_and_its_square(value):
    exact = Fraction(value)
    assert summed([value]).result() == (exact, exact, exact * exact)
    assert summed([-value]).result() == (-exact, exact, exact * exact)
    assert summed([value, -value]).result() == (0, 2 * exact, 2 * exact * exact)


def test_the_smallest_value_is_not_lost_beside_the_largest():
    tiny, large = Fraction(1, 2**149), Fraction(LARGEST)
    total, abs_total, square_total = summed([LARGEST, 2.0**-149, -LARGEST]).result()
    assert total == tiny
    assert abs_total == 2 * large + tiny
    assert square_total == 2 * large**2 + tiny**2


def test_nothing_sums_to_zero():
    assert summed([]).result() == (0, 0, 0)
    assert summed([0.0, -0.0]).result() == (0, 0, 0)


def test_a_state_holds_more_than_any_run_can_sum():
    """2^39 of the largest values, and of their squares, in digits of 32 bits."""
    most, sums = Fraction(LARGEST) * 2**39, ExactSums()
    units = int(most * 2**150)
    sums.add(units, 0, units * int(Fraction(LARGEST) * 2**150))
    digits = sums.state()["digits"]
    assert 0 <= int(digits.min()) <= int(digits.max()) < 2**32
    again = ExactSums()
    again.load(sums.state())
    assert again.result() == (most, most, most * Fraction(LARGEST))


def test_an_update_takes_as_many_values_as_float64_adds_exactly():
    assert MOST_PER_UPDATE * 2**24 == 2**53


def test_more_values_than_that_are_refused():
    too_many = torch.empty(MOST_PER_UPDATE, device="meta")  # takes no memory
    with pytest.raises(ValueError, match="under 2\\^29 values"):
        ExactSums().update(too_many)


def test_a_view_is_read_in_its_own_shape():
    x = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    sums = ExactSums()
    sums.update(x.T[1:3, ::2])  # 1, 9, 2, 10
    assert sums.result() == (22, 22, 186)

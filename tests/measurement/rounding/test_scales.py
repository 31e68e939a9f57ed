"""Scales of blocks: powers of two, worked out by hand and by exact arithmetic, and NVFP4's."""

from fractions import Fraction

import pytest
import torch
from measurement.rounding.numbers import NUMBERS, all_bf16, nearest

from hubmaxact.measurement.rounding.scales import (
    nvfp4_scale,
    power_of_two_even,
    power_of_two_up,
)

UP = {448.0: 0, 449.0: 1, 6.5: -6, 7.0: -6, 1.75: -8, 1.76: -7, 896.0: 1, 0.0: -127}
EVEN = {6.0: 0, 6.5: 0, 6.99: 0, 7.0: 1, 4.0: 0, 3.49: -1, 3.5: 0, 448.0: 7, 0.0: -127}


def exponents(scales):
    return [torch.frexp(each)[1].item() - 1 for each in scales]


@pytest.mark.parametrize(("scale", "known"), [(power_of_two_up, UP), (power_of_two_even, EVEN)])
def test_scales_known_by_hand(scale, known):
    found = scale(torch.tensor(list(known)))
    assert dict(zip(known, exponents(found), strict=True)) == known


def magnitudes():
    """Every bf16 value above zero."""
    x = all_bf16()
    return x[x > 0]


def test_rounding_up_gives_the_least_power_that_reaches_the_largest_value():
    x = magnitudes()
    found = power_of_two_up(x)
    for largest, exponent in zip(x.tolist(), exponents(found), strict=True):
        least = Fraction(largest) / 448
        assert least <= Fraction(2) ** exponent
        assert exponent == -127 or Fraction(2) ** (exponent - 1) < least


def test_rounding_to_even_looks_at_the_magnitude_rounded_to_one_bit_of_fraction():
    x = magnitudes()
    found = power_of_two_even(x)
    for largest, exponent in zip(x.tolist(), exponents(found), strict=True):
        place = Fraction(largest) / Fraction(2) ** (exponent + 2)  # 1 <= it < 2 but for rounding
        assert place < Fraction(7, 4)
        assert exponent == -127 or Fraction(7, 8) <= place


def test_a_block_of_nvfp4_has_an_e4m3_scale_over_that_of_the_tensor():
    threshold, largest = 336.0, torch.tensor([336.0, 100.0, 1.0, 0.3, 1e-3, 1e-5, 0.0, 9e9])
    found = nvfp4_scale(largest, threshold)
    wanted = nearest((largest / 6 * (2688 / threshold)).numpy(), NUMBERS["float8_e4m3fn"])
    assert found.tolist() == (torch.from_numpy(wanted) / 8).tolist()
    assert found[5:].tolist() == [0.0, 0.0, 56.0]

"""The expected maximum of a subset equals the mean over every subset there is."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from hubmaxact.measurement.assembly.certainty.expected_maximum import (
    MOST_SIZES,
    expected_maximum,
    halved_sizes,
)

VALUES = {
    "one": [3.5],
    "equal": [7.0] * 9,
    "zeros": [0.0] * 4,
    "few ties": [0.0, 1.0, 1.0, 2.5, 2.5, 2.5, 103936.0, 9.0],
    "far apart": [1e-30, 1e-3, 1.0, 3e38, 5.0, 7e12],
    "in a row": [float(n) for n in range(12)],
}


def bound(values):
    """The error that is stated."""
    return (2 * len(values) + 4) * Fraction(1, 2**53) * Fraction(max(values))


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_it_is_the_mean_over_all_subsets_of_every_size(values):
    exact = [Fraction(value) for value in values]
    for size in range(1, len(values) + 1):
        maxima = [max(subset) for subset in itertools.combinations(exact, size)]
        found = expected_maximum(values, size)
        assert abs(Fraction(found) - sum(maxima) / len(maxima)) <= bound(values)
        assert found <= max(values)


def test_the_whole_has_the_largest_value_and_equal_values_are_no_less_in_any_part():
    random = np.random.default_rng(5).permutation(101) / 7
    assert expected_maximum(random, 101) == max(random)
    assert {expected_maximum([7.0] * 4099, size) for size in (1, 2, 4097, 4098)} == {7.0}


@pytest.mark.parametrize("size", [1, 2, 37, 1500, 2999])
def test_thousands_of_values_stay_within_the_stated_error(size):
    values = np.sort(np.random.default_rng(1).lognormal(3, 2, 3000))
    ways = [math.comb(rank, size - 1) for rank in range(len(values))]
    total = sum(Fraction(float(value)) * way for value, way in zip(values, ways, strict=True))
    exact = total / math.comb(len(values), size)
    assert abs(Fraction(expected_maximum(values, size)) - exact) <= bound(values)


def test_more_texts_never_reach_less():
    values = np.random.default_rng(2).lognormal(3, 2, 700)
    found = [expected_maximum(values, size) for size in range(1, 701)]
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("number", "sizes"),
    [
        (0, []),
        (1, [1]),
        (2, [1, 2]),
        (5, [1, 2, 5]),
        (5000, [1, 2, 4, 9, 19, 39, 78, 156, 312, 625, 1250, 2500, 5000]),
    ],
)
def test_sizes_double_up_to_the_whole(number, sizes):
    assert halved_sizes(number) == sizes


def test_there_are_never_many_sizes():
    assert len(halved_sizes(10**9)) == MOST_SIZES

"""Distributions of a few values, worked out by hand; the same from bf16 and from wider tensors."""

import math

import numpy as np
import pytest
import torch

from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.distribution import Bins
from hubmaxact.measurement.statistics.float_values import FloatValues

LARGEST_BF16 = 3.3895313892515355e38
LARGEST_FLOAT32 = torch.finfo(torch.float32).max


def of_bf16(values):
    histogram = Bf16Histogram()
    histogram.update(torch.tensor(values, dtype=torch.bfloat16))
    return histogram


def of_float32(values):
    seen = FloatValues()
    seen.update(torch.tensor(values, dtype=torch.float32))
    return seen


every_format = pytest.mark.parametrize("seen_in", [of_bf16, of_float32])


@every_format
def test_every_number_of_a_few_values(seen_in):
    values = [3.0, -5.0, 5.0, 0.0, -0.0, 1.0, 2.0, 2.0, math.nan, math.inf, -math.inf, math.inf]
    found = seen_in(values).result()
    assert (found.count, found.num_nan, found.num_inf, found.num_finite) == (12, 1, 3, 8)
    assert (found.num_zeros, found.zero_fraction) == (2, 0.25)
    assert (found.min, found.max, found.abs_max, found.num_ties) == (-5.0, 5.0, 5.0, 2)
    assert (found.abs_total, found.square_total) == (18.0, 68.0)
    assert (found.mean, found.abs_mean, found.rms) == (1.0, 2.25, math.sqrt(8.5))
    assert found.std == math.sqrt(7.5)  # of the population
    assert found.bins.values.tolist() == [-5.0, 0.0, 1.0, 2.0, 3.0, 5.0]
    assert found.bins.counts.tolist() == [1, 2, 1, 2, 1, 1]


@every_format
@pytest.mark.parametrize("values", [[], [math.nan], [math.inf, -math.inf, math.nan]])
def test_nothing_finite_gives_no_number(seen_in, values):
    seen = seen_in(values)
    found = seen.result()
    assert (found.count, found.num_finite) == (len(values), 0)
    names = ("min", "max", "abs_max", "mean", "std", "rms", "abs_mean", "zero_fraction")
    assert [getattr(found, name) for name in names] == [None] * len(names)
    assert (found.num_zeros, found.num_ties) == (0, 0)
    assert (found.abs_total, found.square_total) == (0.0, 0.0)
    assert found.bins.abs_quantile("0.5") is None
    assert seen.abs_max() is None


@every_format
@pytest.mark.parametrize(
    ("values", "abs_max", "num_ties"),
    [
        ([-7.0, 2.0, -7.0], 7.0, 2),
        ([7.0, -2.0, 7.0], 7.0, 2),
        ([7.0, -7.0, 6.0], 7.0, 2),
        ([-3.0, -1.0], 3.0, 1),
        ([0.0, -0.0], 0.0, 2),
    ],
)
def test_ties_have_either_sign(seen_in, values, abs_max, num_ties):
    seen = seen_in(values)
    found = seen.result()
    assert (found.abs_max, found.num_ties, seen.abs_max()) == (abs_max, num_ties, abs_max)


@every_format
def test_ties_of_several_updates_add_up_at_the_largest_alone(seen_in):
    seen = seen_in([4.0, -4.0, 1.0])
    for values, num_ties in (([-4.0], 3), ([3.0], 3), ([], 3), ([9.0, 9.0, -4.0], 2), ([-9.0], 3)):
        seen.merge(seen_in(values))
        assert seen.result().num_ties == num_ties
    assert (seen.result().min, seen.result().max) == (-9.0, 9.0)


@every_format
def test_zeros_have_no_sign(seen_in):
    found = seen_in([-0.0]).result()
    zeros = found.min, found.max, found.bins.values[0], found.mean
    assert [math.copysign(1.0, zero) for zero in zeros] == [1.0] * 4


@every_format
def test_an_accumulator_that_has_seen_nothing_changes_nothing(seen_in):
    seen, empty = seen_in([2.0, -8.0]), seen_in([])
    seen.merge(empty)
    empty.merge(seen)
    for each in (seen, empty):
        found = each.result()
        assert (found.count, found.num_ties, found.min, found.max) == (2, 1, -8.0, 2.0)
        assert (found.mean, found.std) == (-3.0, 5.0)


def test_counts_of_the_largest_float32_values_are_at_the_largest_bf16_value():
    found = of_float32([LARGEST_FLOAT32, -LARGEST_FLOAT32, 3.4e38, LARGEST_BF16]).result()
    assert (found.min, found.max, found.num_ties) == (-LARGEST_FLOAT32, LARGEST_FLOAT32, 2)
    assert found.bins.values.tolist() == [-LARGEST_BF16, LARGEST_BF16]
    assert found.bins.counts.tolist() == [1, 3]


def test_wider_values_are_counted_at_the_nearest_bf16_value():
    found = of_float32([1.0 + 2.0**-8, 1.0 + 3 * 2.0**-8, 1.0 + 2.0**-9]).result()
    assert found.bins.values.tolist() == [1.0, 1.0 + 2.0**-6]  # halves go to even
    assert found.bins.counts.tolist() == [2, 1]
    assert found.max == 1.0 + 3 * 2.0**-8


def test_fp16_is_taken_as_it_is():
    seen = FloatValues()
    seen.update(torch.tensor([65504.0, -(2.0**-24)], dtype=torch.float16))
    assert (seen.result().max, seen.result().min) == (65504.0, -(2.0**-24))


@pytest.mark.parametrize(
    ("level", "expected"),
    [("0.25", 1.0), ("0.5", 2.0), ("0.51", 3.0), ("0.75", 3.0), ("0.76", 4.0), ("0.999", 4.0)],
)
def test_a_quantile_is_the_value_of_an_integer_rank(level, expected):
    """Of |x| = 1, 2, 3, 4: the smallest with at least that share at or below it."""
    bins = Bins(np.array([-4.0, -2.0, 1.0, 3.0]), np.array([1, 1, 1, 1]))
    assert bins.abs_quantile(level) == expected


@pytest.mark.parametrize(("level", "expected"), [("0.5", 1.0), ("0.9", 1.0), ("0.9001", 2.0)])
def test_counts_weigh_in_a_quantile(level, expected):
    """In binary, 0.9 * 10 is no rank but a little more or less than one."""
    bins = Bins(np.array([-1.0, 1.0, 2.0]), np.array([4, 5, 1]))
    assert bins.abs_quantile(level) == expected


def test_every_bf16_value_is_counted_once():
    patterns = torch.arange(-(2**15), 2**15, dtype=torch.int16).view(torch.bfloat16)
    histogram = Bf16Histogram()
    histogram.update(patterns)
    assert histogram.state()["counts"].tolist() == [1] * 2**16
    found = histogram.result()
    assert (found.count, found.num_nan, found.num_inf) == (2**16, 254, 2)
    assert found.num_zeros == found.num_ties == 2
    assert (found.min, found.max, found.mean) == (-LARGEST_BF16, LARGEST_BF16, 0.0)
    values = found.bins.values
    assert len(values) == 2**16 - 254 - 2 - 1
    assert bool((np.diff(values) > 0).all())
    assert values.tolist() == sorted(set(patterns[patterns.isfinite()].double().tolist()))

"""Where the INT-8 check rounds, clamps and clips; the same over counts and over tensors."""

import math
from dataclasses import replace
from fractions import Fraction

import pytest
import torch

from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.int8_error import (
    Int8Error,
    Int8Errors,
    RoundingErrors,
    error_of_bins,
)


def over_counts(values, threshold):
    histogram = Bf16Histogram()
    histogram.update(torch.tensor(values, dtype=torch.bfloat16))
    return error_of_bins(histogram.bins(), threshold)


def over_tensors(values, threshold):
    x = torch.tensor(values, dtype=torch.float32)
    seen, errors = FloatValues(), Int8Errors(threshold)
    seen.update(x)
    errors.update(x)
    return errors.result().beside(seen.result())


@pytest.mark.parametrize("error_over", [over_counts, over_tensors])
@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0.5, 0.5),  # to 0
        (1.5, 0.5),  # to 2
        (2.5, 0.5),  # to 2
        (0.75, 0.25),
        (-1.25, 0.25),
        (3.0, 0.0),
        (126.5, 0.5),  # to 126
        (127.0, 0.0),
        (-127.0, 0.0),
        (127.5, 0.5),  # clamped
        (-127.5, 0.5),
        (200.0, 73.0),
        (-200.0, 73.0),
    ],
)
def test_one_value_at_a_scale_of_one(error_over, value, error):
    assert error_over([value], 127.0) == Int8Error(
        threshold=127.0,
        sum_sq=value * value,
        err_sq=error * error,
        abs_sum=abs(value),
        abs_err=error,
        num_clipped=int(abs(value) > 127),
        count=1,
    )


@pytest.mark.parametrize("error_over", [over_counts, over_tensors])
def test_errors_are_counted_over_finite_values_alone(error_over):
    values = [1.0, -4.0, 0.5, 0.5, -0.5, 130.0, -131.0, math.nan, math.inf, -math.inf, 0.0]
    assert error_over(values, 127.0) == Int8Error(
        threshold=127.0,
        sum_sq=1 + 16 + 0.75 + 130.0**2 + 131.0**2,
        err_sq=0.75 + 9 + 16,
        abs_sum=5 + 1.5 + 261,
        abs_err=1.5 + 3 + 4,
        num_clipped=2,
        count=8,
    )


@pytest.mark.parametrize("error_over", [over_counts, over_tensors])
def test_errors_are_in_the_unit_of_the_values(error_over):
    """At a scale of two: 3 to 4, -1 to 0, 4.5 to 4, 258 to 254."""
    found = error_over([3.0, -1.0, 4.5, 258.0], 254.0)
    assert (found.abs_err, found.err_sq, found.num_clipped) == (6.5, 18.25, 1)


def test_errors_at_another_threshold_do_not_merge():
    with pytest.raises(ValueError, match=r"expected threshold 1\.0, got 2\.0"):
        Int8Errors(1.0).merge(Int8Errors(2.0))


EXAMPLE = Int8Error(
    threshold=1.0, sum_sq=400.0, err_sq=4.0, abs_sum=50.0, abs_err=5.0, num_clipped=3, count=12
)


def test_ratios_follow_from_the_sums():
    assert (EXAMPLE.sqnr_db, EXAMPLE.rel_rmse, EXAMPLE.rel_mae) == (20.0, 0.1, 0.1)
    assert EXAMPLE.clip_rate == 0.25


@pytest.mark.parametrize(
    ("change", "name", "expected"),
    [
        ({"err_sq": 0.0}, "sqnr_db", None),
        ({"sum_sq": 0.0}, "sqnr_db", None),
        ({"sum_sq": 0.0}, "rel_rmse", None),
        ({"err_sq": 0.0}, "rel_rmse", 0.0),
        ({"abs_sum": 0.0}, "rel_mae", None),
        ({"abs_err": 0.0}, "rel_mae", 0.0),
        ({"count": 0}, "clip_rate", None),
        ({"num_clipped": 0}, "clip_rate", 0.0),
        ({"err_sq": 1.0, "sum_sq": 1.0}, "sqnr_db", 0.0),
    ],
)
def test_a_ratio_to_nothing_is_none(change, name, expected):
    assert getattr(replace(EXAMPLE, **change), name) == expected


def test_errors_of_other_values_are_refused():
    seen = FloatValues()
    seen.update(torch.tensor([1.0, 2.0, math.nan]))
    errors = RoundingErrors(127.0, 0.0, 0.0, 0, 3)
    with pytest.raises(ValueError, match="errors of 3 values, expected 2"):
        errors.beside(seen.result())


def test_nothing_seen_has_no_error():
    empty = Int8Error(
        threshold=2.0, sum_sq=0.0, err_sq=0.0, abs_sum=0.0, abs_err=0.0, num_clipped=0, count=0
    )
    assert over_counts([], 2.0) == over_tensors([], 2.0) == empty


def test_an_error_is_rounded_once_to_float32():
    """The value all but cancels, so that any other rounding before would show."""
    value, threshold = torch.tensor(40.34), 127 / 3
    exact = Fraction(value.item()) - 121 * Fraction(threshold / 127)
    expected = torch.tensor(float(exact)).item()
    assert expected == pytest.approx(40.34 - 121 / 3, rel=1e-3)
    assert over_tensors([value.item()], threshold).abs_err == expected

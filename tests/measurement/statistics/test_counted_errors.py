"""Errors from counts are those of rounding every value; thresholds, those of trying all."""

from collections import Counter

import numpy as np
import pytest
import torch

from hubmaxact.deployed_formats import KEY, LINEAR_INPUT, MEAN_SQUARE, PER_TENSOR
from hubmaxact.measurement.rounding.tensors import as_bf16, rounded
from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.counted_errors import counted_errors
from hubmaxact.measurement.statistics.distribution import Bins
from hubmaxact.measurement.statistics.magnitudes import Magnitudes
from hubmaxact.measurement.statistics.mean_square import least_error_thresholds

LEAST = [way for way in PER_TENSOR if way.policy == MEAN_SQUARE]


def bins_of(x):
    histogram = Bf16Histogram()
    histogram.update(x.to(torch.bfloat16))
    return histogram.bins()


def normal(seed, size=600):
    return torch.randn(size, generator=torch.Generator().manual_seed(seed))


def heavy(seed):
    return normal(seed) * torch.exp(2.5 * normal(seed + 99))


TENSORS = {
    "normal": normal(1),
    "heavy": heavy(2),
    "one giant": torch.cat([normal(3), torch.tensor([-1e5])]),
    "mostly zeros": torch.relu(normal(4) - 2),
    "one value": torch.full((9,), -0.3),
    "of equal errors": torch.tensor([1.0, 2.0, 4.0, 8.0]),
    "huge": normal(5) * 1e38,
    "tiny": normal(6, 60) * 1e-30,
    "subnormal": normal(7, 60) * 1e-39,
    "from tiny to large": torch.cat([heavy(8), heavy(9) * 1e-14, torch.tensor([1e-40])]),
}


def directly(x, way, threshold):
    """Error, clipped and vanished values of a whole tensor."""
    found = rounded(x[None], way, threshold)
    lost = (x - found.values[0]).double()
    vanished = (x != 0) & (found.values[0] == 0)
    return float(lost.square().sum()), int(found.clipped.sum()), int(vanished.sum())


@pytest.mark.parametrize("name", TENSORS)
def test_the_threshold_of_least_error_is_that_of_trying_every_magnitude(name):
    bins = bins_of(TENSORS[name])
    x = Magnitudes.of(bins)
    found = least_error_thresholds(LEAST, x)
    for way in LEAST:
        candidates = x.values.tolist()
        errors = [each.err_sq for each in x.errors([(way, t) for t in candidates])]
        best = max(t for t, error in zip(candidates, errors, strict=True) if error == min(errors))
        assert found[way] == best, way.name


def test_clipping_can_be_worth_it_though_counts_are_in_the_billions():
    values = np.array([-40.0, -1.0, -0.25, 0.5, 0.625, 3.0])
    bins = Bins(values, np.array([1, 10**9, 3 * 10**11, 2 * 10**11, 7, 10**4]))
    found = least_error_thresholds(LEAST, Magnitudes.of(bins))
    assert found[LEAST[0]] < 40.0


@pytest.mark.parametrize("kind", [LINEAR_INPUT, KEY])
@pytest.mark.parametrize("name", TENSORS)
def test_errors_are_those_of_every_value(name, kind):
    x = as_bf16(TENSORS[name])
    found = counted_errors(kind, bins_of(heavy(10)), bins_of(x))
    assert [way for way in PER_TENSOR if way in found.errors] == [
        way for way in PER_TENSOR if kind in way.kinds
    ]
    for way, error in found.errors.items():
        err_sq, clipped, vanished = directly(x, way, found.thresholds.get(way))
        assert error.err_sq == pytest.approx(err_sq, rel=1e-12), way.name
        assert (error.num_clipped, error.num_underflowed) == (clipped, vanished), way.name
    assert found.sum_sq == pytest.approx(float(x.double().square().sum()), rel=1e-12)
    assert found.count == len(x)


def test_a_calibration_split_of_zeros_gives_no_threshold_and_no_error_that_needs_one():
    found = counted_errors(KEY, bins_of(torch.zeros(4)), bins_of(normal(11)))
    assert found.thresholds == {}
    assert {way.policy for way in found.errors} == {"unscaled"}
    assert counted_errors(LINEAR_INPUT, bins_of(torch.zeros(0)), bins_of(normal(11))).errors == {}


def test_signs_are_dropped_and_zeros_left_out():
    x = torch.tensor([0.0, -0.0, 1.5, -1.5, 1.5, -3.0])
    found = Magnitudes.of(bins_of(x))
    assert dict(zip(found.values.tolist(), found.counts.tolist(), strict=True)) == Counter(
        {1.5: 3, 3.0: 1}
    )
    assert (found.largest, found.sum_sq) == (3.0, 15.75)
    assert Magnitudes.of(bins_of(torch.zeros(3))).largest is None

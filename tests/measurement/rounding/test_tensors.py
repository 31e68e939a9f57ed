"""Whole tensors: whose largest value fixes a scale, what is clipped, and what is not a number."""

import math

import numpy as np
import pytest
import torch
from measurement.rounding.numbers import NUMBERS, nearest, tensor

from hubmaxact.deployed_formats import (
    DEPLOYED_FORMATS,
    E4M3_BLOCK,
    E4M3_TOKEN,
    IN_PASS,
    INT8_TOKEN,
    MXFP4,
    MXFP8,
    NVFP4,
    PER_TENSOR,
    UNSCALED,
)
from hubmaxact.measurement.rounding.tensors import LARGEST_CODE, as_bf16, rounded

ELEMENTS = {"mxfp8": "float8_e4m3fn", "mxfp4": "e2m1", "nvfp4": "e2m1"}


def by_name(ways):
    return pytest.mark.parametrize("way", ways, ids=lambda way: way.name)


def searched(x_TD, scale, way):
    """Each value over its scale, looked for in the format's list, and scaled back."""
    with np.errstate(over="ignore"):
        over = np.divide(x_TD, scale, out=np.zeros_like(x_TD), where=scale > 0)
    return nearest(over, NUMBERS[ELEMENTS.get(way.format, way.format)]) * scale


@by_name(PER_TENSOR)
@pytest.mark.parametrize("name", ["random", "heavy tails", "every bf16 value"])
def test_one_scale_for_a_tensor(name, way):
    x = tensor(name).float()
    threshold = None if way.policy == UNSCALED else 2.5
    largest = np.float32(LARGEST_CODE[way.format])
    scale = np.float32(1.0) if threshold is None else np.float32(threshold) / largest
    found = rounded(x, way, threshold)
    np.testing.assert_array_equal(found.values.numpy(), searched(x.numpy(), scale, way))
    reached = largest if threshold is None else threshold
    assert torch.equal(found.clipped, x.abs() > float(reached))


@by_name([INT8_TOKEN, E4M3_TOKEN, E4M3_BLOCK])
@pytest.mark.parametrize("name", ["random", "heavy tails", "blocks of all sizes", "zeros"])
def test_a_scale_from_the_largest_value_of_its_own(name, way):
    x = tensor(name).float()
    cut = x.reshape(len(x), -1, way.block or x.shape[1]).numpy()
    scale = np.abs(cut).max(2, keepdims=True) / np.float32(LARGEST_CODE[way.format])
    found = rounded(x, way, 2.5)  # which is none of its business
    np.testing.assert_array_equal(found.values.numpy(), searched(cut, scale, way).reshape(x.shape))
    assert not found.clipped.any()


@by_name([MXFP8, MXFP4, NVFP4])
def test_values_beyond_what_their_block_reaches_are_clipped(way):
    block = torch.tensor([6.9, 6.0, -6.1, 0.2]).repeat(16)[None]
    found = rounded(block, way, 6.9)
    reach = {"mxfp8": 7.0, "mxfp4": 6.0, "nvfp4": 6.9}[way.format]
    assert torch.equal(found.clipped, as_bf16(block).abs() > reach)
    assert found.values.abs().max() <= reach


@by_name([way for way in IN_PASS if way.block])
def test_a_shorter_last_block_has_a_scale_of_its_own(way):
    x = torch.cat([torch.full((2, way.block), 1000.0), torch.tensor([[0.375, 0.5]] * 2)], dim=1)
    whole, alone = rounded(x, way, 1000.0), rounded(x[:, way.block :], way, 1000.0)
    assert torch.equal(whole.values[:, way.block :], alone.values)
    assert whole.values.shape == x.shape


@by_name(DEPLOYED_FORMATS)
def test_what_is_not_finite_stays_and_leaves_others_alone(way):
    x = tensor("random")[:4].float()
    odd = x.clone()
    odd[:, 5:8] = torch.tensor([math.nan, math.inf, -math.inf])
    threshold = 2.5 if way.has_threshold else None
    found = rounded(odd, way, threshold)
    plain = rounded(odd.nan_to_num(0.0, 0.0, 0.0), way, threshold)
    kept = odd.isfinite()
    assert torch.equal(found.values[kept], plain.values[kept])
    np.testing.assert_array_equal(found.values[~kept].numpy(), odd[~kept].numpy())
    assert torch.equal(found.clipped, plain.clipped & kept)


@by_name(DEPLOYED_FORMATS)
def test_zeros_stay_zeros(way):
    found = rounded(torch.zeros(3, 40), way, 1.0 if way.has_threshold else None)
    assert not found.values.any()
    assert not found.clipped.any()


@by_name(DEPLOYED_FORMATS)
@pytest.mark.parametrize("name", ["subnormal", "tiny", "largest"])
def test_extremes_stay_finite_and_no_larger_than_a_step(name, way):
    x = tensor(name).float()
    values = rounded(x, way, x.abs().max().item() if way.has_threshold else None).values
    assert values.isfinite().all()
    assert (values.abs() <= x.abs().max() * 1.5).all()


def test_wide_values_are_taken_as_bf16_and_never_become_infinite():
    x = torch.tensor([1.00390625, 1.01171875, 3.4e38, -3.4e38, math.inf, 1e-45])
    largest = 3.3895313892515355e38
    assert as_bf16(x).tolist() == [1.0, 1.015625, largest, -largest, math.inf, 0.0]


def test_a_policy_without_its_threshold_is_refused():
    for missing in (None, 0.0):
        with pytest.raises(ValueError, match="needs a threshold above zero"):
            rounded(torch.ones(1, 16), NVFP4, missing)

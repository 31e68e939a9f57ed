"""Whole tensors, rounded as one row of the table says.

T tokens or rows, D channels, B blocks. Largest magnitudes are taken over finite values; what is NaN
or infinite stays as it is, so that nobody takes it for a rounded number.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hubmaxact.deployed_formats import (
    DYNAMIC,
    E2M1_LARGEST,
    E4M3_LARGEST,
    E5M2_LARGEST,
    INT8_LARGEST,
    UNSCALED,
    DeployedFormat,
)
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.measurement.rounding.elements import to_e2m1, to_e4m3, to_e5m2, to_integer
from hubmaxact.measurement.rounding.scales import (
    nvfp4_scale,
    nvfp4_scale_under,
    over,
    power_of_two_even,
    power_of_two_up,
)

FLOAT32_LARGEST = torch.finfo(torch.float32).max

LARGEST_CODE = {
    "int8": INT8_LARGEST,
    "float8_e4m3fn": E4M3_LARGEST,
    "float8_e5m2": E5M2_LARGEST,
    "mxfp8": E4M3_LARGEST,
    "mxfp4": E2M1_LARGEST,
    "nvfp4": E2M1_LARGEST,
}
"""The largest number of each format before its scale."""

TO_ELEMENT: dict[str, Callable[[Tensor], Tensor]] = {
    "int8": lambda x: to_integer(x, -INT8_LARGEST, INT8_LARGEST),
    "float8_e4m3fn": to_e4m3,
    "float8_e5m2": to_e5m2,
    "mxfp8": to_e4m3,
    "mxfp4": to_e2m1,
    "nvfp4": to_e2m1,
}

TO_SERVED_ELEMENT = {**TO_ELEMENT, "int8": lambda x: to_integer(x, -INT8_LARGEST - 1, INT8_LARGEST)}
"""The same as servers do: integers saturate where the format ends."""


class Rounded(NamedTuple):
    """A tensor as rounding leaves it.

    Attributes:
        values: float32, scaled back.
        clipped: Where a value was beyond what its scale reaches.
    """

    values: Tensor
    clipped: Tensor


@torch.no_grad()
def rounded(x_TD: Tensor, way: DeployedFormat, threshold: float | None = None) -> Rounded:
    """Round a tensor and scale it back.

    Args:
        x_TD: Rows of channels; of any float dtype, taken as bf16 where it is wider.
        way: Format, granularity and policy.
        threshold: The |x| that maps to the largest code, where the policy takes one from the
            calibration split, above zero; other policies take no notice of it.

    Returns:
        Values and what was clipped, both of the same shape.

    Raises:
        ValueError: The policy wants a threshold and there is none.
    """
    if way.has_threshold and not threshold:
        raise ValueError(f"{way.name} needs a threshold above zero, found {threshold}")
    threshold = threshold if way.has_threshold else None
    x = as_bf16(x_TD)
    cut_TBN = _cut(x, way)
    scale = _scale(cut_TBN, way, threshold)
    values = _whole(_scaled(cut_TBN, scale, TO_ELEMENT[way.format]), x)
    clipped = _whole(_beyond(cut_TBN, scale, way, threshold), x)
    return Rounded(torch.where(x.isfinite(), values, x), clipped & x.isfinite())


@torch.no_grad()
def as_served(x_TD: Tensor, way: DeployedFormat, stored: float | None = None) -> Tensor:
    """Round a tensor as a server does and scale it back: values taken as they are.

    Args:
        x_TD: Rows of channels, of any float dtype.
        way: Format and granularity.
        stored: The number that a checkpoint stores, above zero: what codes are multiplied with; of
            NVFP4 what the scales of blocks are divided by; where each token has a scale of its own
            the largest |x| that it may stand for. None: scales follow from tokens or blocks alone.

    Returns:
        float32, of the same shape.

    Raises:
        ValueError: One scale for the whole tensor is wanted and none is stored.
    """
    if way.has_threshold and not stored:
        raise ValueError(f"{way.name} needs a stored scale above zero, found {stored}")
    x = x_TD.float()
    cut_TBN = _cut(x, way)
    scale = _scale(cut_TBN, way, None) if stored is None else _stored(cut_TBN, way, stored)
    values = _whole(_scaled(cut_TBN, scale, TO_SERVED_ELEMENT[way.format]), x)
    return torch.where(x.isfinite(), values, x)


def as_bf16(x: Tensor) -> Tensor:
    """Round to bf16, finite values never to infinity, and return float32."""
    largest = LARGEST_FINITE["bfloat16"]
    clamped = torch.where(x.isfinite(), x.float().clamp(-largest, largest), x.float())
    return clamped.to(torch.bfloat16).float()


def _scale(x_TBN: Tensor, way: DeployedFormat, threshold: float | None) -> Tensor:
    """What codes are multiplied by, of a shape that spreads over the blocks."""
    if way.policy == UNSCALED:
        return x_TBN.new_ones(())
    if way.format == "nvfp4":
        assert threshold is not None
        return nvfp4_scale(_largest(x_TBN), threshold)
    if way.format == "mxfp8":
        return power_of_two_up(_largest(x_TBN))
    if way.format == "mxfp4":
        return power_of_two_even(_largest(x_TBN))
    largest = _largest(x_TBN) if threshold is None else x_TBN.new_full((), threshold)
    return over(largest, LARGEST_CODE[way.format])


def _stored(x_TBN: Tensor, way: DeployedFormat, stored: float) -> Tensor:
    """The same where a number is stored."""
    number = x_TBN.new_full((), stored)
    if way.format == "nvfp4":
        return nvfp4_scale_under(_largest(x_TBN), number)
    if way.policy == DYNAMIC:
        return over(_largest(x_TBN).clamp(max=stored), LARGEST_CODE[way.format])
    return number


def _scaled(x: Tensor, scale: Tensor, to_element: Callable[[Tensor], Tensor]) -> Tensor:
    """Divide, round to the format's numbers, multiply; a scale of zero gives zeros."""
    divisor = torch.where(scale > 0, scale, 1.0)
    values = to_element(x / divisor) * scale
    # Of the largest bf16 values, those of powers of two round to 2^128.
    return torch.where(scale > 0, values.clamp(-FLOAT32_LARGEST, FLOAT32_LARGEST), 0.0)


def _beyond(x: Tensor, scale: Tensor, way: DeployedFormat, threshold: float | None) -> Tensor:
    """Values above what the scale reaches; a scale from their own largest reaches all of them."""
    if way.is_counted:
        return x.abs() > (LARGEST_CODE[way.format] if threshold is None else threshold)
    if way.format in ("mxfp4", "nvfp4"):
        return (scale > 0) & (x.abs() > LARGEST_CODE[way.format] * scale)
    return torch.zeros_like(x, dtype=torch.bool)


def _cut(x_TD: Tensor, way: DeployedFormat) -> Tensor:
    """Rows as what shares a scale, (T, B, N): blocks, or all of a row."""
    return _blocks(x_TD, way.block) if way.block else x_TD[:, None, :]


def _blocks(x_TD: Tensor, size: int) -> Tensor:
    """Rows cut into blocks, (T, B, size), the last one filled up with zeros."""
    missing = -x_TD.shape[1] % size
    blocks: Tensor = nn.functional.pad(x_TD, (0, missing)).unflatten(1, (-1, size))
    return blocks


def _largest(blocks_TBN: Tensor) -> Tensor:
    finite = torch.where(blocks_TBN.isfinite(), blocks_TBN.abs(), 0.0)
    largest: Tensor = finite.amax(dim=2, keepdim=True)
    return largest


def _whole(blocks_TBN: Tensor, x_TD: Tensor) -> Tensor:
    return blocks_TBN.flatten(1)[:, : x_TD.shape[1]]

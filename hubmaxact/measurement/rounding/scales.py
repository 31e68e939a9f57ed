"""Scales of blocks: powers of two as MX formats have them, and NVFP4's own in E4M3.

Arguments are float32 tensors of largest magnitudes, each finite and not negative.
"""

import torch
from torch import Tensor

from hubmaxact.deployed_formats import E2M1_LARGEST, E4M3_LARGEST, NVFP4_LARGEST
from hubmaxact.measurement.rounding.elements import to_e4m3

FRACTION_BITS = 23  # of float32
LEAST_EXPONENT, MOST_EXPONENT = -127, 127  # of an E8M0 scale
LEAST_BITS = 1 << 22  # of 2^-127 as float32, which is subnormal
E2M1_EXPONENT = 2  # of its largest number
E2M1_FRACTION_BITS = 1


def over(x: Tensor, number: float) -> Tensor:
    """Divide and round once, on every device: by a bare number, GPUs multiply with its reciprocal.

    Args:
        x: float32, of any shape.
        number: What it is divided by; a float32.

    Returns:
        Quotients of the same shape.
    """
    return x / torch.full((), number, dtype=x.dtype, device=x.device)


def power_of_two_up(largest: Tensor) -> Tensor:
    """Return the least power of two at which nothing saturates in E4M3 (MX's RCEIL)."""
    bits = over(largest, E4M3_LARGEST).view(torch.int32)
    exponent = ((bits - 1) >> FRACTION_BITS) - 126
    return _power_of_two(torch.where(bits <= LEAST_BITS, LEAST_EXPONENT, exponent))


def power_of_two_even(largest: Tensor) -> Tensor:
    """Return the power of two of a magnitude rounded to E2M1's own fraction (MX's EVEN)."""
    half = 1 << (FRACTION_BITS - E2M1_FRACTION_BITS - 1)
    exponent = ((largest.view(torch.int32) + half) >> FRACTION_BITS) - 127
    return _power_of_two(exponent - E2M1_EXPONENT)


def nvfp4_scale(largest: Tensor, threshold: float) -> Tensor:
    """Return what NVFP4's codes are multiplied by: a block's E4M3 scale over the tensor's.

    Args:
        largest: Of each block.
        threshold: The largest |x| that the tensor's scale stands for, above zero.

    Returns:
        Zero where the block's scale rounds to zero.
    """
    of_tensor = over(torch.full((), NVFP4_LARGEST, device=largest.device), threshold)
    return nvfp4_scale_under(largest, of_tensor)


def nvfp4_scale_under(largest: Tensor, of_tensor: Tensor) -> Tensor:
    """Return the same where the tensor's scale is given, as what codes of blocks are divided by.

    Args:
        largest: Of each block.
        of_tensor: One number above zero: 2688 over the largest |x| that it stands for.

    Returns:
        Zero where the block's scale rounds to zero.
    """
    return to_e4m3(over(largest, E2M1_LARGEST) * of_tensor) / of_tensor


def _power_of_two(exponent: Tensor) -> Tensor:
    """By its bits: a power function may be off by a few of the last ones."""
    clamped = exponent.clamp(LEAST_EXPONENT, MOST_EXPONENT)
    normal = (clamped + 127) << FRACTION_BITS
    return torch.where(clamped > LEAST_EXPONENT, normal, LEAST_BITS).view(torch.float32)

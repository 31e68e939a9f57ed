"""Single values: the nearest number that a format has, half to even, saturating at its largest.

Arguments are float32 tensors of any shape, already divided by their scale; NaN stays NaN.
"""

import torch
from torch import Tensor

from hubmaxact.deployed_formats import E2M1_LARGEST, E4M3_LARGEST, E5M2_LARGEST

ELEMENTS = {
    "int8": (7, 7),  # up to 255, steps are those of the exponent 7
    "float8_e4m3fn": (-6, 3),
    "float8_e5m2": (-14, 2),
    "mxfp8": (-6, 3),
    "mxfp4": (0, 1),
    "nvfp4": (0, 1),
}
"""Format -> its least exponent, and the bits of its fractions."""


def to_integer(x: Tensor, lowest: float, highest: float) -> Tensor:
    """Round to an integer within bounds."""
    return x.round().clamp(lowest, highest)


def to_e4m3(x: Tensor) -> Tensor:
    """Round to FP8 E4M3FN."""
    # A cast alone gives NaN beyond the largest value in some versions of torch.
    return x.clamp(-E4M3_LARGEST, E4M3_LARGEST).to(torch.float8_e4m3fn).float()


def to_e5m2(x: Tensor) -> Tensor:
    """Round to FP8 E5M2."""
    return x.clamp(-E5M2_LARGEST, E5M2_LARGEST).to(torch.float8_e5m2).float()


def to_e2m1(x: Tensor) -> Tensor:
    """Round to FP4 E2M1: 0, 0.5, 1, 1.5, 2, 3, 4, 6."""
    clamped = x.clamp(-E2M1_LARGEST, E2M1_LARGEST)
    size = clamped.abs()
    step = 0.5 + 0.5 * (size >= 2.0).float() + (size >= 4.0).float()
    return (clamped / step).round() * step

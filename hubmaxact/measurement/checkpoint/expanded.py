"""The weights of a quantized release, each expanded when it is placed; unsound scales are refused.

Knows which tensors are parts of a weight; knows no formula.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from hubmaxact.errors import UnsafeCheckpointError
from hubmaxact.measurement.dequantization.damaged import DamagedWeightError
from hubmaxact.measurement.dequantization.expand import expand
from hubmaxact.measurement.dequantization.numbers import numbers_of
from hubmaxact.measurement.loops.cpu_threads import cpu_threads
from hubmaxact.printable import printable
from hubmaxact.stored_weights.storage import StoredWeight, StoredWeights

SCALES = ("scale", "divisor", "factor", "nested_scale")
"""Parts whose every number must be one."""

Slices = Mapping[str, Any]
"""Slices of safetensors files by the names of their tensors."""


def expanded(weight: StoredWeight, slices: Slices, dtype: torch.dtype) -> Tensor:
    """Read the parts of a weight and expand it.

    Args:
        weight: Which tensors it is stored in, and how.
        slices: Those tensors.
        dtype: What it is rounded to, once, from float32.

    Returns:
        The weight, of `weight.shape`.

    Raises:
        UnsafeCheckpointError: Its parts hold what nothing follows from.
    """
    parts = {part: slices[name][...] for part, name in weight.parts.items()}
    try:
        return expand(weight, parts, dtype)
    except DamagedWeightError as error:
        raise UnsafeCheckpointError(
            f"{printable(weight.name)} {error}, and cannot be expanded. Download or save the "
            "checkpoint again, or measure the one it was quantized from."
        ) from error


def refuse_unsound_scales(stored: StoredWeights, slices: Slices) -> None:
    """Read every scale of quantized weights before the weights themselves.

    Args:
        stored: The weights.
        slices: The tensors of their files.

    Raises:
        UnsafeCheckpointError: One holds NaN or infinity; the message names the first.
    """
    with cpu_threads(1):  # most scales are few, and threads would only wait for each other
        for name in _scales(stored):
            scale = slices[name][...]
            if scale.is_floating_point() and not _is_finite(numbers_of(scale)):
                raise UnsafeCheckpointError(
                    f"{printable(name)} holds a scale that is NaN or infinite, and so would be "
                    "every weight under it. Download or save the checkpoint again."
                )


def _is_finite(numbers: Tensor) -> bool:
    """Whether all are; their extremes are NaN where one is."""
    return not numbers.numel() or all(one.isfinite() for one in numbers.aminmax())


def _scales(stored: StoredWeights) -> Iterator[str]:
    for weight in stored.weights:
        yield from (name for part, name in weight.parts.items() if part in SCALES)

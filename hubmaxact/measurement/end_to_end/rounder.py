"""Tensors of a pass, each rounded by one way and handed back in the run's own number format."""

from collections.abc import Mapping

import torch
from torch import Tensor

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.rounding.tensors import rounded

VALUES_AT_ONCE = 1 << 22
"""Rounding holds several float32 copies of what it rounds: of so many values at a time."""


class Rounder:
    """Rounds, and remembers what it was asked to.

    Args:
        way: How.
        thresholds: By site, where the way takes one.
    """

    def __init__(self, way: DeployedFormat, thresholds: Mapping[Site, float | None]) -> None:
        self._way, self._thresholds = way, thresholds
        self.done: set[str] = set()

    def __call__(self, site: Site, name: str, x: Tensor) -> Tensor:
        """Round one tensor.

        Args:
            site: Whose threshold it takes.
            name: Of the map that reads it, or of the site.
            x: Rows of channels, (..., channels).

        Returns:
            A tensor of the same shape and number format.
        """
        self.done.add(name)
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            return rounded_alike(x, self._way, self._thresholds[site])


def rounded_alike(x: Tensor, way: DeployedFormat, threshold: float | None) -> Tensor:
    """Round a tensor and give it its number format back.

    Args:
        x: Rows of channels, (..., channels).
        way: How.
        threshold: Where the way takes one.

    Returns:
        The same shape and format; finite values stay finite.
    """
    rows_TD = x.reshape(-1, x.shape[-1])
    result, step = torch.empty_like(rows_TD), max(1, VALUES_AT_ONCE // x.shape[-1])
    for begin in range(0, len(rows_TD), step):
        piece = slice(begin, begin + step)
        result[piece] = _within(rounded(rows_TD[piece], way, threshold).values, x.dtype)
    return result.view(x.shape)


def _within(values: Tensor, dtype: torch.dtype) -> Tensor:
    """No finite value beyond what the format holds: bf16's steps lead out of fp16."""
    largest = torch.finfo(dtype).max
    return torch.where(values.isfinite(), values.clamp(-largest, largest), values)

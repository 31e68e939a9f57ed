"""Tensors of a pass, each rounded by one way and handed back in the run's own number format."""

from collections.abc import Mapping

import torch
from torch import Tensor

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.rounding.tensors import rounded

AT_ONCE = {"cpu": 1 << 18}
OTHERWISE_AT_ONCE = 1 << 24
"""Values rounded together, by the type of device: several float32 copies of them are held, which
on a CPU should stay in its cache."""


class Rounder:
    """Rounds, and remembers what it was asked to.

    Args:
        way: How.
        thresholds: By site, where the way takes one.
    """

    def __init__(self, way: DeployedFormat, thresholds: Mapping[Site, float | None]) -> None:
        self._way, self._thresholds = way, thresholds
        self.done: set[str] = set()
        self._last: tuple[Site, Tensor, Tensor] | None = None

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
        if self._last is not None and self._last[0] == site and self._last[1] is x:
            return self._last[2]  # as for maps that read one tensor in turn
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            result = rounded_alike(x, self._way, self._thresholds[site])
        self._last = site, x, result
        return result

    def forget(self) -> None:
        """Let go of what was rounded last: a pass is over."""
        self._last = None


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
    result, values = torch.empty_like(rows_TD), AT_ONCE.get(x.device.type, OTHERWISE_AT_ONCE)
    step = max(1, values // x.shape[-1])
    for begin in range(0, len(rows_TD), step):
        piece = slice(begin, begin + step)
        result[piece] = _within(rounded(rows_TD[piece], way, threshold).values, x.dtype)
    return result.view(x.shape)


def _within(values: Tensor, dtype: torch.dtype) -> Tensor:
    """No finite value beyond what the format holds: bf16's steps lead out of fp16."""
    largest = torch.finfo(dtype).max
    return torch.where(values.isfinite(), values.clamp(-largest, largest), values)

"""Tensors of a pass, each rounded and handed back in the run's own number format."""

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Tensor

AT_ONCE = {"cpu": 1 << 18}
OTHERWISE_AT_ONCE = 1 << 24
"""Values rounded together, by the type of device: several float32 copies of them are held, which
on a CPU should stay in its cache."""

Key = TypeVar("Key")

RoundRows = Callable[[Tensor], Tensor]
"""Rounds rows of channels, (rows, channels); returns as many, float32."""


class Rounder(Generic[Key]):
    """Rounds, and remembers what it was asked to.

    Args:
        round_rows: Rounds rows of channels as a key says; equal keys round alike.
    """

    def __init__(self, round_rows: Callable[[Key, Tensor], Tensor]) -> None:
        self._round_rows = round_rows
        self.done: set[str] = set()
        self._last: tuple[Key, Tensor, Tensor] | None = None

    def __call__(self, key: Key, name: str, x: Tensor) -> Tensor:
        """Round one tensor.

        Args:
            key: How.
            name: Of the map that reads it, or of the tensor.
            x: Rows of channels, (..., channels).

        Returns:
            A tensor of the same shape and number format.
        """
        self.done.add(name)
        if self._last is not None and self._last[0] == key and self._last[1] is x:
            return self._last[2]  # as for maps that read one tensor in turn
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            result = rounded_alike(x, lambda rows: self._round_rows(key, rows))
        self._last = key, x, result
        return result

    def forget(self) -> None:
        """Let go of what was rounded last: a pass is over."""
        self._last = None


def rounded_alike(x: Tensor, round_rows: RoundRows) -> Tensor:
    """Round a tensor and give it its number format back.

    Args:
        x: Rows of channels, (..., channels).
        round_rows: How; rows do not depend on each other.

    Returns:
        The same shape and format; finite values stay finite.
    """
    rows_TD = x.reshape(-1, x.shape[-1])
    result, values = torch.empty_like(rows_TD), AT_ONCE.get(x.device.type, OTHERWISE_AT_ONCE)
    step = max(1, values // x.shape[-1])
    for begin in range(0, len(rows_TD), step):
        piece = slice(begin, begin + step)
        result[piece] = _within(round_rows(rows_TD[piece]), x.dtype)
    return result.view(x.shape)


def _within(values: Tensor, dtype: torch.dtype) -> Tensor:
    """No finite value beyond what the format holds: bf16's steps lead out of fp16."""
    largest = torch.finfo(dtype).max
    return torch.where(values.isfinite(), values.clamp(-largest, largest), values)

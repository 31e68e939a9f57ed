"""The largest |x| of each channel of a site: what scales per channel, and smoothing, live by."""

from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.distribution import Float32s
from hubmaxact.measurement.statistics.rows import Rows


class ChannelMaxima:
    """The largest finite |x| of each channel, as float32; -1 where none was finite.

    Args:
        device: Where the site's tensors are.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.abs_max = torch.empty(0, device=device)

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in rows, shape (T, D); D is the same in all of them."""
        if len(rows.abs_TD):
            self.raise_to(rows.abs_TD.amax(dim=0).float())

    def merge(self, other: Self) -> None:
        """Fold in another's maxima."""
        if len(other.abs_max):
            self.raise_to(other.abs_max.to(self.abs_max.device))

    def raise_to(self, abs_max_D: Tensor) -> None:
        """Fold in maxima that somebody else has found.

        Args:
            abs_max_D: By channel, float32, -1 for none.

        Raises:
            ValueError: Other tensors had another number of channels.
        """
        self.expect(len(abs_max_D))
        self.abs_max = torch.maximum(self.abs_max, abs_max_D)

    def expect(self, num_channels: int) -> None:
        """Refuse tensors of another width.

        Args:
            num_channels: Of the next tensor.

        Raises:
            ValueError: Other tensors had another number of channels.
        """
        if len(self.abs_max) not in (0, num_channels):
            raise ValueError(f"expected {len(self.abs_max)} channels, got {num_channels}")
        if not len(self.abs_max):
            self.abs_max = torch.full((num_channels,), -1.0, device=self.abs_max.device)

    def state(self) -> State:
        """The maxima; none before the first finite value."""
        return {"abs_max": self.abs_max[: len(self.abs_max) * bool((self.abs_max >= 0).any())]}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.abs_max = state["abs_max"].to(self.abs_max.device, copy=True)

    def result(self) -> Float32s:
        """The maxima by channel, shape (D,), -1 for none; empty before the first finite value."""
        abs_max: Float32s = self.abs_max.cpu().numpy().copy()
        return abs_max[: len(abs_max) * bool((abs_max >= 0).any())]

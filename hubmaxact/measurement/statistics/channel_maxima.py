"""The largest |x| of each channel of a site: what scales per channel, and smoothing, live by."""

from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
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
        known = self.abs_max
        if len(known) not in (0, len(abs_max_D)):
            raise ValueError(f"expected {len(known)} channels, got {len(abs_max_D)}")
        self.abs_max = torch.maximum(known, abs_max_D) if len(known) else abs_max_D.clone()

    def state(self) -> State:
        """The maxima; none before the first row."""
        return {"abs_max": self.abs_max}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.abs_max = state["abs_max"].to(self.abs_max.device, copy=True)

    def result(self) -> tuple[float, ...]:
        """The maxima by channel."""
        return tuple(self.abs_max.tolist())

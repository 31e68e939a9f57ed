"""The sum of x^2 of each channel of a site: how much a weight's column matters to what it makes.

Partial sums of neighbouring rows are float32; each is rounded to a multiple of 2^-44, and multiples
add up as integers, so merging is exact and its order does not matter. A partial sum of n rows is
off by at most n * 2^-24 of itself: another way of cutting tensors ends in nearly the same.
"""

from typing import Self

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.distribution import Float64s

HIGH_BITS, LOW_BITS = 4, 44
"""A sum is an integer of 2^-4 and one of 2^-44."""
CARRY = LOW_BITS - HIGH_BITS
MOST_PARTIAL = 16
WHOLE = float(1 << 52)
"""Added and taken away again, it rounds to an integer, half to even."""
MOST = float(1 << 50)
MOST_HIGH = 1 << 50 + HIGH_BITS
"""Sums from here on, and those of NaN or infinity, are not known."""


class ChannelSquares:
    """Sums of squares by channel.

    Args:
        device: Where the site's tensors are.
        most_partial: So many partial sums are rounded at a time: each alone takes as long.
    """

    def __init__(
        self, device: torch.device | str = "cpu", *, most_partial: int = MOST_PARTIAL
    ) -> None:
        self.sums = torch.zeros((2, 0), dtype=torch.int64, device=device)
        self._partial, self._most_partial = list[Tensor](), most_partial

    @torch.no_grad()
    def update(self, x_TD: Tensor) -> None:
        """Fold in rows, shape (T, D); D is the same in all of them."""
        if not len(x_TD):
            return
        if x_TD.is_cuda:  # in one read
            norm_D: Tensor = torch.linalg.vector_norm(x_TD, dim=0, dtype=torch.float32)
            self.add(norm_D.square_())
        else:
            self.add(x_TD.float().square().sum(dim=0))

    def add(self, sums_D: Tensor) -> None:
        """Add partial sums.

        Args:
            sums_D: By channel, float32; NaN and infinity count as 2^50.

        Raises:
            ValueError: Other tensors had another number of channels.
        """
        self._expect(len(sums_D))
        self._partial.append(sums_D)
        if len(self._partial) == self._most_partial:
            self._round()

    @torch.no_grad()
    def _round(self) -> None:
        """Bring what was added into the sums."""
        if not self._partial:
            return
        sums_ND = torch.stack(self._partial).double().nan_to_num(nan=MOST).clamp(max=MOST)
        self._partial.clear()
        # torch's floor and round wait for all its threads, however little there is to do.
        high_ND = (sums_ND * (1 << HIGH_BITS)).long()
        low_ND = sums_ND * (1 << LOW_BITS) - high_ND.double() * (1 << CARRY)
        low_ND = (low_ND + WHOLE) - WHOLE
        self._add(torch.stack([high_ND, low_ND.long()]).sum(dim=1))

    def add_rounded(self, sums_2D: Tensor) -> None:
        """Add sums of rounded partial sums.

        Args:
            sums_2D: In 2^-4, and what is left in 2^-44, int64.

        Raises:
            ValueError: Other tensors had another number of channels.
        """
        self._expect(sums_2D.shape[1])
        self._add(sums_2D.to(self.sums.device))

    def _add(self, sums_2D: Tensor) -> None:
        """Add integers; what is not known stays so, however much is added."""
        self.sums = self.sums + sums_2D
        self.sums[0].clamp_(max=MOST_HIGH)

    def sums_of(self, num_channels: int) -> Tensor:
        """The sums themselves, for whoever adds rounded ones in place.

        Args:
            num_channels: Of the tensors.

        Returns:
            In 2^-4, and what is left in 2^-44, int64 of shape (2, D).

        Raises:
            ValueError: Other tensors had another number of channels.
        """
        self._expect(num_channels)
        return self.sums

    def merge(self, other: Self) -> None:
        """Add another's sums."""
        sums = other.state()["sums"]
        if sums.shape[1]:
            self.add_rounded(sums)

    def _expect(self, num_channels: int) -> None:
        """Refuse tensors of another width."""
        if self.sums.shape[1] not in (0, num_channels):
            raise ValueError(f"expected {self.sums.shape[1]} channels, got {num_channels}")
        if not self.sums.shape[1]:
            self.sums = torch.zeros((2, num_channels), dtype=torch.int64, device=self.sums.device)

    def state(self) -> State:
        """The sums in 2^-4, and what is left in 2^-44, shape (2, D)."""
        self._round()
        return {"sums": _carried(self.sums)}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self._partial.clear()
        self.sums = state["sums"].to(self.sums.device, copy=True)

    def result(self) -> Float64s:
        """The sums by channel, shape (D,), infinity where not known; empty before the first row."""
        self._round()
        return _values(self.sums)


def are_near(sums_2D: Tensor, others_2D: Tensor) -> bool:
    """Whether two states are those of the same rows, cut into partial sums in other ways.

    Args:
        sums_2D: One state's sums.
        others_2D: The other's.

    Returns:
        Whether they are equal but for what partial sums of up to 1,024 rows are rounded by.
    """
    if sums_2D.shape != others_2D.shape:
        return False
    return np.allclose(_values(sums_2D), _values(others_2D), rtol=2**-14, atol=2**-36)


def _values(sums_2D: Tensor) -> Float64s:
    """Sums as numbers, infinity where they are not known."""
    high, low = sums_2D.double()
    sums: Float64s = (high / (1 << HIGH_BITS) + low / (1 << LOW_BITS)).cpu().numpy()
    sums[sums >= MOST] = float("inf")
    return sums


def _carried(sums_2D: Tensor) -> Tensor:
    """The same sums with as little left in 2^-44 as can be."""
    high_D, low_D = sums_2D
    return torch.stack([high_D + (low_D >> CARRY), low_D & ((1 << CARRY) - 1)])

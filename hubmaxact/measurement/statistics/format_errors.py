"""Errors of formats that need tokens whole: a scale for each token, or for each block of channels.

Each value's error x - y is rounded to float32, squared and added up in float64 over one tensor;
these partial sums are kept, one for each tensor, and added up at the end, correctly rounded. So
the order of tensors does not matter, and what a tensor's own sum is off by is under 2^-40 of it.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from hubmaxact.deployed_formats import IN_PASS, DeployedFormat
from hubmaxact.measurement.rounding.tensors import as_bf16, rounded
from hubmaxact.measurement.statistics.accumulator import State


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatError:
    """What one format loses at a site, over the finite values of the evaluation split."""

    err_sq: float
    num_clipped: int
    num_underflowed: int  # values other than zero that become zero


class FormatErrors:
    """Squared errors, clipped and vanished values, for each of `IN_PASS`.

    Args:
        device: Where the site's tensors are.
    """

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.device = torch.device(device)
        self._err_sq: list[Tensor] = []  # (ways,) float64, one for each tensor
        self.numbers = torch.zeros((2, len(IN_PASS)), dtype=torch.int64, device=device)

    @torch.no_grad()
    def update(self, x_TD: Tensor, threshold: float | None) -> None:
        """Fold in a tensor of the evaluation split.

        Args:
            x_TD: Rows of channels, of any float dtype; non-finite values have no error.
            threshold: Largest |x| of the calibration split, where it is above zero. None: formats
                that need one lose nothing here, and nobody may ask for what they lose.
        """
        if not len(x_TD):
            return
        x = as_bf16(x_TD)
        found = [_error(x, way, threshold) for way in IN_PASS]
        err_sq, clipped, underflowed = (torch.stack(each) for each in zip(*found, strict=True))
        self.add(err_sq, torch.stack([clipped, underflowed]))

    def add(self, err_sq: Tensor, numbers: Tensor) -> None:
        """Fold in the sums of one tensor.

        Args:
            err_sq: Squared errors by way, float64, on this accumulator's device.
            numbers: Clipped values and vanished ones by way, shape (2, ways), integers.
        """
        self._err_sq.append(err_sq)
        self.numbers += numbers

    def merge(self, other: Self) -> None:
        """Add another's sums."""
        self._err_sq += [each.to(self.device) for each in other._err_sq]
        self.numbers += other.numbers.to(self.device)

    def state(self) -> State:
        """Sums by tensor, each way's in ascending order, (tensors, ways), and the numbers."""
        none = torch.zeros((0, len(IN_PASS)), dtype=torch.float64, device=self.device)
        err_sq = torch.stack(self._err_sq) if self._err_sq else none
        return {"err_sq": err_sq.sort(dim=0).values, "numbers": self.numbers}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self._err_sq = list(state["err_sq"].to(self.device, copy=True))
        self.numbers = state["numbers"].to(self.device, copy=True)

    def result(self) -> tuple[FormatError, ...]:
        """By way, in the order of `IN_PASS`."""
        held = self.state()
        sums = [math.fsum(column) for column in held["err_sq"].T.tolist()]
        clipped, underflowed = held["numbers"].tolist()
        return tuple(
            FormatError(err_sq=total, num_clipped=beyond, num_underflowed=vanished)
            for total, beyond, vanished in zip(sums, clipped, underflowed, strict=True)
        )


def _error(x: Tensor, way: DeployedFormat, threshold: float | None) -> tuple[Tensor, ...]:
    if way.has_threshold and threshold is None:
        none = torch.zeros((), dtype=torch.int64, device=x.device)
        return none.double(), none, none
    values, clipped = rounded(x, way, threshold)
    error = torch.where(x.isfinite(), x - values, 0.0).double()
    vanished = (x != 0) & (values == 0)
    return error.square().sum(), clipped.sum(), vanished.sum()

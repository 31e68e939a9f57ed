"""Errors of formats that need tokens whole: a scale for each token, or for each block of channels.

Each value's error x - y is rounded to float32, squared and added up in float64 over one tensor;
what each tensor adds is added up exactly, so the order of tensors does not matter, and what a
tensor's own sum is off by is under 2^-40 of it.
"""

import math
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from hubmaxact.deployed_formats import IN_PASS, DeployedFormat
from hubmaxact.measurement.rounding.tensors import as_bf16, rounded
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.exact_sums import digits, from_digits

STEP_BITS = 300
"""Squares of float32 values, and so sums of them, are multiples of 2^-298."""


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
        self.threshold: float | None = None  # of the tensors that come now, 0 for none
        self.numbers = torch.zeros((2, len(IN_PASS)), dtype=torch.int64, device=device)
        self._thresholds: set[float] = set()
        self._totals = [0] * len(IN_PASS)  # in steps of 2^-300
        self._err_sq: list[Tensor] = []  # of tensors that are not in the totals yet

    def fix(self, threshold: float | None) -> None:
        """Say what the tensors that follow are rounded at; None: there is none above zero."""
        self.threshold = threshold or 0.0
        self._thresholds.add(self.threshold)

    @torch.no_grad()
    def update(self, x_TD: Tensor, threshold: float | None = None) -> None:
        """Fold in a tensor of the evaluation split.

        Args:
            x_TD: Rows of channels, of any float dtype; non-finite values have no error.
            threshold: Largest |x| of the calibration split, above zero. None: the one that was
                fixed; where there is none, formats that need one lose nothing here, and nobody may
                ask for what they lose.
        """
        if not len(x_TD):
            return
        x = as_bf16(x_TD)
        found = [_error(x, way, threshold or self.threshold or None) for way in IN_PASS]
        err_sq, clipped, underflowed = (torch.stack(each) for each in zip(*found, strict=True))
        self.add(err_sq, torch.stack([clipped, underflowed]))

    def add(self, err_sq: Tensor, numbers: Tensor) -> None:
        """Fold in the sums of one tensor.

        Args:
            err_sq: Squared errors by way, float64, on this accumulator's device.
            numbers: Clipped values and vanished ones by way, shape (2, ways), integers.
        """
        # Brought into the totals when they are asked for: that waits for the device.
        self._err_sq.append(err_sq)
        self.numbers += numbers

    def _settle(self) -> None:
        if not self._err_sq:
            return
        for row in torch.stack(self._err_sq).tolist():
            for way, err_sq in enumerate(row):
                self._totals[way] += int(math.ldexp(err_sq, STEP_BITS))
        self._err_sq.clear()

    def merge(self, other: Self) -> None:
        """Add another's sums."""
        self._settle()
        other._settle()
        self._totals = [sum(both) for both in zip(self._totals, other._totals, strict=True)]
        self._thresholds |= other._thresholds
        self.numbers += other.numbers.to(self.device)

    def state(self) -> State:
        """The sums as digits of 32 bits, the lowest one first, the numbers, and thresholds."""
        self._settle()
        rows = torch.tensor([digits(total) for total in self._totals], device=self.device)
        seen = torch.tensor(sorted(self._thresholds), dtype=torch.float64, device=self.device)
        return {"err_sq": rows, "numbers": self.numbers, "thresholds": seen}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self._err_sq.clear()
        self._totals = [from_digits(row) for row in state["err_sq"].tolist()]
        self._thresholds, self.threshold = set(state["thresholds"].tolist()), None
        self.numbers = state["numbers"].to(self.device, copy=True)

    def expect(self, threshold: float | None) -> None:
        """Refuse errors that were made at another threshold.

        Args:
            threshold: What the calibration split gives; None: none above zero.

        Raises:
            ValueError: Values were folded in before it was known, or at another one.
        """
        for seen in self._thresholds - {threshold or 0.0}:
            raise ValueError(f"errors at threshold {seen or None}, expected {threshold}")

    def result(self) -> tuple[FormatError, ...]:
        """By way, in the order of `IN_PASS`."""
        self._settle()
        clipped, underflowed = self.numbers.tolist()
        return tuple(
            FormatError(
                err_sq=total / (1 << STEP_BITS), num_clipped=beyond, num_underflowed=vanished
            )
            for total, beyond, vanished in zip(self._totals, clipped, underflowed, strict=True)
        )


def are_near(rows: Tensor, others: Tensor) -> bool:
    """Whether two states' sums are those of the same tensors, each added up in another order.

    Args:
        rows: One state's `err_sq`.
        others: The other's.

    Returns:
        Whether they are equal but for 1e-12 of themselves.
    """
    pairs = zip(rows.tolist(), others.tolist(), strict=True)
    return all(
        abs(one - other) <= max(one, other) // 10**12
        for one, other in (map(from_digits, pair) for pair in pairs)
    )


def _error(x: Tensor, way: DeployedFormat, threshold: float | None) -> tuple[Tensor, ...]:
    if way.has_threshold and threshold is None:
        none = torch.zeros((), dtype=torch.int64, device=x.device)
        return none.double(), none, none
    values, clipped = rounded(x, way, threshold)
    error = torch.where(x.isfinite(), x - values, 0.0).double()
    vanished = (x != 0) & (values == 0)
    return error.square().sum(), clipped.sum(), vanished.sum()

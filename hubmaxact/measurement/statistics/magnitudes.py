"""Counts of magnitudes: what signs leave of counted values, and what rounding them loses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np
import torch

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.rounding.tensors import rounded
from hubmaxact.measurement.statistics.distribution import Bins, Float64s, Int64s
from hubmaxact.measurement.statistics.format_errors import FormatError
from hubmaxact.measurement.statistics.rounded_sum import rounded_sum

FRACTION_BITS = 7  # of bf16
EXPONENTS, FRACTIONS = 1 << 8, 1 << FRACTION_BITS


@cache
def magnitude_grid() -> Float64s:
    """The magnitudes of bf16 by exponent and fraction, shape (256, 128); the last row is zero."""
    patterns = np.arange(EXPONENTS * FRACTIONS, dtype=np.uint32) << 16
    patterns[-FRACTIONS:] = 0  # no numbers
    return patterns.view(np.float32).astype(np.float64).reshape(EXPONENTS, FRACTIONS)


@dataclass(frozen=True, slots=True, eq=False)
class Magnitudes:
    """Distinct |x| above zero of one tensor, ascending, how often each occurs, and their places.

    Every format rounds x and -x alike, so signs are dropped; zeros lose nothing.
    """

    values: Float64s
    counts: Int64s
    patterns: Int64s  # bits of each as bf16

    @classmethod
    def of(cls, bins: Bins) -> Self:
        """Drop the signs of counted values, which are bf16 values."""
        patterns = np.abs(bins.values).astype(np.float32).view(np.uint32) >> 16
        # Counts stay far below 2^53, so float64 holds their sums exactly.
        found = np.bincount(patterns, weights=bins.counts, minlength=1)
        found[0] = 0
        seen = np.flatnonzero(found)
        return cls(magnitude_grid().ravel()[seen], found[seen].astype(np.int64), seen)

    @property
    def largest(self) -> float | None:
        """The largest; None where all is zero."""
        return float(self.values[-1]) if len(self.values) else None

    @property
    def sum_sq(self) -> float:
        """Sum of x^2, correctly rounded."""
        return rounded_sum(self.values * self.values * self.counts)

    def errors(self, asked: Sequence[tuple[DeployedFormat, float | None]]) -> list[FormatError]:
        """Return what rounding loses, each way.

        Args:
            asked: Ways that have a single scale for the tensor, each with the |x| that maps to its
                largest code, above zero; None where the way has none.

        Returns:
            Each error is rounded to float32; their squares are added up in float64.
        """
        if not asked:
            return []
        x = torch.from_numpy(self.values.astype(np.float32))
        found = [rounded(x[None], way, threshold) for way, threshold in asked]
        y = torch.cat([each.values for each in found])
        lost = (x - y).numpy().astype(np.float64)
        clipped = torch.cat([each.clipped for each in found]).numpy()
        numbers = [
            np.where(mask, self.counts, 0).sum(axis=1) for mask in (clipped, (y == 0).numpy())
        ]
        return [
            FormatError(err_sq=err_sq, num_clipped=beyond, num_underflowed=vanished)
            for err_sq, beyond, vanished in zip(
                (lost * lost * self.counts).sum(axis=1).tolist(),
                *(each.tolist() for each in numbers),
                strict=True,
            )
        ]

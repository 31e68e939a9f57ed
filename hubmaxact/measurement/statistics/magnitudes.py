"""Counts of magnitudes: what signs leave of counted values, and what rounding them loses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Self

import numpy as np

from hubmaxact.deployed_formats import DeployedFormat
from hubmaxact.measurement.rounding.one_scale import rounded_at
from hubmaxact.measurement.rounding.tensors import LARGEST_CODE
from hubmaxact.measurement.statistics.distribution import Bins, Float32s, Float64s, Int64s
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
        """Return what rounding loses, each way; those of one format are rounded at once.

        Args:
            asked: Ways that have a single scale for the tensor, each with the |x| that maps to its
                largest code, above zero; None where the way has none.

        Returns:
            Each error is rounded to float32; their squares are added up in float64.
        """
        found: dict[int, FormatError] = {}
        for name in dict.fromkeys(way.format for way, _ in asked):
            places = [place for place, (way, _) in enumerate(asked) if way.format == name]
            reaches = np.array([_reach(*asked[place]) for place in places], np.float32)
            found |= zip(places, self._errors_of(name, reaches), strict=True)
        return [found[place] for place in range(len(asked))]

    def _errors_of(self, name: str, reaches: Float32s) -> Iterator[FormatError]:
        """What rounding to one format loses, where its largest code stands for these |x|."""
        x = self.values.astype(np.float32)
        y = rounded_at(x, name, reaches)
        lost = (x - y).astype(np.float64)
        lost *= lost
        lost *= self.counts
        # Rounding keeps order: what vanishes comes first, what is clipped last.
        below = np.concatenate([[0], np.cumsum(self.counts)])
        clipped = below[-1] - below[np.searchsorted(x, reaches, side="right")]
        vanished = below[np.count_nonzero(y == 0, axis=1)]
        each = (numbers.tolist() for numbers in (lost.sum(axis=1), clipped, vanished))
        for err_sq, num_clipped, num_underflowed in zip(*each, strict=True):
            yield FormatError(
                err_sq=err_sq, num_clipped=num_clipped, num_underflowed=num_underflowed
            )


def _reach(way: DeployedFormat, threshold: float | None) -> float:
    """The |x| that the largest code stands for; without a scale it stands for itself."""
    if not way.has_threshold:
        return LARGEST_CODE[way.format]
    if not threshold:
        raise ValueError(f"{way.name} needs a threshold above zero, found {threshold}")
    return threshold

"""A histogram: how often each of the 65,536 bf16 values occurs at a site.

Exact and order-free: counts add, so batches, shards and devices merge to the same bits in any
order, and every statistic that depends on values alone follows afterwards.
"""

import math
from collections.abc import Iterable
from functools import cache
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.counts import add, seen, zeros
from hubmaxact.measurement.statistics.distribution import Bins, Distribution, Float64s, Int64s
from hubmaxact.measurement.statistics.nan_and_inf import NanAndInf
from hubmaxact.measurement.statistics.rounded_sum import rounded_sum, rounded_total

NUM_PATTERNS = 65_536
INFINITE, NEGATIVE = 0x7F80, 0x8000
"""Patterns of infinity and of the negative zero."""


@cache
def pattern_values() -> Float64s:
    """The value of each bf16 bit pattern, shape (65536,), exact in float64."""
    patterns = np.arange(NUM_PATTERNS, dtype=np.uint32) << 16
    with np.errstate(invalid="ignore"):  # widening a signalling NaN quiets it, and says so
        return patterns.view(np.float32).astype(np.float64)


class Bf16Histogram:
    """Exact signed counts of bf16 values, on the tensor's own device."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.counts = zeros(NUM_PATTERNS, device=device)

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Fold in a bf16 tensor of any shape."""
        if x.dtype != torch.bfloat16:
            raise ValueError(f"expected bfloat16, got {x.dtype}")
        patterns = x.view(torch.uint16).flatten().to(torch.int32)
        self.counts += torch.bincount(patterns, minlength=NUM_PATTERNS)

    def merge(self, other: Self) -> None:
        """Add another histogram's counts."""
        add(self.counts, other.counts)

    def state(self) -> State:
        """The counts."""
        return {"counts": self.counts}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.counts = zeros(NUM_PATTERNS, device=self.counts.device)
        add(self.counts, state["counts"])

    def bins(self) -> Bins:
        """Distinct finite values and their counts; both zeros are one value."""
        return self.bins_with(())

    def bins_with(self, others: Iterable[Self]) -> Bins:
        """The bins of this one and of others, which stay as they are."""
        return _bins(*self._seen(others))

    def abs_max(self) -> float | None:
        """The largest finite |x|; None when none was seen."""
        values = self.bins().values
        return float(max(-values[0], values[-1])) if len(values) else None

    def result(self) -> Distribution:
        """Every statistic, from the counts alone."""
        return self.result_with(())

    def result_with(self, others: Iterable[Self]) -> Distribution:
        """The result of this one and of others, which stay as they are."""
        patterns, counts = self._seen(others)
        magnitudes = patterns & (NEGATIVE - 1)
        not_finite = NanAndInf(
            int(counts[magnitudes > INFINITE].sum()), int(counts[magnitudes == INFINITE].sum())
        )
        bins = _bins(patterns, counts)
        return from_bins(bins, count=int(counts.sum()), not_finite=not_finite)

    def _seen(self, others: Iterable[Self]) -> tuple[Int64s, Int64s]:
        """Patterns that were seen, ascending, and their counts."""
        return seen([self.counts, *(other.counts for other in others)])


def _bins(patterns: Int64s, counts: Int64s) -> Bins:
    """Finite values, each once, of ascending patterns."""
    most, least, lowest = np.searchsorted(patterns, (INFINITE, NEGATIVE, NEGATIVE + INFINITE))
    both = most and least < lowest and patterns[0] == patterns[least] - NEGATIVE == 0
    first = least + 1 if both else least  # of the negative ones; two zeros are one value
    ascending, numbers = (
        np.concatenate([each[first:lowest][::-1], each[:most]]) for each in (patterns, counts)
    )
    if both:
        numbers[lowest - first] += counts[least]
    return Bins(pattern_values()[ascending] + 0.0, numbers)


def from_bins(bins: Bins, *, count: int, not_finite: NanAndInf) -> Distribution:
    """Statistics of exact counts; sums are correctly rounded."""
    values, counts = bins.values, bins.counts
    num_finite = int(counts.sum())
    total, abs_total, square_total = _sums(values, counts)
    mean = total / num_finite if num_finite else None
    return Distribution(
        count=count,
        num_nan=not_finite.num_nan,
        num_inf=not_finite.num_inf,
        num_zeros=int(counts[values == 0.0].sum()),
        num_ties=int(counts[np.abs(values) == np.abs(values).max()].sum()) if num_finite else 0,
        min=float(values[0]) if num_finite else None,
        max=float(values[-1]) if num_finite else None,
        mean=mean,
        std=_std(values, counts, mean),
        abs_total=abs_total,
        square_total=square_total,
        bins=bins,
    )


def _sums(values: Float64s, counts: Int64s) -> tuple[float, float, float]:
    """Sums of x, |x| and x^2; a bf16 value is an integer of 8 bits times a power of two.

    Integers are added by sign and exponent, neighbours in ascending values. That is exact for up to
    2^47 values.
    """
    if not len(values):
        return 0.0, 0.0, 0.0
    fractions, exponents = np.frexp(values)
    integers = (fractions * 256).astype(np.int64)
    is_first = np.diff(exponents, prepend=np.iinfo(np.int32).min) != 0
    is_first[np.searchsorted(values, [0.0], side="right") % len(values)] = True
    first = np.flatnonzero(is_first)
    sums = np.add.reduceat(integers * counts, first)
    squares = np.add.reduceat(integers * integers * counts, first)
    places = exponents[first].astype(np.int64) - 8
    return (
        rounded_total(sums, places),
        rounded_total(np.abs(sums), places),
        rounded_total(squares, 2 * places),
    )


def _std(values: Float64s, counts: Int64s, mean: float | None) -> float | None:
    if mean is None:
        return None
    deviations = values - mean
    return math.sqrt(rounded_sum(deviations * deviations * counts) / int(counts.sum()))

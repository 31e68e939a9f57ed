"""Maxima as cells of bf16: each stands for all that rounds to it, so that ties are no surprise.

A pattern is a positive bf16 number's bits as an integer; patterns ascend as values do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

LAST_PATTERN = 0x7F7F
HALF_STEP = 0x8000  # in bits of float32


def pattern_at_least(value: float) -> int:
    """Return the pattern of the smallest bf16 number that is not below a positive value."""
    bits = int(np.float32(value).view(np.int32))
    return min(-(-bits // (1 << 16)), LAST_PATTERN)


def value_of(pattern: int) -> float:
    """Return the number that a pattern stands for."""
    return float(np.int32(pattern << 16).view(np.float32))


def upper_edges(patterns: Int64s) -> Float64s:
    """Return where cells end: halfway to the next number."""
    return _float32((patterns << 16) + HALF_STEP)


def _float32(bits: Int64s) -> Float64s:
    return bits.astype(np.int32).view(np.float32).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Exceedances:
    """The largest of several values, from the cell of one of them upwards.

    C cells, from that of the threshold to that of the largest value, ascending, empty ones too.
    """

    threshold: float  # where the first cell begins
    lower_C: Float64s  # edges above the threshold
    upper_C: Float64s
    counts_C: Int64s

    @property
    def number(self) -> int:
        """How many values."""
        return int(self.counts_C.sum())

    @property
    def num_distinct(self) -> int:
        """How many cells hold any."""
        return int((self.counts_C > 0).sum())

    @property
    def mean(self) -> float:
        """The mean excess over the threshold, each value in the middle of its cell."""
        middle_C = (self.lower_C + self.upper_C) / 2
        return float((middle_C * self.counts_C).sum() / self.number)


def exceedances(values: Sequence[float], wanted: int) -> Exceedances:
    """Return the `wanted` largest values, and what shares a cell with the last of them.

    Args:
        values: Not negative, in units of activations.
        wanted: At most as many as there are.

    Returns:
        Cells that hold at least as many values.
    """
    patterns = _nearest(np.asarray(values, np.float64))
    first = int(np.sort(patterns)[-wanted])
    counts = np.bincount(patterns[patterns >= first] - first)
    upper = upper_edges(np.arange(first, first + len(counts)))
    # Below the smallest number there is none to be halfway to.
    threshold = float(upper_edges(np.array([first - 1]))[0]) if first else 0.0
    edges = np.concatenate([[0.0], upper - threshold])
    return Exceedances(threshold, edges[:-1], edges[1:], counts)


def _nearest(values: Float64s) -> Int64s:
    """The pattern of each value, ties to even."""
    bits = values.astype(np.float32).view(np.int32).astype(np.int64)
    patterns = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16
    return np.asarray(np.minimum(patterns, LAST_PATTERN), np.int64)

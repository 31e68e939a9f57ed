"""The expected maximum of a random subset of texts, of any size, without drawing one.

Of N values, a subset of n misses the j largest with probability

    prod over i < j of (N - n - i) / (N - i),

and its maximum falls short of the largest by the sum of the gaps that it has missed.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MOST_SIZES = 16


def halved_sizes(num_values: int) -> list[int]:
    """Return sizes from the whole down by halves to one value, ascending, `MOST_SIZES` at most."""
    sizes = [num_values]
    while sizes[0] > 1 and len(sizes) < MOST_SIZES:
        sizes.insert(0, sizes[0] // 2)
    return sizes if num_values else []


def expected_maximum(values: Sequence[float], size: int) -> float:
    """Return the mean, over every subset of one size, of its largest value.

    Args:
        values: At least one, not negative.
        size: Of a subset, drawn without replacement; from 1 to all of them.

    Returns:
        It is within (2 N + 4) 2^-53 of the largest value off the exact mean, never above the
        largest, and never smaller for a larger size.
    """
    ordered = np.sort(np.asarray(values, np.float64))[::-1]
    gaps = ordered[:-1] - ordered[1:]
    shortfall = math.fsum(gaps * _missed(len(ordered), size))
    return float(ordered[0]) - shortfall


def _missed(num_values: int, size: int) -> npt.NDArray[np.float64]:
    """Probability that a subset misses all of the 1, 2, ... N - 1 largest values."""
    largest = np.arange(num_values - 1, dtype=np.float64)
    share = np.maximum(num_values - size - largest, 0.0) / (num_values - largest)
    return np.asarray(np.cumprod(share), np.float64)

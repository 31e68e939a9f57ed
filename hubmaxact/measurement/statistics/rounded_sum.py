"""Correctly rounded sums of many float64 values: as `math.fsum`, several times as fast."""

from fractions import Fraction

import numpy as np

from hubmaxact.measurement.statistics.distribution import Float64s

MANTISSA = 53  # bits of a float64's significand
HALF = 26  # of its lower half
MOST = 1 << 26  # values: sums of halves stay below 2^53, so float64 holds them exactly


def rounded_sum(x: Float64s) -> float:
    """Add finite values without any rounding, and round once.

    A value is an integer times a power of two. Integers are added by exponent, in halves; the few
    sums leave as one fraction. So the result does not depend on the order.

    Args:
        x: Finite values, fewer than 2^26, any shape.

    Returns:
        The float64 nearest to the exact sum.

    Raises:
        ValueError: There are more values.
        OverflowError: The sum is beyond float64.
    """
    if x.size >= MOST:
        raise ValueError(f"expected fewer than 2^26 values, got {x.size}")
    if x.size == 0:
        return 0.0
    fractions, exponents = np.frexp(x.ravel())
    integers = np.ldexp(fractions, MANTISSA).astype(np.int64)
    lowest = int(exponents.min())
    places = exponents - lowest
    high = np.bincount(places, weights=integers >> HALF)
    low = np.bincount(places, weights=integers & ((1 << HALF) - 1))
    total = 0
    for place, (upper, lower) in enumerate(zip(high.tolist(), low.tolist(), strict=True)):
        if upper or lower:
            total += ((int(upper) << HALF) + int(lower)) << place
    return float(total * Fraction(2) ** (lowest - MANTISSA))

"""Correctly rounded sums of many float64 values: as `math.fsum`, several times as fast."""

import numpy as np

from hubmaxact.measurement.statistics.distribution import Float64s

MANTISSA = 52  # stored bits of a float64's significand
BIAS = 1075  # value = integer * 2^(exponent - 1075), 1023 for the bias and 52 for the fraction
HALF = 26  # bits of an integer's lower half
MOST = 1 << 26  # values: sums of halves stay below 2^53, so float64 holds them exactly


def rounded_sum(x: Float64s) -> float:
    """Add finite values without any rounding, and round once.

    A value is an integer times a power of two. Integers are added by exponent, in halves; the few
    sums leave as one integer. So the result does not depend on the order.

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
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.int64).ravel()
    exponents = (bits >> MANTISSA) & 0x7FF
    integers = bits & ((1 << MANTISSA) - 1)
    integers |= (exponents > 0).astype(np.int64) << MANTISSA
    np.maximum(exponents, 1, out=exponents)  # subnormals share the smallest exponent
    np.negative(integers, out=integers, where=bits < 0)
    lowest = int(exponents.min(initial=0x7FF))
    exponents -= lowest
    high = np.bincount(exponents, weights=integers >> HALF).tolist()
    low = np.bincount(exponents, weights=integers & ((1 << HALF) - 1)).tolist()
    total = 0
    for place, (upper, lower) in enumerate(zip(high, low, strict=True)):
        total += ((int(upper) << HALF) + int(lower)) << place
    apart = lowest - BIAS
    return float(total << apart) if apart > 0 else total / (1 << -apart)  # both round once

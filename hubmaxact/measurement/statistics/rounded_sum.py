"""Sums without any rounding until the end: as `math.fsum`, many times as fast.

A float is an integer times a power of two. Integers are added by exponent, in halves that float64
holds exactly; the few sums leave as one integer. So the result does not depend on the order.
"""

from collections.abc import Sequence

import numpy as np

from hubmaxact.measurement.statistics.distribution import Float64s, Int64s

MANTISSA = 52  # stored bits of a float64's significand
BIAS = 1075  # value = integer * 2^(exponent - 1075), 1023 for the bias and 52 for the fraction
HALF = 26  # bits of an integer's lower half
FEW = 256  # integers: adding them up one by one takes less than sorting them by exponent
MOST = 1 << 23  # integers: sums of halves, of 30 bits at most, stay below 2^53


def rounded_sum(x: Float64s) -> float:
    """Add finite values.

    Args:
        x: Finite values, fewer than 2^23, any shape.

    Returns:
        The float64 nearest to the exact sum.

    Raises:
        ValueError: There are more values.
        OverflowError: The sum is beyond float64.
    """
    bits = np.ascontiguousarray(x, dtype=np.float64).view(np.int64).ravel()
    exponents = (bits >> MANTISSA) & 0x7FF
    integers = bits & ((1 << MANTISSA) - 1)
    integers |= (exponents > 0).astype(np.int64) << MANTISSA
    np.maximum(exponents, 1, out=exponents)  # subnormals share the smallest exponent
    np.negative(integers, out=integers, where=bits < 0)
    return rounded_total(integers, exponents - BIAS)


def rounded_total(integers: Int64s, exponents: Int64s) -> float:
    """Add integers times powers of two.

    Args:
        integers: Of at most 56 bits beside the sign, fewer than 2^23, or of 63 bits, fewer than
            2^16; shape (n,).
        exponents: Of two, shape (n,).

    Returns:
        The float64 nearest to the sum of integer * 2^exponent.

    Raises:
        ValueError: There are more integers.
        OverflowError: The sum is beyond float64.
    """
    if len(integers) >= MOST:
        raise ValueError(f"expected fewer than 2^23 values, got {len(integers)}")
    if len(integers) <= FEW:
        return _rounded(integers.tolist(), exponents.tolist())
    apart = int(exponents.min(initial=0))
    places = exponents - apart
    high = np.bincount(places, weights=integers >> HALF).tolist()
    low = np.bincount(places, weights=integers & ((1 << HALF) - 1)).tolist()
    sums = [(int(upper) << HALF) + int(lower) for upper, lower in zip(high, low, strict=True)]
    return _rounded(sums, range(apart, apart + len(sums)))


def _rounded(integers: Sequence[int], exponents: Sequence[int]) -> float:
    """The same of Python's own integers, one by one."""
    apart = min(exponents, default=0)
    total = 0
    for integer, exponent in zip(integers, exponents, strict=True):
        if integer:
            total += integer << (exponent - apart)
    return float(total << apart) if apart > 0 else total / (1 << -apart)  # either rounds once

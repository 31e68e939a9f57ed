"""Facts about number formats: the largest finite value of each, and one bf16 step.

Knows no tensors. Values: IEEE 754 and OCP 8-bit floating point (OFP8).
"""

import math

LARGEST_FINITE = {
    "float16": 65504.0,
    "bfloat16": 3.3895313892515355e38,
    "float8_e4m3fn": 448.0,
    "float8_e5m2": 57344.0,
}
"""The largest finite value of each format a report speaks about."""

BF16_MANTISSA_BITS = 7


def bf16_step(value: float) -> float:
    """The distance from |value| to the next larger bf16 value (normal range)."""
    if value == 0.0:
        return math.ldexp(1.0, -133)
    _, exponent = math.frexp(abs(value))
    return math.ldexp(1.0, max(exponent - 1, -126) - BF16_MANTISSA_BITS)

"""Facts about number formats: the largest finite value of each, one bf16 step, and the INT8 check.

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

FP16_LIMIT = LARGEST_FINITE["float16"]

INT8_LEVELS = 127
INT8_CONVENTION = (
    "symmetric, scale = threshold / 127, round half to even, clamp to [-127, 127]; "
    "clipped: |x| > threshold"
)
INT8_POLICIES = ("max_abs", "clip_q0.999")
INT8_LABEL = "diagnostic, as in arXiv:2605.15572"
"""How a report rounds to INT8, from which thresholds, and what the result may be used for."""

BF16_MANTISSA_BITS = 7


def bf16_step(value: float) -> float:
    """The distance from |value| to the next larger bf16 value (normal range)."""
    if value == 0.0:
        return math.ldexp(1.0, -133)
    _, exponent = math.frexp(abs(value))
    return math.ldexp(1.0, max(exponent - 1, -126) - BF16_MANTISSA_BITS)

"""Facts about number formats: names, the largest finite value of each, a bf16 step, the INT8 check.

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

SHORT_NAMES = {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}
"""What people call a format that a forward pass may run in."""

OTHER_NAMES = {
    **{short: long for long, short in SHORT_NAMES.items()},
    "f16": "float16",
    "half": "float16",
    "f32": "float32",
    "float": "float32",
    "fp8_e4m3": "float8_e4m3fn",
    "fp8_e5m2": "float8_e5m2",
}
"""What else the formats are called: in model cards, by engines and by torch."""

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


def full_name(name: object) -> str:
    """The name that a report has for a number format.

    Args:
        name: Any name of it in any case, such as "bf16", or torch's own object.

    Returns:
        Such as "bfloat16"; what is no other name of a format comes back as it is.
    """
    said = str(name).removeprefix("torch.").lower()
    known = {*SHORT_NAMES, *LARGEST_FINITE}
    return OTHER_NAMES.get(said) or (said if said in known else str(name))


def bf16_step(value: float) -> float:
    """The distance from |value| to the next larger bf16 value (normal range)."""
    if value == 0.0:
        return math.ldexp(1.0, -133)
    _, exponent = math.frexp(abs(value))
    return math.ldexp(1.0, max(exponent - 1, -126) - BF16_MANTISSA_BITS)

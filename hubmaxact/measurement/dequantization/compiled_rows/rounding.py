"""A row of float32 rounded to 16 bits, to nearest and ties to even, in integers alone.

No float instruction takes part, so neither its mode nor a flush of subnormal numbers matters.
"""

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled

u16, u32, i32 = np.uint16, np.uint32, np.int32

MAGNITUDE, INFINITE, FRACTION = u32(0x7FFFFFFF), u32(0x7F800000), u32(0x7FFFFF)
HALF_INFINITE, HALF_NAN = u32(0x7C00), u32(0x7E00)
BEYOND_HALF = u32(0x47800000)  # 65,536, which no rounding brings down
NORMAL_HALF = u32(0x38800000)  # 2^-14
REBIAS = u32(112 << 23)  # exponents of float32 over those of fp16
LAST_SUBNORMAL = i32(126)  # exponent at which a fraction would be shifted by nothing


@compiled
def to_bf16(row: Array, out: Array, nan: int) -> None:
    """Round to bf16.

    Args:
        row: float32.
        out: Bits, uint16.
        nan: What a NaN becomes.
    """
    bits = row.view(np.uint32)
    for i in range(bits.shape[0]):
        x = bits[i]
        rounded = u32(x + u32(0x7FFF) + ((x >> u32(16)) & u32(1))) >> u32(16)
        out[i] = u16(rounded) if (x & MAGNITUDE) <= INFINITE else u16(nan)


@compiled
def to_fp16(row: Array, out: Array) -> None:
    """Round to fp16; a NaN keeps its sign and the bits of its fraction that there is room for.

    Args:
        row: float32.
        out: Bits, uint16.
    """
    bits = row.view(np.uint32)
    for i in range(bits.shape[0]):
        x = bits[i]
        sign, m = (x >> u32(16)) & u32(0x8000), x & MAGNITUDE
        # Subnormal in fp16: the fraction with its leading bit, shifted until it is one.
        shift = u32(min(max(LAST_SUBNORMAL - i32(m >> u32(23)), i32(1)), i32(31)))
        whole = (m & FRACTION) | u32(0x800000)
        small = (
            whole + ((u32(1) << (shift - u32(1))) - u32(1)) + ((whole >> shift) & u32(1))
        ) >> shift
        normal = u32(m - REBIAS + u32(0xFFF) + ((m >> u32(13)) & u32(1))) >> u32(13)
        half = normal if m >= NORMAL_HALF else small
        half = half if m < BEYOND_HALF else HALF_INFINITE
        half = half if m <= INFINITE else HALF_NAN | ((m >> u32(13)) & u32(0x3FF))
        out[i] = u16(sign | half)

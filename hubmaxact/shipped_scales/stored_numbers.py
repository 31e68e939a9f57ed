"""Numbers from the bytes of a small tensor; the base install has no library that knows them all."""

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberKind:
    """How a dtype's bytes are read.

    Attributes:
        num_bytes: Of one number.
        read: All numbers of a tensor's bytes.
        rounding: The largest relative error of a number that was rounded to it.
    """

    num_bytes: int
    read: Callable[[bytes], Iterator[float]]
    rounding: float


def _unpacked(code: str) -> Callable[[bytes], Iterator[float]]:
    def read(content: bytes) -> Iterator[float]:
        return (float(number) for (number,) in struct.iter_unpack(f"<{code}", content))

    return read


def _bf16(content: bytes) -> Iterator[float]:
    """The upper half of a float32 each."""
    whole = bytearray(2 * len(content))
    whole[2::4], whole[3::4] = content[0::2], content[1::2]
    return _unpacked("f")(bytes(whole))


def _e4m3(content: bytes) -> Iterator[float]:
    """OFP8 E4M3: bias 7, no infinity, NaN in the last code."""
    for byte in content:
        exponent, mantissa = byte >> 3 & 15, byte & 7
        magnitude = math.ldexp(mantissa + 8 * (exponent > 0), max(exponent, 1) - 10)
        number = math.nan if byte & 127 == 127 else magnitude
        yield -number if byte & 128 else number


def _e8m0(content: bytes) -> Iterator[float]:
    """Powers of two; the last code is NaN."""
    for byte in content:
        yield math.nan if byte == 255 else math.ldexp(1.0, byte - 127)


NUMBER_KINDS = {
    "F64": NumberKind(8, _unpacked("d"), 2.0**-53),
    "F32": NumberKind(4, _unpacked("f"), 2.0**-24),
    "F16": NumberKind(2, _unpacked("e"), 2.0**-11),
    "BF16": NumberKind(2, _bf16, 2.0**-8),
    "F8_E4M3": NumberKind(1, _e4m3, 2.0**-4),
    "F8_E8M0": NumberKind(1, _e8m0, 0.5),
}
"""Dtypes that scales of activations are stored in; no other is taken for a scale."""


def numbers_in(dtype: str, content: bytes) -> tuple[float, ...]:
    """Return the numbers that a tensor holds.

    Args:
        dtype: A key of NUMBER_KINDS.
        content: The tensor's bytes, row-major.

    Returns:
        One number each, NaN and infinities as they are.
    """
    return tuple(NUMBER_KINDS[dtype].read(content))

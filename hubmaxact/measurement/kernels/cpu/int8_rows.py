"""INT-8 rounding errors of rows of float32 bits, added up exactly by exponent."""

import numpy as np

from hubmaxact.formats import INT8_LEVELS
from hubmaxact.measurement.loops.compiled import Array, compiled

u32, i32, i64 = np.uint32, np.int32, np.int64

INFINITE = i32(0x7F800000)
HALF = 24  # bits of a half of m^2
BLOCK = 32_768  # squares of 24-bit mantissas whose sum fits 63 bits
LEVELS = float(INT8_LEVELS)
CLIPPED, FINITE = 0, 1


@compiled
def _round(values: Array, threshold: float, errors: Array, numbers: Array) -> None:
    """Bits of the |error| of each value, 0 where it is not finite, and how many lie beyond."""
    scale = threshold / LEVELS
    clipped, finite = i32(0), i32(0)
    for i in range(values.shape[0]):
        real = i32(values[i] & i32(0x7FFFFFFF)) < INFINITE
        value = np.float64(i32(values[i]).view(np.float32))
        level = min(max(np.rint(value / scale), -LEVELS), LEVELS)
        error = np.float32(value - level * scale)
        errors[i] = i32(error.view(i32) & i32(0x7FFFFFFF)) if real else i32(0)
        clipped = i32(clipped + i32((abs(value) > threshold) & real))
        finite = i32(finite + i32(real))
    numbers[CLIPPED] += clipped
    numbers[FINITE] += finite


@compiled
def _add_up(errors: Array, size: int, linear: Array, squares: Array) -> None:
    """By exponent; neighbours often share one, so there are four places to go.

    Unsigned indices need no look at whether they count from the end.
    """
    for i in range(size):
        bits = u32(errors[i])
        exponent = bits >> u32(23)
        mantissa = i64(bits & u32(0x7FFFFF)) | (i64(exponent != u32(0)) << 23)
        linear[i & 3, exponent] += mantissa
        squares[i & 3, exponent] += mantissa * mantissa


@compiled
def _flush(linear: Array, squares: Array, sums: Array) -> None:
    for exponent in range(256):
        for part in range(4):
            sums[0, exponent] += linear[part, exponent]
            sums[1, exponent] += squares[part, exponent] >> HALF
            sums[2, exponent] += squares[part, exponent] & ((1 << HALF) - 1)
            linear[part, exponent] = 0
            squares[part, exponent] = 0


@compiled
def fold_int8(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    threshold: float,
    sums: Array,
    numbers: Array,
    room: tuple[Array, Array, Array],
) -> None:
    """Fold in the errors of rows at one threshold.

    Args:
        values: Bits of all the tensor's memory.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        threshold: What the largest level stands for.
        sums: Rows: mantissas of |error|, high and low halves of their squares; by exponent, added
            to.
        numbers: Of values beyond the threshold, and of finite ones, added to.
        room: Sums by exponent in four parts, of mantissas and of their squares, all zero; BLOCK
            values.
    """
    linear, squares, errors = room
    pending = 0
    for t in range(rows.shape[0]):
        for first in range(0, width, BLOCK):
            size = min(BLOCK, width - first)
            start = rows[t] * stride + first
            if pending + size > BLOCK:
                _flush(linear, squares, sums)
                pending = 0
            _round(values[start : start + size], threshold, errors, numbers)
            _add_up(errors, size, linear, squares)
            pending += size
    _flush(linear, squares, sums)

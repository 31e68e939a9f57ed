"""Rows of bits: sums of the squares of each channel, rounded as `ChannelSquares` rounds them."""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled
from hubmaxact.measurement.statistics.channel_squares import CARRY, HIGH_BITS, LOW_BITS, MOST

f32, f64, i32, i64 = np.float32, np.float64, np.int32, np.int64

IN_HIGH, IN_LOW, HIGH_IN_LOW = float(1 << HIGH_BITS), float(1 << LOW_BITS), float(1 << CARRY)


@compiled
def fold_squares(
    values: Array,
    shift: Any,
    stride: int,
    width: int,
    rows: Array,
    sums: Array,
    room: tuple[Array, Array],
) -> None:
    """Fold in one partial sum of each channel: that of the squares of rows of bf16 or float32 bits.

    Args:
        values: Bits of all the tensor's memory.
        shift: From them to those of float32, int32.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read, one after another.
        sums: By channel, in 2^-4, and what is left in 2^-44, int64, added to.
        room: For a row: bits, int32; sums, float32.
    """
    bits, partial = room
    x = bits.view(np.float32)
    partial[:] = f32(0.0)
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        row = values[start : start + width]
        for i in range(width):
            bits[i] = i32(i32(row[i]) << shift)
        for i in range(width):
            partial[i] += x[i] * x[i]
    for i in range(width):
        is_known = partial[i] < MOST  # NaN is not
        found = f64(partial[i]) if is_known else f64(MOST)
        high = i64(found * IN_HIGH)
        sums[0, i] += high
        sums[1, i] += i64(np.rint(found * IN_LOW - f64(high) * HIGH_IN_LOW))

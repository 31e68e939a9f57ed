"""Rows of bf16 bits: how often each value occurs, the largest |x| of each row, massive rows."""

from typing import Any

import numpy as np

from hubmaxact.measurement.kernels.cpu.massive_rows import fold_massive_bf16
from hubmaxact.measurement.loops.compiled import Array, compiled

u16, i32, i64 = np.uint16, np.int32, np.int64

NO_FINITE = i32(np.float32(-1.0).view(np.int32))
INFINITE = u16(0x7F80)

PAGE = 512  # counts of 8 bytes: what few values leave untouched takes no memory


@compiled
def _largest(row: Array) -> Any:
    """The largest |x| as a pattern; those of NaN and infinities are the largest of all."""
    largest = u16(0)
    for i in range(row.shape[0]):
        largest = max(largest, u16(row[i] & u16(0x7FFF)))
    return largest


@compiled
def _largest_finite(row: Array) -> Any:
    """Bits as float32 of the largest finite |x|, for the rare rows that hold other values."""
    largest = i64(-1)
    for i in range(row.shape[0]):
        magnitude = u16(row[i] & u16(0x7FFF))
        if magnitude < INFINITE:
            largest = max(largest, i64(magnitude))
    return NO_FINITE if largest < 0 else i32(largest << 16)


@compiled
def fold_bf16(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    counts: Array,
    row_max: Array,
    massive: Array,
    ratio: Array,
) -> None:
    """Fold in rows of a tensor in one read of it.

    Args:
        values: Bits of all its memory.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        counts: By pattern, added to.
        row_max: Bits as float32 of the largest finite |x| of each row, -1 for none, written.
        massive: Number of massive rows, added to.
        ratio: The largest ratio, raised.
    """
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        row = values[start : start + width]
        for i in range(width):
            counts[row[i]] += 1
        largest = _largest(row)
        if largest < INFINITE:
            row_max[t] = i32(i32(largest) << i32(16))
            fold_massive_bf16(row, row_max[t], massive, ratio)
        else:
            row_max[t] = _largest_finite(row)


@compiled
def move(counts: Array, into: Array) -> None:
    """Add counts to others, and leave them zero.

    Args:
        counts: Of one thread, by pattern.
        into: Of the site, by pattern.
    """
    for first in range(0, counts.shape[0], PAGE):
        last = min(first + PAGE, counts.shape[0])
        seen = i64(0)
        for pattern in range(first, last):
            seen |= counts[pattern]
        if seen == 0:
            continue
        for pattern in range(first, last):
            into[pattern] += counts[pattern]
            counts[pattern] = 0

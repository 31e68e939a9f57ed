"""Rows of bits: the largest |x| of each channel, and of blocks of neighbouring channels.

A level is the bits of |x| as float32 and 1 more, so that 0 is none: of a value that is not finite.
"""

from typing import Any

import numpy as np

from hubmaxact.measurement.kernels.cpu.compiled import Array, compiled
from hubmaxact.measurement.statistics.block_maxima import SIZES

i32, i64 = np.int32, np.int64

SMALLEST, MIDDLE, LARGEST = SIZES
LARGEST_PATTERN = i64(0x7F7F)
INFINITE = i32(0x7F800000)


@compiled
def _levels(row: Array, shift: Any, levels: Array, channels: Array) -> None:
    """Of one row, whose bits are shifted to those of float32; raises those of the channels."""
    for i in range(row.shape[0]):
        bits = i32(i32(i32(row[i]) << shift) & i32(0x7FFFFFFF))
        level = i32(bits + i32(1)) if bits < INFINITE else i32(0)
        levels[i] = level
        channels[i] = max(channels[i], level)


@compiled
def _blocks(levels: Array, length: int, size: int, counts: Array) -> int:
    """Count the largest of each block, and leave them where `levels` begins; returns how many.

    Maxima are counted as bf16 patterns, rounded half to even and never to infinity.
    """
    number = (length + size - 1) // size
    for block in range(number):
        start = block * size
        largest = levels[start]
        for i in range(start + 1, min(start + size, length)):
            largest = max(largest, levels[i])
        levels[block] = largest
        if largest > 0:
            bits = i64(largest) - 1
            counts[min((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, LARGEST_PATTERN)] += 1
    return number


@compiled
def fold_blocks(
    values: Array,
    shift: Any,
    stride: int,
    width: int,
    rows: Array,
    channels: Array,
    counts: Array,
    levels: Array,
) -> None:
    """Fold in rows of bf16 or float32 bits.

    Args:
        values: Bits of all the tensor's memory.
        shift: From them to those of float32, int32.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        channels: Levels by channel, raised.
        counts: By size of block, then by pattern, added to.
        levels: Room for those of a row.
    """
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _levels(values[start : start + width], shift, levels, channels)
        # Each size is a multiple of the one before.
        number = _blocks(levels, width, SMALLEST, counts[0])
        number = _blocks(levels, number, MIDDLE // SMALLEST, counts[1])
        _blocks(levels, number, LARGEST // MIDDLE, counts[2])

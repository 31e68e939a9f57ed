"""Rows of bits: the largest |x| of each channel, and of blocks of neighbouring channels.

A magnitude is an integer that orders |x|, and 1 more than the bits of it, so that 0 is none: of a
value that is not finite.
"""

from typing import Any

import numpy as np

from hubmaxact.measurement.kernels.cpu.compiled import Array, compiled
from hubmaxact.measurement.statistics.block_maxima import SIZES

u16, i32, i64 = np.uint16, np.int32, np.int64

SMALLEST, MIDDLE, LARGEST = SIZES
INFINITE_16, INFINITE_32 = u16(0x7F80), i32(0x7F800000)
LARGEST_PATTERN = i64(0x7F7F)


@compiled
def _magnitudes_16(row: Array, into: Array) -> None:
    for i in range(row.shape[0]):
        bits = u16(row[i] & u16(0x7FFF))
        into[i] = u16(bits + u16(1)) if bits < INFINITE_16 else u16(0)


@compiled
def _magnitudes_32(row: Array, into: Array) -> None:
    for i in range(row.shape[0]):
        bits = i32(row[i] & i32(0x7FFFFFFF))
        into[i] = i32(bits + i32(1)) if bits < INFINITE_32 else i32(0)


@compiled
def _raise(channels: Array, row: Array) -> None:
    for i in range(row.shape[0]):
        channels[i] = max(channels[i], row[i])


@compiled
def _blocks(row: Array, size: int, into: Array) -> Any:
    """The largest of each block, the last of which may be shorter; returns how many there are."""
    whole = row.shape[0] // size
    for block in range(whole):
        start = block * size
        largest = row[start]
        for i in range(1, size):
            largest = max(largest, row[start + i])
        into[block] = largest
    rest = row[whole * size :]
    if rest.shape[0] == 0:
        return whole
    into[whole] = rest.max()
    return whole + 1


@compiled
def _count_16(blocks: Array, counts: Array) -> None:
    for block in range(blocks.shape[0]):
        if blocks[block] > 0:
            counts[i64(blocks[block]) - 1] += 1


@compiled
def _count_32(blocks: Array, counts: Array) -> None:
    """Rounded to bf16, half to even, never to infinity."""
    for block in range(blocks.shape[0]):
        if blocks[block] > 0:
            bits = i64(blocks[block]) - 1
            counts[min((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16, LARGEST_PATTERN)] += 1


@compiled
def fold_blocks_16(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    channels: Array,
    counts: Array,
    room: tuple[Array, Array],
) -> None:
    """Fold in rows of bf16 bits.

    Args:
        values: Bits of all the tensor's memory.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        channels: Magnitudes by channel, raised.
        counts: By size of block, then by pattern, added to.
        room: For a row's magnitudes, and for those of its blocks.
    """
    row, blocks = room
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _magnitudes_16(values[start : start + width], row)
        _raise(channels, row)
        number = _blocks(row, SMALLEST, blocks)
        _count_16(blocks[:number], counts[0])
        # each size is a multiple of the one before; blocks are written behind what is read
        number = _blocks(blocks[:number], MIDDLE // SMALLEST, blocks)
        _count_16(blocks[:number], counts[1])
        number = _blocks(blocks[:number], LARGEST // MIDDLE, blocks)
        _count_16(blocks[:number], counts[2])


@compiled
def fold_blocks_32(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    channels: Array,
    counts: Array,
    room: tuple[Array, Array],
) -> None:
    """The same of float32 bits."""
    row, blocks = room
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _magnitudes_32(values[start : start + width], row)
        _raise(channels, row)
        number = _blocks(row, SMALLEST, blocks)
        _count_32(blocks[:number], counts[0])
        number = _blocks(blocks[:number], MIDDLE // SMALLEST, blocks)
        _count_32(blocks[:number], counts[1])
        number = _blocks(blocks[:number], LARGEST // MIDDLE, blocks)
        _count_32(blocks[:number], counts[2])

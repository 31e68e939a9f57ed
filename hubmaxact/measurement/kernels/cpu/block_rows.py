"""Rows of bits: the largest |x| of each channel, and of blocks of neighbouring channels.

A level is a magnitude and 1 more, so that 0 is none: of a value that is not finite. Levels of
blocks are those of bf16 patterns, 16 bits wide, and of two neighbours at a time the larger one is
kept: so most of the work is done on many values at once.
"""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled

u16, i32 = np.uint16, np.int32

LARGEST_PATTERN = i32(0x7F7F)
INFINITE = i32(0x7F800000)
INFINITE_PATTERN = u16(0x7F80)


@compiled
def _levels_bf16(row: Array, levels: Array, channels: Array) -> None:
    """Of one row of bf16 bits; raises those of the channels."""
    for i in range(row.shape[0]):
        pattern = u16(row[i] & u16(0x7FFF))
        levels[i] = u16(pattern + u16(1)) if pattern < INFINITE_PATTERN else u16(0)
        channels[i] = max(channels[i], levels[i])


@compiled
def _levels_fp32(row: Array, levels: Array, channels: Array) -> None:
    """Of one row of float32 bits, rounded half to even and never to infinity; channels keep all."""
    for i in range(row.shape[0]):
        bits = i32(row[i] & i32(0x7FFFFFFF))
        is_finite = bits < INFINITE
        # Rounding must not run into the sign.
        rounded = i32(i32(bits + i32(0x7FFF) + i32(i32(bits >> i32(16)) & i32(1))) >> i32(16))
        levels[i] = u16(min(rounded, LARGEST_PATTERN) + i32(1)) if is_finite else u16(0)
        channels[i] = max(channels[i], i32(bits + i32(1)) if is_finite else i32(0))


@compiled
def _halve(levels: Array, number: int) -> int:
    """Keep the larger of two neighbours, where `levels` begins; returns how many are left."""
    half = number // 2
    for k in range(half):
        levels[k] = max(levels[2 * k], levels[2 * k + 1])
    if number % 2:
        levels[half] = levels[number - 1]
    return half + number % 2


@compiled
def _count(levels: Array, number: int, counts: Array) -> None:
    for k in range(number):
        counts[levels[k]] += 1


@compiled
def _count_blocks(levels: Array, width: int, counts: Array) -> None:
    """Count blocks of 16, 32 and 128."""
    number = _halve(levels, _halve(levels, _halve(levels, _halve(levels, width))))
    _count(levels, number, counts[0])
    number = _halve(levels, number)
    _count(levels, number, counts[1])
    number = _halve(levels, _halve(levels, number))
    _count(levels, number, counts[2])


@compiled
def fold_blocks_bf16(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    channels: Array,
    counts: Array,
    levels: Array,
) -> None:
    """Fold in rows of bf16 bits.

    Args:
        values: Bits of all the tensor's memory, uint16.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        channels: Levels by channel, uint16, raised.
        counts: By size of block, then by level, added to.
        levels: Room for those of a row, uint16.
    """
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _levels_bf16(values[start : start + width], levels, channels)
        _count_blocks(levels, width, counts)


@compiled
def fold_blocks_fp32(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    channels: Array,
    counts: Array,
    levels: Array,
) -> None:
    """Fold in rows of float32 bits.

    Args:
        values: Bits of all the tensor's memory, int32.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        channels: Levels by channel, int32, raised.
        counts: By size of block, then by level, added to.
        levels: Room for those of a row, uint16.
    """
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _levels_fp32(values[start : start + width], levels, channels)
        _count_blocks(levels, width, counts)


@compiled
def raise_channels(levels: Array, shift: Any, maxima: Array) -> None:
    """Raise the largest |x| of each channel.

    Args:
        levels: By channel, 0 for none.
        shift: From levels to bits of float32, int32.
        maxima: By channel, float32, raised.
    """
    for channel in range(maxima.shape[0]):
        if levels[channel] > 0:
            value = i32(i32(levels[channel] - 1) << shift).view(np.float32)
            maxima[channel] = max(maxima[channel], value)

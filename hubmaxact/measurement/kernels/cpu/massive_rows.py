"""The largest ratio of a row's |x| to its median, found without a median for most rows."""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled
from hubmaxact.measurement.statistics.massive_tokens import MASSIVE_ABS, MASSIVE_RATIO

u16, i32, i64 = np.uint16, np.int32, np.int64

BLOCK = 32_768  # values that a counter of 16 bits can count


@compiled
def at_most_bf16(row: Array, pattern: Any) -> Any:
    """How many |x| of bf16 bits are at most this pattern; counters of 16 bits fill SIMD lanes."""
    total, limit = i64(0), u16(pattern)
    for start in range(0, row.shape[0], BLOCK):
        block = row[start : start + BLOCK]
        count = u16(0)
        for i in range(block.shape[0]):
            count = u16(count + u16(u16(block[i] & u16(0x7FFF)) <= limit))
        total += i64(count)
    return total


@compiled
def at_most_fp32(row: Array, pattern: Any) -> Any:
    """How many |x| of float32 bits are at most this pattern."""
    count, limit = i32(0), i32(pattern)
    for i in range(row.shape[0]):
        count = i32(count + i32(i32(row[i] & i32(0x7FFFFFFF)) <= limit))
    return i64(count)


@compiled
def _limit(row_max: Any, largest_ratio: float) -> Any:
    """Bits of a float32 that the median of a row must not exceed to matter.

    Dividing in float64 and rounding to float32 keep order, so where fl(max / median) > bound, the
    median is at most the rounded max / bound; one step more costs nothing.
    """
    largest = np.float64(i32(row_max).view(np.float32))
    bound = largest_ratio
    if largest > MASSIVE_ABS:
        bound = min(bound, MASSIVE_RATIO)
    if bound <= 0.0:
        return row_max
    return min(row_max, i32(np.float32(largest / bound).view(i32) + i32(1)))


@compiled
def _fold_ratio(row_max: Any, median: Any, massive: Array, ratio: Array) -> None:
    """Fold in a row whose lower median is known, as bits of float32."""
    if median == 0:
        return  # no ratio
    largest = np.float64(i32(row_max).view(np.float32))
    of_row = largest / np.float64(i32(median).view(np.float32))
    if largest > MASSIVE_ABS and of_row > MASSIVE_RATIO:
        massive[0] += 1
    ratio[0] = max(ratio[0], of_row)


@compiled
def fold_massive_bf16(row: Array, row_max: Any, massive: Array, ratio: Array) -> None:
    """Fold in a row of finite bf16 bits; `row_max`: bits of its largest |x| as float32.

    The row is in cache: bisection over patterns, at most 15 reads, selects without sorting. Where
    nobody wants massive rows, the largest ratio is infinity.
    """
    if ratio[0] == np.inf:
        return
    rank = (row.shape[0] + 1) // 2
    low, high = i64(0), i64(_limit(row_max, ratio[0])) >> 16
    if at_most_bf16(row, high) < rank:
        return
    while low < high:
        centre = i64((low + high) >> 1)
        if at_most_bf16(row, centre) >= rank:
            high = centre
        else:
            low = i64(centre + 1)
    _fold_ratio(row_max, i32(low << 16), massive, ratio)


@compiled
def fold_massive_fp32(row: Array, row_max: Any, massive: Array, ratio: Array) -> None:
    """The same for float32 bits, at most 31 reads."""
    if ratio[0] == np.inf:
        return
    rank = (row.shape[0] + 1) // 2
    low, high = i64(0), i64(_limit(row_max, ratio[0]))
    if at_most_fp32(row, high) < rank:
        return
    while low < high:
        centre = i64((low + high) >> 1)
        if at_most_fp32(row, centre) >= rank:
            high = centre
        else:
            low = i64(centre + 1)
    _fold_ratio(row_max, i32(low), massive, ratio)

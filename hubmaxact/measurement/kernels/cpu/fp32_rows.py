"""Rows of float32 bits: counts of values rounded to bf16, exact sums, native extremes.

x = b + r: b is x rounded to bf16, never to infinity, and r is what is left, in halves of b's
float32 step. One 64-bit addition counts b and adds up r; another adds up r^2 by exponent. Sums of x
and x^2 follow exactly.
"""

from typing import Any

import numpy as np

from hubmaxact.measurement.kernels.cpu.massive_rows import at_most_fp32, fold_massive_fp32
from hubmaxact.measurement.loops.compiled import Array, compiled

u16, i32, i64 = np.uint16, np.int32, np.int64

NO_FINITE = i32(np.float32(-1.0).view(np.int32))
INFINITE = i32(0x7F800000)
SAME_EXPONENT = 128  # patterns of one sign and exponent
PACK = 40  # bits of a bin that hold the sum of r; the count stands above them
MOST_VALUES = 1 << 22  # between two calls of `unpack`: |r| <= 2^17, so no half of a bin overflows
NAN, INF, ZEROS, TIES, LARGEST, LOW, HIGH = range(7)
"""Places of a tensor's numbers: three counts, ties of the largest |x|, its bits, extreme keys."""
EMPTY = (0, 0, 0, 0, -1, 0x7FFFFFFF, -0x80000000)


@compiled
def _scan(row: Array) -> tuple[Any, Any, Any]:
    """(lowest key, highest key, zeros); a key orders floats as integers, -0.0 below 0.0."""
    low, high, zeros = i32(0x7FFFFFFF), i32(-0x80000000), i32(0)
    for i in range(row.shape[0]):
        bits = row[i]
        key = i32(bits ^ i32(i32(bits >> i32(31)) & i32(0x7FFFFFFF)))
        low, high = min(low, key), max(high, key)
        zeros = i32(zeros + i32(i32(bits & i32(0x7FFFFFFF)) == i32(0)))
    return low, high, i64(zeros)


@compiled
def _split(row: Array, bins: Array, rest: Array) -> None:
    """Make b, as a pattern, and r: loops that scatter no writes become SIMD, hence two buffers.

    b's step is that of its exponent; where rounding carried into the next one, r is in x's own
    steps, which are half of b's.
    """
    for i in range(row.shape[0]):
        bits = row[i]
        magnitude = i32(bits & i32(0x7FFFFFFF))
        even = i32(i32(magnitude >> i32(16)) & i32(1))
        pattern = min(i32(i32(magnitude + i32(0x7FFF) + even) >> i32(16)), i32(0x7F7F))
        back = i32(pattern << i32(16))
        steps = i32(magnitude - back)
        # subnormals share the step of the smallest exponent, so nothing changes there
        carried = (i32(i32(back ^ magnitude) & INFINITE) != i32(0)) & (magnitude >= i32(0x800000))
        rest[i] = steps if carried else i32(steps + steps)
        bins[i] = u16(pattern | i32(i32(bits >> i32(16)) & i32(0x8000)))


@compiled
def _add_up(bins: Array, rest: Array, size: int, packed: Array, squares: Array) -> None:
    """Into the bins; neighbours often share an exponent, so squares have four places to go."""
    for i in range(size):
        pattern, left = bins[i], i64(rest[i])
        packed[pattern] += (i64(1) << PACK) + left
        squares[i & 3, (pattern >> u16(7)) & u16(0xFF)] += left * left


@compiled
def _finite(row: Array, kept: Array, whole: Array) -> int:
    """Copy finite values, count the others; returns how many are finite."""
    size = 0
    for i in range(row.shape[0]):
        magnitude = i32(row[i] & i32(0x7FFFFFFF))
        if magnitude < INFINITE:
            kept[size] = row[i]
            size += 1
        elif magnitude == INFINITE:
            whole[INF] += 1
        else:
            whole[NAN] += 1
    return size


@compiled
def _extend(row: Array, low: Any, high: Any, whole: Array) -> Any:
    """Widen the extremes, count ties of the largest |x|; returns its bits."""
    # of a key below zero the magnitude is the complement
    upper = high if high >= 0 else i32(~high)
    lower = low if low >= 0 else i32(~low)
    largest = max(upper, lower)
    whole[LOW], whole[HIGH] = min(whole[LOW], i64(low)), max(whole[HIGH], i64(high))
    if largest >= whole[LARGEST]:
        ties = row.shape[0]
        if largest > 0:
            ties -= at_most_fp32(row, largest - 1)
        whole[TIES] = ties + (whole[TIES] if largest == whole[LARGEST] else 0)
        whole[LARGEST] = largest
    return largest


@compiled
def fold_fp32(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    packed: Array,
    squares: Array,
    whole: Array,
    row_max: Array,
    massive: Array,
    ratio: Array,
    room: tuple[Array, Array, Array],
) -> None:
    """Fold in rows of a tensor in one read of it, of at most MOST_VALUES in all.

    Args:
        values: Bits of all its memory.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        packed: By pattern of b: counts, and sums of r.
        squares: Sums of r^2 by exponent, in four parts.
        whole: Numbers of the tensor.
        row_max: Bits of the largest finite |x| of each row, those of -1.0 for none, written.
        massive: Number of massive rows, added to.
        ratio: The largest ratio, raised.
        room: For a row: patterns, rest, finite values.
    """
    bins, rest, kept = room
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        row = values[start : start + width]
        low, high, zeros = _scan(row)
        if high >= INFINITE or low <= ~INFINITE:
            row = kept[: _finite(row, kept, whole)]
            low, high, zeros = _scan(row)
        if row.shape[0] == 0:
            row_max[t] = NO_FINITE
            continue
        whole[ZEROS] += zeros
        row_max[t] = _extend(row, low, high, whole)
        _split(row, bins, rest)
        _add_up(bins, rest, row.shape[0], packed, squares)
        if row.shape[0] == width:
            fold_massive_fp32(row, row_max[t], massive, ratio)


@compiled
def _unpack_page(bins: Array, exponent: int, counts: Array, signed: Array, sums: Array) -> None:
    """The bins of one sign and exponent."""
    half, leading = i64(1) << (PACK - 1), i64(exponent != 0) << 7
    of_values, of_counts, mixed = i64(0), i64(0), i64(0)
    for k in range(SAME_EXPONENT):
        rest = ((bins[k] + half) & ((half << 1) - 1)) - half
        count, mantissa = (bins[k] - rest) >> PACK, k | leading
        counts[k] += count
        of_values += ((count * mantissa) << 17) + rest
        of_counts += count * mantissa * mantissa
        mixed += mantissa * rest
        bins[k] = 0
    signed[exponent] += of_values
    sums[2, exponent] += of_counts
    sums[3, exponent] += mixed


@compiled
def unpack(packed: Array, squares: Array, counts: Array, sums: Array) -> None:
    """Move bins into counts by pattern and sums by exponent, and leave them empty.

    Args:
        packed: See `fold_fp32`.
        squares: See `fold_fp32`.
        counts: Of b, by pattern, added to.
        sums: Rows: x of positive values, of negative ones, in half steps; m^2 of b's mantissa m,
            m * r, r^2. Each by exponent, added to.
    """
    for page in range(0, 65_536, SAME_EXPONENT):
        bins = packed[page : page + SAME_EXPONENT]
        seen = i64(0)
        for k in range(SAME_EXPONENT):
            seen |= bins[k]
        if seen != 0:
            sign, exponent = page >> 15, (page >> 7) & 0xFF
            _unpack_page(bins, exponent, counts[page : page + SAME_EXPONENT], sums[sign], sums)
    for exponent in range(256):
        for part in range(4):
            sums[4, exponent] += squares[part, exponent]
            squares[part, exponent] = 0

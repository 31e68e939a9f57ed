"""What rows of values lose to formats that give each token, or each block, a scale of its own.

One loop serves every format: its numbers have a step that follows from an exponent. A float32 whose
own step is the wanted one, added and taken away again, rounds to a multiple of it, half to even.
Rows are read in chunks of 16 values, the last ones filled up with zeros, which lose nothing; a
chunk has one scale, and neighbours may have the same.
"""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled

u16, i32, i64, f32 = np.uint16, np.int32, np.int64, np.float32

CHUNK = 16
EXPONENT = i32(0x7F800000)
SIGNLESS = i32(0x7FFFFFFF)
INFINITE = i32(0x7F800000)
LARGEST_PATTERN = i32(0x7F7F)
MOST = f32(np.finfo(np.float32).max)
NEVER = f32(np.inf)
BY_CODE, UP, EVEN, OF_E4M3 = range(4)
"""How a scale follows from the largest |x|: over the largest code, MX's two ways, and NVFP4's."""
LEAST, STEP, RULE, GROUP, CLIPS = range(5)
"""Columns of a table of ways: bits of the least exponent, what makes that of the step from one, the
rule, how many chunks share a scale (0: all), whether values beyond it count as clipped."""
LEAST_BITS = i32(1 << 22)  # of 2^-127
E4M3_LEAST, E4M3_STEP, E4M3_MOST = i32(121 << 23), i32((20 << 23) + (1 << 22)), f32(448.0)
E2M1_MOST = f32(6.0)


@compiled
def _nearest(z: Any, least: Any, step: Any) -> Any:
    """Round a value within the format's bounds."""
    exponent = max(i32(f32(z).view(i32) & EXPONENT), least)
    apart = i32(exponent + step).view(f32)
    return f32(f32(z + apart) - apart)


@compiled
def _power_of_two(exponent: Any) -> Any:
    bits = max(min(i64(exponent), i64(127)), i64(-127)) + i64(127)
    return i32(LEAST_BITS).view(f32) if bits == 0 else i32(bits << 23).view(f32)


@compiled
def _scale(rule: Any, largest: Any, code: Any, of_tensor: Any) -> Any:
    """What codes of a block are multiplied by."""
    if rule == BY_CODE or largest == f32(0.0):
        return f32(largest / code)
    if rule == UP:
        bits = f32(largest / code).view(i32)
        return _power_of_two(-127 if bits <= LEAST_BITS else ((i64(bits) - 1) >> 23) - 126)
    if rule == EVEN:
        return _power_of_two(((i64(f32(largest).view(i32)) + (1 << 21)) >> 23) - 129)
    scaled = min(f32(f32(largest / E2M1_MOST) * of_tensor), E4M3_MOST)
    return f32(_nearest(scaled, E4M3_LEAST, E4M3_STEP) / of_tensor)


@compiled
def _scales(way: Array, code: Any, of_tensor: Any, largest: Array, scales: Array) -> None:
    """Of every chunk: what values are divided by, codes multiplied by, and what is clipped."""
    group = way[GROUP] if way[GROUP] > 0 else i64(largest.shape[0])
    for first in range(0, largest.shape[0], group):
        after = min(first + group, largest.shape[0])
        of_block = f32(0.0)
        for b in range(first, after):
            of_block = max(of_block, largest[b])
        scale = _scale(way[RULE], of_block, code, of_tensor)
        is_above = scale > f32(0.0)
        reach = f32(code * scale) if is_above and way[CLIPS] > 0 else NEVER
        for b in range(first, after):
            scales[0, b] = scale if is_above else f32(1.0)
            scales[1, b] = scale if is_above else f32(0.0)
            scales[2, b] = reach


@compiled
def _lose(
    x: Array, scales: Array, least: Any, step: Any, code: Any, squares: Array, numbers: Array
) -> None:
    """Add squared errors, clipped values and vanished ones, each to its place in a chunk."""
    for b in range(x.shape[0]):
        divisor, factor, reach = scales[0, b], scales[1, b], scales[2, b]
        for k in range(CHUNK):
            value = x[b, k]
            z = min(max(f32(value / divisor), f32(-code)), code)
            found = f32(_nearest(z, least, step) * factor)
            found = min(max(found, f32(-MOST)), MOST)
            error = np.float64(f32(value - found))
            squares[k] += error * error
            numbers[0, k] += i32(abs(value) > reach)
            numbers[1, k] += i32((value != f32(0.0)) & (found == f32(0.0)))


@compiled
def _largest(x: Array, largest: Array) -> None:
    """The largest |x| of each chunk."""
    for b in range(x.shape[0]):
        found = i32(0)
        for k in range(CHUNK):
            found = max(found, i32(f32(x[b, k]).view(i32) & SIGNLESS))
        largest[b] = i32(found).view(f32)


@compiled
def _load(row: Array, bits: Array) -> None:
    """Bf16 bits as those of float32; what is not finite as zero."""
    for i in range(row.shape[0]):
        found = i32(i32(row[i]) << i32(16))
        bits[i] = found if i32(found & SIGNLESS) < INFINITE else i32(0)


@compiled
def fold_formats(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    table: tuple[Array, Array],
    of_tensor: Any,
    room: tuple[Array, Array, Array, Array, Array],
    sums: Array,
    numbers: Array,
) -> None:
    """Fold in what rows of bf16 bits lose in each way.

    Args:
        values: Bits of all the tensor's memory, uint16.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        table: Of the ways, and the largest code of each, float32.
        of_tensor: What NVFP4's scales of blocks are over, float32; 0: it is left out.
        room: For a row: its values in chunks, zeros where it ends; the largest of each chunk;
            three kinds of scales; by place in a chunk squares, and clipped and vanished values.
        sums: Squared errors by row, then by way, float64, written.
        numbers: Of clipped values, and of vanished ones, by way, added to.
    """
    ways, codes = table
    x, largest, scales, squares, lanes = room
    bits = x.reshape(-1).view(np.int32)
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _load(values[start : start + width], bits)
        _largest(x, largest)
        for way in range(ways.shape[0]):
            sums[t, way] = 0.0
            if ways[way, RULE] == OF_E4M3 and of_tensor == f32(0.0):
                continue
            _scales(ways[way], codes[way], of_tensor, largest, scales)
            squares[:] = 0.0
            lanes[:] = 0
            least, step = i32(ways[way, LEAST]), i32(ways[way, STEP])
            _lose(x, scales, least, step, codes[way], squares, lanes)
            for k in range(CHUNK):
                sums[t, way] += squares[k]
                numbers[0, way] += lanes[0, k]
                numbers[1, way] += lanes[1, k]


@compiled
def round_rows(values: Array, stride: int, width: int, rows: Array, into: Array) -> None:
    """Round rows of float32 bits to bf16, half to even, never to infinity.

    Args:
        values: Bits of all the tensor's memory, int32.
        stride: From one row to the next.
        width: Of a row.
        rows: Numbers of the rows to read.
        into: Bits of bf16 by row, uint16, written; zero for what is not finite.
    """
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        row, rounded = values[start : start + width], into[t]
        for i in range(width):
            bits = row[i]
            size = i32(bits & SIGNLESS)
            even = i32(i32(size >> i32(16)) & i32(1))
            pattern = min(i32(i32(size + i32(0x7FFF) + even) >> i32(16)), LARGEST_PATTERN)
            found = u16(pattern | i32(i32(bits >> i32(16)) & i32(0x8000)))
            rounded[i] = found if size < INFINITE else u16(0)

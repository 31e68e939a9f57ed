"""What rows of values lose to formats that give each token, or each block, a scale of its own.

One loop serves every format: its numbers have a step that follows from an exponent. A float32 whose
own step is the wanted one, added and taken away again, rounds to a multiple of it, half to even.
Rows are read in chunks of 16 values, the last ones filled up with zeros, which lose nothing; a
chunk has one scale, and neighbours may have the same.
"""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled

u16, i32, i64, f32, f64 = np.uint16, np.int32, np.int64, np.float32, np.float64

CHUNK = 16
ABREAST = 4
"""Chunks whose squares are added at once: a row has room for a multiple of so many."""
EXPONENT = i32(0x7F800000)
SIGNLESS = i32(0x7FFFFFFF)
INFINITE = i32(0x7F800000)
LARGEST_PATTERN = i32(0x7F7F)
MOST = f32(np.finfo(np.float32).max)
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
def _by_code(largest: Array, code: Any, scales: Array) -> None:
    for b in range(largest.shape[0]):
        scales[b] = f32(np.divide(largest[b], code))


@compiled
def _up(largest: Array, code: Any, scales: Array) -> None:
    for b in range(largest.shape[0]):
        bits = f32(np.divide(largest[b], code)).view(i32)
        exponent = -127 if bits <= LEAST_BITS else ((i64(bits) - 1) >> 23) - 126
        scales[b] = _power_of_two(exponent) if bits > 0 else f32(0.0)


@compiled
def _even(largest: Array, scales: Array) -> None:
    for b in range(largest.shape[0]):
        bits = i64(f32(largest[b]).view(i32))
        exponent = ((bits + (1 << 21)) >> 23) - 129
        scales[b] = _power_of_two(exponent) if bits > 0 else f32(0.0)


@compiled
def _of_e4m3(largest: Array, of_tensor: Any, scales: Array) -> None:
    for b in range(largest.shape[0]):
        scaled = min(f32(f32(np.divide(largest[b], E2M1_MOST)) * of_tensor), E4M3_MOST)
        scale = f32(np.divide(_nearest(scaled, E4M3_LEAST, E4M3_STEP), of_tensor))
        scales[b] = scale if largest[b] > f32(0.0) else f32(0.0)


@compiled
def _scales(rule: Any, code: Any, of_tensor: Any, largest: Array, scales: Array) -> None:
    """What codes of each block are multiplied by; 0 of blocks that hold nothing else."""
    if rule == UP:
        _up(largest, code, scales)
    elif rule == EVEN:
        _even(largest, scales)
    elif rule == OF_E4M3:
        _of_e4m3(largest, of_tensor, scales)
    else:
        _by_code(largest, code, scales)


@compiled
def _grouped(largest: Array, group: Any, of_block: Array) -> int:
    """The largest |x| of each block of so many chunks; returns their number."""
    number = 0
    for first in range(0, largest.shape[0], group):
        found = f32(0.0)
        for b in range(first, min(first + group, largest.shape[0])):
            found = max(found, largest[b])
        of_block[number] = found
        number += 1
    return number


@compiled
def _spread(scales: Array, size: Any, factors: Array) -> None:
    """Repeat the scale of each block for all its values."""
    for block in range(scales.shape[0]):
        factor, of_block = scales[block], factors[block * size : block * size + size]
        for i in range(of_block.shape[0]):
            of_block[i] = factor


@compiled
def _lose(x: Array, factors: Array, bounds: Any, code: Any, lost: Array) -> Any:
    """Write the error of each magnitude; returns how many of those above zero vanish."""
    least, step = bounds
    vanished = i32(0)
    for i in range(x.shape[0]):
        factor = factors[i]
        # Unlike an operator, it raises nothing, so that many are divided at once.
        z = min(f32(np.divide(x[i], factor if factor > f32(0.0) else f32(1.0))), code)
        found = min(f32(_nearest(z, least, step) * factor), MOST)
        lost[i] = f32(x[i] - found)
        vanished = i32(vanished + i32((x[i] > f32(0.0)) & (found == f32(0.0))))
    return i64(vanished)


@compiled
def _clipped(x: Array, factors: Array, code: Any) -> Any:
    """How many magnitudes are beyond what their scale reaches."""
    beyond = i32(0)
    for i in range(x.shape[0]):
        beyond = i32(beyond + i32((factors[i] > f32(0.0)) & (x[i] > f32(code * factors[i]))))
    return i64(beyond)


@compiled
def _squares(lost: Array, squares: Array) -> Any:
    """The sum of squares, each place in a chunk added up by itself."""
    squares[:] = 0.0
    for first in range(0, lost.shape[0], ABREAST):
        a, b, c, d = lost[first], lost[first + 1], lost[first + 2], lost[first + 3]
        for k in range(CHUNK):
            found = squares[k] + f64(a[k]) * f64(a[k])
            found += f64(b[k]) * f64(b[k])
            found += f64(c[k]) * f64(c[k])
            squares[k] = found + f64(d[k]) * f64(d[k])
    total = 0.0
    for k in range(CHUNK):
        total += squares[k]
    return total


@compiled
def _largest(x: Array, largest: Array) -> None:
    """The largest magnitude of each chunk."""
    for b in range(largest.shape[0]):
        found = f32(0.0)
        for k in range(CHUNK):
            found = max(found, x[b, k])
        largest[b] = found


@compiled
def _load(row: Array, bits: Array) -> None:
    """Bf16 bits as those of a float32 magnitude; what is not finite as zero."""
    for i in range(row.shape[0]):
        found = i32(i32(row[i] & u16(0x7FFF)) << i32(16))
        bits[i] = found if found < INFINITE else i32(0)


@compiled
def fold_formats(
    values: Array,
    stride: int,
    width: int,
    rows: Array,
    table: tuple[Array, Array],
    of_tensor: Any,
    room: tuple[Array, Array, Array],
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
        room: For a row, in chunks: magnitudes, zeros where it ends, scales, errors;
            for its chunks: the largest of each, and of each block, and scales; squares by place.
        sums: Squared errors by row, then by way, float64, written.
        numbers: Of clipped values, and of vanished ones, by way, added to.
    """
    ways, codes = table
    of_values, of_chunks, squares = room
    x, factors = of_values[0].reshape(-1), of_values[1].reshape(-1)
    lost = of_values[2].reshape(-1)
    for t in range(rows.shape[0]):
        start = rows[t] * stride
        _load(values[start : start + width], x.view(np.int32))
        _largest(of_values[0], of_chunks[0])
        for way in range(ways.shape[0]):
            sums[t, way] = 0.0
            rule, code = ways[way, RULE], codes[way]
            if rule == OF_E4M3 and of_tensor == f32(0.0):
                continue
            group = ways[way, GROUP] if ways[way, GROUP] > 0 else i64(of_chunks.shape[1])
            number = _grouped(of_chunks[0], group, of_chunks[1])
            scales = of_chunks[2, :number]
            _scales(rule, code, of_tensor, of_chunks[1, :number], scales)
            _spread(scales, group * CHUNK, factors)
            bounds = i32(ways[way, LEAST]), i32(ways[way, STEP])
            numbers[1, way] += _lose(x, factors, bounds, code, lost)
            if ways[way, CLIPS] > 0:
                numbers[0, way] += _clipped(x, factors, code)
            sums[t, way] = _squares(of_values[2], squares)


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

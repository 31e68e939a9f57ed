"""Heads of bits: the largest sums of squares of their rows, and of pairs of their channels."""

from typing import Any

import numpy as np

from hubmaxact.measurement.loops.compiled import Array, compiled, compiled_sum
from hubmaxact.measurement.loops.next_piece import next_piece

f32, i32 = np.float32, np.int32

INFINITE = i32(0x7F800000)
ALL, HALVES, NEIGHBOURS = range(3)

Heads = tuple[Array, Any, Array, Array]
"""Bits of all of a tensor's memory, their shift to those of float32, int32; shape and strides of
(sequences, heads, tokens, channels), whose channels are dense."""
Pieces = tuple[Array, int, Array]
"""Which (sequence, token) count, bool, with no sequences where all do; tokens of a piece; pieces
that are taken, by all threads."""


@compiled_sum
def _sum_of_squares(row: Array, shift: Any) -> Any:
    total = f32(0.0)
    for i in range(row.shape[0]):
        x = i32(i32(row[i]) << shift).view(np.float32)
        total += x * x
    return total


@compiled
def _raise_all(row: Array, shift: Any, largest: Array) -> None:
    """Of one row, the sum of all squares, infinity for what is no number; bits order it."""
    total = _sum_of_squares(row, shift)
    total = f32(np.inf) if np.isnan(total) else total
    largest[0] = max(largest[0], f32(total).view(np.int32))


@compiled
def _square(bits: Any, shift: Any) -> Any:
    """Of a value, zero for what is not finite."""
    wide = i32(i32(bits) << shift)
    is_finite = i32(wide & i32(0x7FFFFFFF)) < INFINITE
    x = i32(wide if is_finite else i32(0)).view(np.float32)
    return x * x


@compiled
def _raise_halves(row: Array, shift: Any, largest: Array) -> None:
    """Of one row, the sum of two squares; bits of sums are in the same order."""
    first, second = row[: largest.shape[0]], row[largest.shape[0] :]
    for pair in range(largest.shape[0]):
        total = _square(first[pair], shift) + _square(second[pair], shift)
        largest[pair] = max(largest[pair], f32(total).view(np.int32))


@compiled
def _raise_neighbours(row: Array, shift: Any, largest: Array) -> None:
    """Likewise."""
    for pair in range(largest.shape[0]):
        total = _square(row[2 * pair], shift) + _square(row[2 * pair + 1], shift)
        largest[pair] = max(largest[pair], f32(total).view(np.int32))


@compiled
def raise_squares(heads: Heads, pieces: Pieces, which: int, largest: Array) -> None:
    """Raise the largest sums of squares of each head's rows, piece by piece until none is left.

    Args:
        heads: The tensor.
        pieces: Which of it is read.
        which: ALL squares of a row, infinity where that is no number; or those of each pair of
            channels, one of each of two HALVES or NEIGHBOURS, where what is not finite is zero.
        largest: By head, then by sum, float32, raised.
    """
    values, shift, shape, strides = heads
    kept, step, taken = pieces
    bits, num_tokens = largest.view(np.int32), shape[0] * shape[2]
    width = shape[3] if which == ALL else 2 * largest.shape[1]
    first = next_piece(taken) * step
    while first < num_tokens:
        for place in range(first, min(first + step, num_tokens)):
            sequence, token = place // shape[2], place % shape[2]
            if kept.shape[0] > 0 and not kept[sequence, token]:
                continue
            for head in range(shape[1]):
                start = sequence * strides[0] + head * strides[1] + token * strides[2]
                row = values[start : start + width]
                if which == ALL:
                    _raise_all(row, shift, bits[head])
                elif which == HALVES:
                    _raise_halves(row, shift, bits[head])
                else:
                    _raise_neighbours(row, shift, bits[head])
        first = next_piece(taken) * step

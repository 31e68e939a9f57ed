"""A tensor read once by loops that several threads run at once, each taking piece after piece."""

import numpy as np

from hubmaxact.measurement.kernels.cpu.bf16_rows import fold_bf16
from hubmaxact.measurement.kernels.cpu.block_rows import fold_blocks_bf16, fold_blocks_fp32
from hubmaxact.measurement.kernels.cpu.fp32_rows import fold_fp32
from hubmaxact.measurement.kernels.cpu.square_rows import fold_squares
from hubmaxact.measurement.loops.compiled import Array, compiled
from hubmaxact.measurement.loops.next_piece import next_piece

i32 = np.int32

Memory = tuple[Array, int, int, Array]
"""Bits of all of a tensor's memory, from one row to the next, width of a row, rows to read."""
Blocks = tuple[Array, Array, Array]
"""See `fold_blocks_bf16`: channels, counts, levels; without channels nothing is folded."""
Squares = tuple[Array, tuple[Array, Array]]
"""See `fold_squares`: sums, room; without channels nothing is folded."""


@compiled
def read_bf16(
    memory: Memory,
    step: int,
    taken: Array,
    left: Array,
    counts: Array,
    row_max: Array,
    massive: tuple[Array, Array],
    blocks: Blocks,
    squares: Squares,
) -> bool:
    """Read pieces of a tensor of bf16 bits until none is left.

    Args:
        memory: The tensor.
        step: Rows of a piece.
        taken: Pieces that are taken, by all threads.
        left: How many values more can be counted, lowered.
        counts: See `fold_bf16`.
        row_max: Likewise, of all rows.
        massive: Likewise, with the ratio.
        blocks: What is found of them.
        squares: Likewise.

    Returns:
        Whether all is read; else there is no room to count more.
    """
    values, stride, width, rows = memory
    channels, of_blocks, levels = blocks
    sums, room = squares
    while left[0] >= step * width:
        first = next_piece(taken) * step
        if first >= rows.shape[0]:
            return True
        piece = rows[first : first + step]
        left[0] -= piece.shape[0] * width
        of_rows = row_max[first : first + step]
        fold_bf16(values, stride, width, piece, counts, of_rows, massive[0], massive[1])
        if channels.shape[0] > 0:
            fold_blocks_bf16(values, stride, width, piece, channels, of_blocks, levels)
        if sums.shape[1] > 0:
            fold_squares(values, i32(16), stride, width, piece, sums, room)
    return False


@compiled
def read_fp32(
    memory: Memory,
    step: int,
    taken: Array,
    left: Array,
    bins: tuple[Array, Array, Array],
    row_max: Array,
    massive: tuple[Array, Array],
    blocks: Blocks,
    squares: Squares,
    room: tuple[Array, Array, Array],
) -> bool:
    """Read pieces of a tensor of float32 bits until none is left.

    Args:
        memory: The tensor.
        step: Rows of a piece.
        taken: Pieces that are taken, by all threads.
        left: How many values more the bins and counts can take, lowered.
        bins: See `fold_fp32`: packed, squares, whole.
        row_max: Likewise, of all rows.
        massive: Likewise, with the ratio.
        blocks: What is found of them.
        squares: Likewise.
        room: See `fold_fp32`.

    Returns:
        Whether all is read; else the bins are full.
    """
    values, stride, width, rows = memory
    packed, of_rest, whole = bins
    channels, of_blocks, levels = blocks
    sums, of_squares = squares
    while left[0] >= step * width:
        first = next_piece(taken) * step
        if first >= rows.shape[0]:
            return True
        piece = rows[first : first + step]
        left[0] -= piece.shape[0] * width
        fold_fp32(
            values,
            stride,
            width,
            piece,
            packed,
            of_rest,
            whole,
            row_max[first : first + step],
            massive[0],
            massive[1],
            room,
        )
        if channels.shape[0] > 0:
            fold_blocks_fp32(values, stride, width, piece, channels, of_blocks, levels)
        if sums.shape[1] > 0:
            fold_squares(values, i32(0), stride, width, piece, sums, of_squares)
    return False

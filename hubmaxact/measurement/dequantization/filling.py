"""Filling a weight piece by piece: float32 in the processor's cache, rounded once at its end."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.grid import Grid

PIECE = 1 << 17
"""Numbers that are worked on at a time; as float32 they stay in a core's cache."""

WriteCodes = Callable[[Tensor, slice], object]
"""Writes the codes of some rows to a float32 tensor, (rows, columns), contiguous."""


def pieces(rows: int, columns: int) -> Iterator[slice]:
    """Cut rows into pieces.

    Args:
        rows: How many there are.
        columns: Numbers in a row.

    Yields:
        Rows of a piece, a multiple of eight but for the last one.
    """
    step = max(8, PIECE // max(1, columns) // 8 * 8)
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))


def fill(out: Tensor, write_codes: WriteCodes, scale: Grid, zero: Grid | None = None) -> None:
    """Write (code - zero point) * scale.

    Args:
        out: Of any float dtype, (rows, columns).
        write_codes: Where the codes come from.
        scale: What they are multiplied by.
        zero: What is subtracted before. None: nothing.
    """
    every = list(pieces(*out.shape))
    room = torch.empty(every[0].stop if every else 0, out.shape[1])
    for rows in every:
        values = room[: rows.stop - rows.start]
        write_codes(values, rows)
        if zero is not None:
            zero.apply(values, rows.start, Tensor.sub_)
        scale.apply(values, rows.start, Tensor.mul_)
        out[rows].copy_(values)

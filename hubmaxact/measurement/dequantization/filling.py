"""Filling a weight piece by piece: float32 in the processor's cache, rounded once at its end."""

from collections.abc import Callable, Iterator

from torch import Tensor

from hubmaxact.measurement.dequantization.grid import Grid

PIECE = 1 << 18
"""Numbers that are worked on at a time; as float32 they stay in a core's cache."""

CodesOf = Callable[[slice], Tensor]


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


def fill(out: Tensor, codes_of: CodesOf, scale: Grid, zero: Grid | None = None) -> None:
    """Write (code - zero point) * scale.

    Args:
        out: Of any float dtype, (rows, columns).
        codes_of: Returns the codes of some rows as float32 of its own.
        scale: What they are multiplied by.
        zero: What is subtracted before. None: nothing.
    """
    for rows in pieces(*out.shape):
        values = codes_of(rows)
        if zero is not None:
            zero.apply(values, rows.start, Tensor.sub_)
        scale.apply(values, rows.start, Tensor.mul_)
        out[rows].copy_(values)

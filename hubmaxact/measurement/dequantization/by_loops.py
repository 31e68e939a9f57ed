"""Filling a matrix by compiled loops, which as many threads share as torch would take."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import Codes
from hubmaxact.measurement.dequantization.compiled_rows.fill import (
    BFLOAT16,
    FLOAT16,
    FLOAT32,
    fill_rows,
)
from hubmaxact.measurement.dequantization.compiled_rows.grids import MULTIPLY, NOTHING, SUBTRACT
from hubmaxact.measurement.dequantization.compiled_rows.turning import turn
from hubmaxact.measurement.dequantization.grid import Step
from hubmaxact.measurement.dequantization.loop_codes import loop_codes
from hubmaxact.measurement.dequantization.pieces import pieces
from hubmaxact.measurement.loops.compiled import Array
from hubmaxact.measurement.loops.shared_work import share

NUMBER_FORMATS: Mapping[torch.dtype, int] = {
    torch.float32: FLOAT32,
    torch.bfloat16: BFLOAT16,
    torch.float16: FLOAT16,
}


class LoopStep(NamedTuple):
    """A step as `fill_rows` takes it; without a grid, nothing is done."""

    step: int = NOTHING
    numbers: Array = np.empty((1, 0), np.float32)
    high: int = 1 << 62
    wide: int = 1
    group_of: Array = np.empty(0, np.uint32)


def fill_by_loops(out: Tensor, codes: Codes, *steps: Step, piece: int, num_threads: int) -> None:
    """Write what codes stand for, combined with grids.

    Args:
        out: Of one of `NUMBER_FORMATS`, (rows, columns), contiguous.
        codes: As many, or more in a row.
        *steps: At most two, in this order, in float32.
        piece: Numbers that a thread takes at a time.
        num_threads: How many share the pieces, at most.
    """
    rows, columns = out.shape
    assert out.is_contiguous()
    of_steps = [_loop_step(step, rows, columns) for step in steps]
    first, second = (*of_steps, *[LoopStep()] * (2 - len(of_steps)))
    number_format = NUMBER_FORMATS[out.dtype]

    def work(_: int, some: slice) -> None:
        of_codes = loop_codes(codes, some, columns)
        out_32, out_16 = _bits_of(out[some])
        fill_rows(some.start, *of_codes, *first, *second, number_format, out_32, out_16, bf16_nan())

    _share_rows(work, rows, columns, piece, num_threads)


def turn_by_loops(out: Tensor, matrix: Tensor, *, piece: int, num_threads: int) -> None:
    """Write the columns of a matrix as rows.

    Args:
        out: Of one of `NUMBER_FORMATS`, (columns, rows), contiguous.
        matrix: Of the same one, (rows, columns), contiguous.
        piece: As `fill_by_loops` takes it.
        num_threads: Likewise.
    """
    columns, rows = out.shape
    assert matrix.shape == (rows, columns)
    bits = torch.int32 if out.dtype is torch.float32 else torch.uint16
    whole, turned = matrix.view(bits).numpy(), out.view(bits).numpy()

    def work(_: int, some: slice) -> None:
        turn(whole, some.start, turned[some])

    _share_rows(work, columns, rows, piece, num_threads)


def _share_rows(
    work: Callable[[int, slice], None], rows: int, columns: int, piece: int, num_threads: int
) -> None:
    shares = list(pieces(rows, columns, piece))
    share(range(max(1, min(num_threads, len(shares)))), shares, work)


def _bits_of(out: Tensor) -> tuple[Array, Array]:
    """float32, and bits of 16-bit formats; one of both is empty."""
    if out.dtype is torch.float32:
        return out.numpy(), np.empty((0, 0), np.uint16)
    return np.empty((0, 0), np.float32), out.view(torch.uint16).numpy()


def _loop_step(step: Step, rows: int, columns: int) -> LoopStep:
    grid = step.grid
    numbers = grid.numbers_DA.contiguous()
    assert len(numbers) * grid.high >= rows
    assert numbers.shape[1] * grid.wide >= columns
    named = MULTIPLY if step.is_product else SUBTRACT
    if grid.group_of is None:
        return LoopStep(named, numbers.numpy(), grid.high, grid.wide)
    assert len(grid.group_of) == columns
    return LoopStep(
        named, numbers.numpy(), grid.high, grid.wide, grid.group_of.view(torch.uint32).numpy()
    )


@cache
def bf16_nan() -> int:
    """What torch rounds a NaN to, which is not the same everywhere."""
    many = torch.full((64,), torch.nan).to(torch.bfloat16)
    return int(many.view(torch.uint16)[0])

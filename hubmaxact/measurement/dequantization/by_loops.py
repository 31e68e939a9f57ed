"""Filling a matrix by compiled loops, which as many threads share as torch would take."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import (
    AWQ_PLACES,
    NIBBLES,
    Codes,
    InNibbles,
    InWords,
    LookedUp,
)
from hubmaxact.measurement.dequantization.compiled_rows import fill as layouts
from hubmaxact.measurement.dequantization.compiled_rows.fill import fill_rows
from hubmaxact.measurement.dequantization.compiled_rows.grids import MULTIPLY, NOTHING, SUBTRACT
from hubmaxact.measurement.dequantization.grid import Step
from hubmaxact.measurement.dequantization.packing import WORD_BITS
from hubmaxact.measurement.dequantization.pieces import pieces
from hubmaxact.measurement.loops.compiled import Array
from hubmaxact.measurement.loops.shared_work import share

NUMBER_FORMATS: Mapping[torch.dtype, int] = {
    torch.float32: layouts.FLOAT32,
    torch.bfloat16: layouts.BFLOAT16,
    torch.float16: layouts.FLOAT16,
}


class LoopCodes(NamedTuple):
    """Codes as `fill_rows` takes them; what a layout has nothing of is empty."""

    layout: int
    codes: Array = np.empty((0, 0), np.uint8)
    table: Array = np.empty(0, np.float32)
    width: int = 1
    words: Array = np.empty((0, 0), np.int32)
    bits: int = WORD_BITS
    offset: int = 0
    places: Array = np.empty(0, np.int64)


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
    of_codes = LAYOUTS[type(codes)](codes, rows, columns)
    of_steps = [_loop_step(step, rows, columns) for step in steps]
    first, second = (*of_steps, *[LoopStep()] * (2 - len(of_steps)))
    number_format = NUMBER_FORMATS[out.dtype]
    none, is_wide = np.empty((0, 0)), number_format == layouts.FLOAT32
    out_32 = out.numpy() if is_wide else none.astype(np.float32)
    out_16 = none.astype(np.uint16) if is_wide else out.view(torch.uint16).numpy()
    to = (number_format, out_32, out_16, bf16_nan())

    def work(_: int, some: slice) -> None:
        fill_rows(some.start, some.stop, *of_codes, *first, *second, *to)

    shares = list(pieces(rows, columns, piece))
    share(range(max(1, min(num_threads, len(shares)))), shares, work)


def _looked_up(codes: LookedUp, rows: int, columns: int) -> LoopCodes:
    table, width = codes.lookup.table, codes.lookup.width
    assert len(table) == 256
    assert len(codes.bytes_RB) >= rows
    assert codes.bytes_RB.shape[1] * width >= columns
    return LoopCodes(
        layouts.TABLE, codes=codes.bytes_RB.numpy(), table=table.flatten().numpy(), width=width
    )


def _in_words(codes: InWords, rows: int, columns: int) -> LoopCodes:
    bits, words = codes.unpacking.bits, codes.words_RW
    assert len(words) >= rows
    assert words.shape[1] * WORD_BITS >= columns * bits
    return LoopCodes(layouts.WORDS, words=words.numpy(), bits=bits, offset=codes.unpacking.offset)


def _in_nibbles(codes: InNibbles, rows: int, columns: int) -> LoopCodes:
    words = codes.words_WC
    assert len(words) * NIBBLES >= rows
    assert words.shape[1] >= columns
    return LoopCodes(layouts.NIBBLES, words=words.numpy(), places=np.array(AWQ_PLACES))


LAYOUTS: Mapping[type, Callable[[Any, int, int], LoopCodes]] = {
    LookedUp: _looked_up,
    InWords: _in_words,
    InNibbles: _in_nibbles,
}
"""Each is looked at first: compiled loops do not notice where an array ends."""


def _loop_step(step: Step, rows: int, columns: int) -> LoopStep:
    grid = step.grid
    numbers = grid.numbers_DA.contiguous()
    assert len(numbers) * grid.high >= rows
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

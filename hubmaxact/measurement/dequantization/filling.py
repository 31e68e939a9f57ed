"""Filling a matrix: codes, then the numbers of a grid or two, rounded once at the end.

Compiled loops do so in one pass. Where they do not work, torch's operations do, to the same bits,
several times slower.
"""

from torch import Tensor

from hubmaxact.measurement.dequantization.by_torch import fill_by_torch
from hubmaxact.measurement.dequantization.codes import Codes
from hubmaxact.measurement.dequantization.grid import Step
from hubmaxact.measurement.dequantization.trial import why_no_loops
from hubmaxact.measurement.loops.cpu_threads import cpu_threads

PIECE = 1 << 17
"""Numbers that torch works on at a time; as float32 they stay in a core's cache."""

THREAD_PIECES = 4
"""How many of them a thread takes at a time."""


def fill(out: Tensor, codes: Codes, *steps: Step, num_threads: int) -> None:
    """Write what codes stand for, combined with grids.

    Args:
        out: float32, bfloat16 or float16, (rows, columns), contiguous.
        codes: As many, or more in a row.
        *steps: At most two, in this order, in float32.
        num_threads: That may work on it.
    """
    if not why_no_loops():
        from hubmaxact.measurement.dequantization.by_loops import fill_by_loops

        piece = THREAD_PIECES * PIECE
        fill_by_loops(out, codes, *steps, piece=piece, num_threads=num_threads)
    else:
        with cpu_threads(num_threads):
            fill_by_torch(out, codes, *steps, piece=PIECE)


def turn_round(out: Tensor, matrix: Tensor, *, num_threads: int) -> None:
    """Write the columns of a matrix as rows.

    Args:
        out: float32, bfloat16 or float16, (columns, rows), contiguous.
        matrix: Of the same dtype, (rows, columns), contiguous.
        num_threads: That may work on it.
    """
    if not why_no_loops():
        from hubmaxact.measurement.dequantization.by_loops import turn_by_loops

        turn_by_loops(out, matrix, piece=THREAD_PIECES * PIECE, num_threads=num_threads)
    else:
        with cpu_threads(num_threads):
            out.copy_(matrix.T)

"""Filling a matrix by torch's operations, piece by piece: what compiled loops must equal."""

import torch
from torch import Tensor

from hubmaxact.measurement.dequantization.codes import Codes
from hubmaxact.measurement.dequantization.grid import Step
from hubmaxact.measurement.dequantization.pieces import pieces


def fill_by_torch(out: Tensor, codes: Codes, *steps: Step, piece: int) -> None:
    """Write what codes stand for, combined with grids.

    Args:
        out: Of any float dtype, (rows, columns).
        codes: As many, or more in a row.
        *steps: In this order, in float32.
        piece: Numbers that are worked on at a time; float32 of them are held.
    """
    rows, columns = out.shape
    every = list(pieces(rows, columns, piece))
    room = torch.empty(every[0].stop if every else 0, columns)
    for some in every:
        values = room[: some.stop - some.start]
        codes.into(values, some)
        for step in steps:
            step.apply(values, some.start)
        out[some].copy_(values)

"""What one thread finds of the errors of formats, and the formats as its loop takes them."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hubmaxact.deployed_formats import IN_PASS, NVFP4_LARGEST, DeployedFormat
from hubmaxact.measurement.kernels.cpu.format_rows import (
    ABREAST,
    BY_CODE,
    CHUNK,
    EVEN,
    OF_E4M3,
    UP,
    fold_formats,
    round_rows,
)
from hubmaxact.measurement.kernels.cpu.strided import Strided
from hubmaxact.measurement.rounding.elements import ELEMENTS
from hubmaxact.measurement.rounding.tensors import LARGEST_CODE
from hubmaxact.measurement.statistics.format_errors import FormatErrors

Float64s = npt.NDArray[np.float64]

RULES = {"mxfp8": UP, "mxfp4": EVEN, "nvfp4": OF_E4M3}
CLIPPED = ("mxfp4", "nvfp4")
"""Formats whose scale may be too small for the largest value of its block."""


def _row(way: DeployedFormat) -> list[int]:
    """Of the table of ways: see the columns in `format_rows`."""
    exponent, fraction = ELEMENTS[way.format]
    return [
        (127 + exponent) << 23,
        ((23 - fraction) << 23) + (1 << 22),
        RULES.get(way.format, BY_CODE),
        (way.block or 0) // CHUNK,
        way.format in CLIPPED,
    ]


TABLE = (
    np.array([_row(way) for way in IN_PASS], np.int64),
    np.array([LARGEST_CODE[way.format] for way in IN_PASS], np.float32),
)


class FormatRows:
    """What one thread finds; sums are kept by row, so that they do not depend on threads."""

    def begin(self, width: int, threshold: float | None) -> None:
        """Make room for rows of this width.

        Args:
            width: Channels.
            threshold: That of NVFP4's tensors; None or 0: it is left out.
        """
        chunks = ABREAST * ceil(width / (ABREAST * CHUNK))
        self._room = (
            np.zeros((3, chunks, CHUNK), np.float32),
            np.zeros((3, chunks), np.float32),
            np.zeros(CHUNK),
        )
        self._of_tensor = _of_tensor(threshold)
        self.numbers = np.zeros((2, len(IN_PASS)), np.int64)

    def read(self, x: Strided, piece: slice, sums: Float64s) -> None:
        """Read some of the rows, and write what each loses in each way."""
        values, stride, rows = x.values, x.stride, x.rows[piece]
        if values.dtype != np.uint16:
            rounded = np.empty((len(rows), x.width), np.uint16)
            round_rows(values, stride, x.width, rows, rounded)
            values, stride, rows = rounded.reshape(-1), x.width, np.arange(len(rows))
        fold_formats(
            values,
            stride,
            x.width,
            rows,
            TABLE,
            self._of_tensor,
            self._room,
            sums[piece],
            self.numbers,
        )


def give(found: Sequence[FormatRows], sums: Float64s, errors: FormatErrors) -> None:
    """Hand over what was found in a tensor.

    Args:
        found: By all threads.
        sums: Squared errors by row and way; rows are added in their order, whoever read them.
        errors: Of the site.
    """
    numbers = np.sum([each.numbers for each in found], axis=0)
    errors.add(torch.from_numpy(sums.sum(axis=0)), torch.from_numpy(numbers))


def _of_tensor(threshold: float | None) -> Any:
    """What NVFP4's scales of blocks are over; 0 where there is no threshold."""
    if not threshold:
        return np.float32(0.0)
    with np.errstate(over="ignore", divide="ignore"):
        return np.float32(NVFP4_LARGEST) / np.float32(threshold)

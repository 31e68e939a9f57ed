"""What one thread owns while it reads pieces of a tensor: nothing here is shared, so it only adds.

A worker begins empty at each tensor and gives all it found to the site's statistics at the end.
"""

import math
from collections.abc import Collection
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from hubmaxact.measurement.kernels.cpu import bf16_rows, block_rows, fp32_rows, int8_rows
from hubmaxact.measurement.kernels.cpu.format_worker import FormatRows
from hubmaxact.measurement.kernels.cpu.strided import Int64s, Strided
from hubmaxact.measurement.kernels.cpu.totals import total
from hubmaxact.measurement.statistics.bf16_histogram import NUM_PATTERNS, Bf16Histogram
from hubmaxact.measurement.statistics.block_maxima import NUM_MAGNITUDES, SIZES, BlockMaxima
from hubmaxact.measurement.statistics.channel_maxima import ChannelMaxima
from hubmaxact.measurement.statistics.channel_squares import ChannelSquares
from hubmaxact.measurement.statistics.exact_sums import NUM_EXPONENTS
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.int8_error import Int8Errors
from hubmaxact.measurement.statistics.massive_tokens import NO_RATIO, Massive
from hubmaxact.measurement.statistics.nan_and_inf import NanAndInf

Int32s = npt.NDArray[np.int32]
MOST_COUNTED = (1 << 32) - 1


def _zeros(*shape: int) -> npt.NDArray[np.int64]:
    return np.zeros(shape, np.int64)


def _of_key(key: int) -> float:
    """The value that a key orders; both zeros are one."""
    bits = key if key >= 0 else key ^ 0x7FFFFFFF
    return float(np.array(bits, np.int64).astype(np.int32).view(np.float32)) + 0.0


class MassiveRows:
    """Massive rows that one thread finds, where they are wanted."""

    def __init__(self) -> None:
        self.number, self.ratio = _zeros(1), np.zeros(1)

    def begin(self, known: Massive | None) -> None:
        """Start from the site's largest ratio: rows below it need no median; None: none does."""
        self.number[0] = 0
        self.ratio[0] = math.inf if known is None else max(known.max_ratio, 0.0)

    def give(self, known: Massive | None) -> None:
        """Hand over what was found."""
        if known is not None:
            known.fold(int(self.number[0]), float(self.ratio[0]) or NO_RATIO)


class Counts:
    """Counts that one thread adds to: of 32 bits, so that they stay in a core's own cache.

    Args:
        *shape: Of the table; rows are given by themselves.
    """

    def __init__(self, *shape: int) -> None:
        self.array = np.zeros(shape, np.uint32)
        self._wide: npt.NDArray[np.int64] | None = None
        self._number = 0

    def room_for(self, number: int) -> npt.NDArray[np.uint32]:
        """The table, where so many values more can be counted; emptied before it overflows."""
        self._number += number
        if self._number > MOST_COUNTED:
            if self._wide is None:
                self._wide = _zeros(*self.array.shape)
            self._move(self.array, self._wide)
            self._number = number
        return self.array

    def give(self, into: npt.NDArray[np.int64], first: int = 0) -> None:
        """Add the counts to others, and be empty.

        Args:
            into: Of the site.
            first: Column of the table where they begin.
        """
        self._move(self.array[..., first:], into)
        if self._wide is not None:
            self._move(self._wide[..., first:], into)
        self._wide, self._number = None, 0

    @staticmethod
    def _move(counts: npt.NDArray[Any], into: npt.NDArray[np.int64]) -> None:
        for here, there in zip(np.atleast_2d(counts), np.atleast_2d(into), strict=True):
            bf16_rows.move(here, there)


class LinearInputRows:
    """What one thread finds of channels and blocks; counts are kept from tensor to tensor."""

    def __init__(self) -> None:
        self._counts = Counts(len(SIZES), 1 + NUM_MAGNITUDES)

    def begin(self, x: Strided, squares: ChannelSquares | None) -> None:
        """Make room for rows of this width; `squares` of channels are added to if wanted."""
        is_bf16 = x.values.dtype == np.uint16
        self._fold = block_rows.fold_blocks_bf16 if is_bf16 else block_rows.fold_blocks_fp32
        self._shift = np.int32(16 if is_bf16 else 0)
        self._levels = np.empty(x.width, np.uint16)
        self._channels = np.zeros(x.width, x.values.dtype)
        self._squares = None if squares is None else ChannelSquares()

    def read(self, x: Strided, piece: slice) -> None:
        """Read some of the rows."""
        rows, counts = x.rows[piece], self._counts.room_for(len(x.rows[piece]) * x.width)
        self._fold(x.values, x.stride, x.width, rows, self._channels, counts, self._levels)
        if self._squares is not None:
            bits, sums = np.empty(x.width, np.int32), np.zeros(x.width, np.float32)
            block_rows.fold_squares(x.values, self._shift, x.stride, x.width, rows, bits, sums)
            # By piece, whichever thread reads it: so the sums do not depend on threads.
            self._squares.add(torch.from_numpy(sums))

    def give(
        self, channels: ChannelMaxima, blocks: BlockMaxima, squares: ChannelSquares | None
    ) -> None:
        """Hand over what was found."""
        channels.expect(len(self._channels))
        block_rows.raise_channels(self._channels, self._shift, channels.abs_max.numpy())
        self._counts.array[:, 0] = 0
        self._counts.give(blocks.counts.numpy(), 1)
        if self._squares is not None and squares is not None:
            squares.merge(self._squares)


class Worker(Protocol):
    """One thread's part in reading a tensor."""

    massive: MassiveRows
    linear_input: LinearInputRows
    formats: FormatRows

    def begin(self, width: int, errors: Collection[Int8Errors]) -> None:
        """Make room for rows of this width, and for errors at these thresholds."""

    def read(self, x: Strided, piece: slice, row_max: Int32s) -> None:
        """Read some of the rows, and write the largest |x| of each, as bits of float32."""

    def give(self, values: Any, errors: Collection[Int8Errors]) -> None:
        """Add what was found to the values and errors of the site."""


class Bf16Worker:
    """Reads rows of bf16, whose errors follow from counts."""

    def __init__(self) -> None:
        self._counts = Counts(NUM_PATTERNS)
        self.massive, self.linear_input = MassiveRows(), LinearInputRows()
        self.formats = FormatRows()

    def begin(self, width: int, errors: Collection[Int8Errors]) -> None:
        """Nothing depends on either."""

    def read(self, x: Strided, piece: slice, row_max: Int32s) -> None:
        """Read some of the rows."""
        bf16_rows.fold_bf16(
            x.values,
            x.stride,
            x.width,
            x.rows[piece],
            self._counts.room_for(len(x.rows[piece]) * x.width),
            row_max[piece],
            self.massive.number,
            self.massive.ratio,
        )

    def give(self, values: Bf16Histogram, errors: Collection[Int8Errors]) -> None:  # noqa: ARG002
        """Hand over the counts."""
        self._counts.give(values.counts.numpy())


class Errors:
    """INT-8 errors at one threshold that one thread adds up."""

    def __init__(self, threshold: float) -> None:
        self._threshold = threshold
        self._sums, self._numbers = _zeros(3, NUM_EXPONENTS), _zeros(2)

    def read(self, x: Strided, rows: Int64s, room: tuple[Int64s, Int64s, Int32s]) -> None:
        """Read some rows."""
        int8_rows.fold_int8(
            x.values, x.stride, x.width, rows, self._threshold, self._sums, self._numbers, room
        )

    def give(self, errors: Int8Errors) -> None:
        """Hand over sums and numbers."""
        linear, high, low = self._sums
        squares = total(2, (high, int8_rows.HALF), (low, 0))
        errors.add(total(1, (linear, 0)), squares, *self._numbers.tolist())


class Fp32Worker:
    """Reads rows of float32."""

    def __init__(self) -> None:
        self.massive, self.linear_input = MassiveRows(), LinearInputRows()
        self.formats = FormatRows()
        self._packed, self._squares = _zeros(NUM_PATTERNS), _zeros(4, NUM_EXPONENTS)
        self._num_packed = 0
        self._early: FloatValues | None = None
        self._int8_room = (
            _zeros(4, NUM_EXPONENTS),
            _zeros(4, NUM_EXPONENTS),
            np.zeros(int8_rows.BLOCK, np.int32),
        )
        self.begin(0, ())

    def begin(self, width: int, errors: Collection[Int8Errors]) -> None:
        """Be empty."""
        assert width <= fp32_rows.MOST_VALUES
        self._whole = np.array(fp32_rows.EMPTY, np.int64)
        self._num_values = 0
        self._row_room = (
            np.empty(width, np.uint16),
            np.empty(width, np.int32),
            np.empty(width, np.int32),
        )
        self._errors = [Errors(each.threshold) for each in errors]

    def read(self, x: Strided, piece: slice, row_max: Int32s) -> None:
        """Read some of the rows."""
        rows = x.rows[piece]
        if self._num_packed + len(rows) * x.width > fp32_rows.MOST_VALUES:
            self._early = self._early or FloatValues()
            self._unpack(self._early)
        self._num_packed += len(rows) * x.width
        self._num_values += len(rows) * x.width
        fp32_rows.fold_fp32(
            x.values,
            x.stride,
            x.width,
            rows,
            self._packed,
            self._squares,
            self._whole,
            row_max[piece],
            self.massive.number,
            self.massive.ratio,
            self._row_room,
        )
        for errors in self._errors:
            errors.read(x, rows, self._int8_room)

    def give(self, values: FloatValues, errors: Collection[Int8Errors]) -> None:
        """Hand over counts, sums, numbers, extremes and errors."""
        self._unpack(values)
        if self._early is not None:
            values.merge(self._early)
            self._early = None
        nan, inf, num_zeros, num_ties, _, low, high = self._whole.tolist()
        values.add(
            count=self._num_values,
            not_finite=NanAndInf(nan, inf),
            num_zeros=num_zeros,
            num_ties=num_ties,
            extremes=(_of_key(low), _of_key(high)) if num_ties else (math.inf, -math.inf),
        )
        for mine, theirs in zip(self._errors, errors, strict=True):
            mine.give(theirs)

    def _unpack(self, values: FloatValues) -> None:
        """Empty the bins into counts and sums."""
        sums = _zeros(5, NUM_EXPONENTS)
        fp32_rows.unpack(self._packed, self._squares, values.rounded.counts.numpy(), sums)
        self._num_packed = 0
        plus, minus, of_counts, mixed, of_rest = sums
        squares = total(2, (of_counts, 34), (mixed, 18), (of_rest, 0))
        # in half steps; there is no half of the smallest one
        values.sums.add(total(1, (plus, 0)) >> 1, total(1, (minus, 0)) >> 1, squares >> 2)

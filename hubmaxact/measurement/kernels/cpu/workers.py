"""What one thread owns while it reads pieces of a tensor: nothing here is shared, so it only adds.

A worker begins empty at each tensor and gives all it found to the site's statistics at the end.
"""

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.kernels.cpu import fp32_rows, int8_rows
from hubmaxact.measurement.kernels.cpu.counts import MOST_COUNTED, Counts
from hubmaxact.measurement.kernels.cpu.format_worker import FormatRows
from hubmaxact.measurement.kernels.cpu.linear_input_rows import LinearInputRows
from hubmaxact.measurement.kernels.cpu.shared_reading import read_bf16, read_fp32
from hubmaxact.measurement.kernels.cpu.strided import Int64s, Strided
from hubmaxact.measurement.kernels.cpu.totals import total
from hubmaxact.measurement.statistics.bf16_histogram import NUM_PATTERNS
from hubmaxact.measurement.statistics.exact_sums import NUM_EXPONENTS
from hubmaxact.measurement.statistics.float_values import FloatValues
from hubmaxact.measurement.statistics.int8_error import Int8Errors
from hubmaxact.measurement.statistics.massive_tokens import NO_RATIO, Massive
from hubmaxact.measurement.statistics.nan_and_inf import NanAndInf
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

Int32s = npt.NDArray[np.int32]


def _zeros(*shape: int) -> npt.NDArray[np.int64]:
    return np.zeros(shape, np.int64)


def _of_key(key: int) -> float:
    """The value that a key orders; both zeros are one."""
    bits = key if key >= 0 else key ^ 0x7FFFFFFF
    return float(np.array(bits, np.int64).astype(np.int32).view(np.float32)) + 0.0


class MassiveRows:
    """Massive rows that one thread finds, where they are wanted."""

    def __init__(self) -> None:
        self._number, self._ratio = _zeros(1), np.zeros(1)

    @property
    def found(self) -> tuple[Int64s, npt.NDArray[np.float64]]:
        """As loops take it: how many, and the largest ratio."""
        return self._number, self._ratio

    def begin(self, known: Massive | None) -> None:
        """Start from the site's largest ratio: rows below it need no median; None: none does."""
        self._number[0] = 0
        self._ratio[0] = math.inf if known is None else max(known.max_ratio, 0.0)

    def give(self, known: Massive | None) -> None:
        """Hand over what was found."""
        if known is not None:
            known.fold(int(self._number[0]), float(self._ratio[0]) or NO_RATIO)


class Worker(Protocol):
    """One thread's part in reading a tensor."""

    formats: FormatRows

    def begin(self, x: Strided, statistics: SiteStatistics, split: Split) -> None:
        """Be empty, and make room for what a site wants of rows of this width."""

    def read(self, x: Strided, taken: Int64s, row_max: Int32s) -> None:
        """Read pieces until none is left, and write the largest |x| of their rows.

        Args:
            x: The tensor.
            taken: Pieces that are taken, by all threads.
            row_max: By row, bits of float32, written.
        """

    def add_errors(self, x: Strided, piece: slice) -> None:
        """Read some rows once more, for their errors."""

    def give(self, statistics: SiteStatistics, split: Split) -> None:
        """Add what was found to the site's statistics."""


class Bf16Worker:
    """Reads rows of bf16, whose errors follow from counts."""

    def __init__(self) -> None:
        self._counts = Counts(NUM_PATTERNS)
        self._massive, self._linear_input = MassiveRows(), LinearInputRows()
        self.formats = FormatRows()

    def begin(self, x: Strided, statistics: SiteStatistics, split: Split) -> None:
        """Be empty."""
        assert x.step * x.width <= MOST_COUNTED
        self._left = np.array([MOST_COUNTED])
        self._massive.begin(statistics.massive)
        self._linear_input.begin(x, statistics, split)

    def read(self, x: Strided, taken: Int64s, row_max: Int32s) -> None:
        """Read pieces until none is left."""
        while not read_bf16(
            x.memory,
            x.step,
            taken,
            self._left,
            self._counts.array,
            row_max,
            self._massive.found,
            self._linear_input.blocks,
            self._linear_input.squares,
        ):
            self._counts.spill()
            self._linear_input.spill()
            self._left[0] = MOST_COUNTED

    def add_errors(self, x: Strided, piece: slice) -> None:
        """They follow from the counts."""

    def give(self, statistics: SiteStatistics, split: Split) -> None:
        """Hand over the counts."""
        self._massive.give(statistics.massive)
        self._linear_input.give(statistics, split)
        values: Any = statistics.values[split]
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
        self._massive, self._linear_input = MassiveRows(), LinearInputRows()
        self.formats = FormatRows()
        self._packed, self._squares = _zeros(NUM_PATTERNS), _zeros(4, NUM_EXPONENTS)
        self._early: FloatValues | None = None
        self._int8_room = (
            _zeros(4, NUM_EXPONENTS),
            _zeros(4, NUM_EXPONENTS),
            np.zeros(int8_rows.BLOCK, np.int32),
        )

    def begin(self, x: Strided, statistics: SiteStatistics, split: Split) -> None:
        """Be empty."""
        assert x.step * x.width <= fp32_rows.MOST_VALUES
        self._whole, self._left = np.array(fp32_rows.EMPTY), np.array([fp32_rows.MOST_VALUES])
        self._num_values = 0
        self._row_room = (
            np.empty(x.width, np.uint16),
            np.empty(x.width, np.int32),
            np.empty(x.width, np.int32),
        )
        self._massive.begin(statistics.massive)
        self._linear_input.begin(x, statistics, split)
        self._errors = [Errors(each.threshold) for each in statistics.errors_of(split)]

    def read(self, x: Strided, taken: Int64s, row_max: Int32s) -> None:
        """Read pieces until none is left."""
        while not read_fp32(
            x.memory,
            x.step,
            taken,
            self._left,
            (self._packed, self._squares, self._whole),
            row_max,
            self._massive.found,
            self._linear_input.blocks,
            self._linear_input.squares,
            self._row_room,
        ):
            self._linear_input.spill()
            self._early = self._early or FloatValues()
            self._unpack(self._early)

    def add_errors(self, x: Strided, piece: slice) -> None:
        """Read some rows once for each threshold."""
        for errors in self._errors:
            errors.read(x, x.rows[piece], self._int8_room)

    def give(self, statistics: SiteStatistics, split: Split) -> None:
        """Hand over counts, sums, numbers, extremes and errors."""
        self._massive.give(statistics.massive)
        self._linear_input.give(statistics, split)
        values: Any = statistics.values[split]
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
        for mine, theirs in zip(self._errors, statistics.errors_of(split), strict=True):
            mine.give(theirs)

    def _unpack(self, values: FloatValues) -> None:
        """Empty the bins into counts and sums."""
        sums = _zeros(5, NUM_EXPONENTS)
        fp32_rows.unpack(self._packed, self._squares, values.rounded.counts.numpy(), sums)
        self._num_values += fp32_rows.MOST_VALUES - int(self._left[0])
        self._left[0] = fp32_rows.MOST_VALUES
        plus, minus, of_counts, mixed, of_rest = sums
        squares = total(2, (of_counts, 34), (mixed, 18), (of_rest, 0))
        # in half steps; there is no half of the smallest one
        values.sums.add(total(1, (plus, 0)) >> 1, total(1, (minus, 0)) >> 1, squares >> 2)

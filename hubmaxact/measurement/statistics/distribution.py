"""What is known of all values seen at a site, as plain numbers.

Extremes, moments and quantiles are over finite values; NaN and infinities are counted, never
dropped. Knows nothing of tensors' origin, splits or reports.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]

QUANTILE_LEVELS = ("0.25", "0.5", "0.75", "0.9", "0.99", "0.999", "0.9999")
"""The |x| quantiles of a report, as exact decimals."""


@dataclass(frozen=True, slots=True, eq=False)
class Bins:
    """Distinct finite values, ascending, and how often each was seen."""

    values: Float64s
    counts: Int64s

    def abs_quantile(self, level: str) -> float | None:
        """Inverted CDF of |x|: the value of integer rank ceil(level * n), n the finite count."""
        return self.abs_quantiles((level,))[level]

    def abs_quantiles(self, levels: Sequence[str] = QUANTILE_LEVELS) -> dict[str, float | None]:
        """The same at several levels."""
        num_values = int(self.counts.sum())
        if num_values == 0:
            return dict.fromkeys(levels)
        abs_values = np.abs(self.values)
        order = np.argsort(abs_values, kind="stable")
        ranks = [math.ceil(Fraction(level) * num_values) for level in levels]
        found = abs_values[order][np.searchsorted(np.cumsum(self.counts[order]), ranks)]
        return dict(zip(levels, found.tolist(), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Distribution:
    """Every statistic of one site over one or more splits."""

    count: int  # elements, non-finite ones included
    num_nan: int
    num_inf: int
    num_zeros: int
    num_ties: int  # elements whose |x| equals abs_max
    min: float | None
    max: float | None
    mean: float | None
    std: float | None  # population
    abs_total: float  # sum of |x|
    square_total: float  # sum of x^2
    bins: Bins  # exact for bf16 tensors, values rounded to bf16 for wider ones

    @property
    def num_finite(self) -> int:
        """Elements that are neither NaN nor infinite."""
        return self.count - self.num_nan - self.num_inf

    @property
    def abs_max(self) -> float | None:
        """The largest finite |x|."""
        if self.min is None or self.max is None:
            return None
        return max(-self.min, self.max)

    @property
    def rms(self) -> float | None:
        """Root of the mean square."""
        return math.sqrt(self.square_total / self.num_finite) if self.num_finite else None

    @property
    def abs_mean(self) -> float | None:
        """Mean of |x|."""
        return self.abs_total / self.num_finite if self.num_finite else None

    @property
    def zero_fraction(self) -> float | None:
        """Share of finite values that are exactly zero."""
        return self.num_zeros / self.num_finite if self.num_finite else None

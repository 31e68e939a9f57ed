"""The INT-8 check of arXiv:2605.15572: symmetric, per tensor, one scale from a threshold.

scale = threshold / 127, rounding half to even, integers clamped to [-127, 127]. A diagnostic of one
tensor: deployed kernels do not quantize the residual stream this way.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from hubmaxact.formats import INT8_LEVELS as LEVELS
from hubmaxact.measurement.statistics.accumulator import State, by_part, joined
from hubmaxact.measurement.statistics.distribution import Bins, Distribution
from hubmaxact.measurement.statistics.exact_sums import ExactSums
from hubmaxact.measurement.statistics.rounded_sum import rounded_sum
from hubmaxact.measurement.statistics.values_by_dtype import Values

POLICIES: dict[str, Callable[[Values], float | None]] = {
    "max_abs": lambda calibration: calibration.abs_max(),
    "clip_q0.999": lambda calibration: calibration.bins().abs_quantile("0.999"),
}
"""How each policy takes its threshold from the calibration split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Int8Error:
    """Sums over the finite values of the evaluation split."""

    threshold: float
    sum_sq: float
    err_sq: float
    abs_sum: float
    abs_err: float
    num_clipped: int
    count: int

    @property
    def sqnr_db(self) -> float | None:
        """10 log10(sum x^2 / sum e^2); None when either sum is zero."""
        if self.err_sq == 0.0 or self.sum_sq == 0.0:
            return None
        return 10.0 * math.log10(self.sum_sq / self.err_sq)

    @property
    def rel_rmse(self) -> float | None:
        """Root of sum e^2 / sum x^2."""
        return math.sqrt(self.err_sq / self.sum_sq) if self.sum_sq else None

    @property
    def rel_mae(self) -> float | None:
        """Sum |e| / sum |x|."""
        return self.abs_err / self.abs_sum if self.abs_sum else None

    @property
    def clip_rate(self) -> float | None:
        """Share of values beyond the threshold."""
        return self.num_clipped / self.count if self.count else None


def error_of_bins(bins: Bins, threshold: float) -> Int8Error:
    """The error over exact counts: no tensor needed, any threshold, after the fact."""
    values, counts = bins.values, bins.counts
    scale = threshold / LEVELS
    errors = values - np.clip(np.round(values / scale), -LEVELS, LEVELS) * scale
    return Int8Error(
        threshold=threshold,
        sum_sq=rounded_sum(values * values * counts),
        err_sq=rounded_sum(errors * errors * counts),
        abs_sum=rounded_sum(np.abs(values) * counts),
        abs_err=rounded_sum(np.abs(errors) * counts),
        num_clipped=int(counts[np.abs(values) > threshold].sum()),
        count=int(counts.sum()),
    )


@dataclass(frozen=True, slots=True)
class RoundingErrors:
    """Sums over the errors alone."""

    threshold: float
    abs_err: float
    err_sq: float
    num_clipped: int
    count: int

    def beside(self, evaluation: Distribution) -> Int8Error:
        """The error over the evaluation split, with the sums of its own values.

        Args:
            evaluation: All values of the evaluation split, these errors' own.

        Returns:
            Sums over its finite values.

        Raises:
            ValueError: The errors are not those of all these values.
        """
        if self.count != evaluation.num_finite:
            raise ValueError(f"errors of {self.count} values, expected {evaluation.num_finite}")
        return Int8Error(
            threshold=self.threshold,
            sum_sq=evaluation.square_total,
            err_sq=self.err_sq,
            abs_sum=evaluation.abs_total,
            abs_err=self.abs_err,
            num_clipped=self.num_clipped,
            count=self.count,
        )


class Int8Errors:
    """Native accumulation for fp16 and fp32 tensors, at a threshold fixed beforehand.

    Each error is rounded to float32 (relative 2^-24) and then summed exactly.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.errors = ExactSums()  # of magnitudes
        self.num_clipped = self.count = 0

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Fold in a tensor of the evaluation split."""
        values = x[x.isfinite()].double()
        scale = self.threshold / LEVELS
        errors = values - (values / scale).round().clamp(-LEVELS, LEVELS) * scale
        self.errors.update(errors.float().abs())
        self.num_clipped += int((values.abs() > self.threshold).sum())
        self.count += values.numel()

    def add(self, abs_sum: int, squares: int, num_clipped: int, count: int) -> None:
        """Fold in the errors of other values.

        Args:
            abs_sum: Their magnitudes, in steps of 2^-150.
            squares: Their squares, in steps of 2^-300.
            num_clipped: Values beyond the threshold.
            count: Finite values.
        """
        self.errors.add(abs_sum, 0, squares)
        self.num_clipped += num_clipped
        self.count += count

    def merge(self, other: Self) -> None:
        """Add another's errors.

        Args:
            other: Has seen other values; it stays as it is.

        Raises:
            ValueError: They were made with another threshold.
        """
        if other.threshold != self.threshold:
            raise ValueError(f"expected threshold {self.threshold}, got {other.threshold}")
        self.errors.merge(other.errors)
        self.num_clipped += other.num_clipped
        self.count += other.count

    def state(self) -> State:
        """Threshold, sums of errors, numbers of values."""
        return {
            **joined({"errors": self.errors}),
            "threshold": torch.tensor(self.threshold, dtype=torch.float64),
            "numbers": torch.tensor((self.num_clipped, self.count), dtype=torch.int64),
        }

    def load(self, state: State) -> None:
        """Go on from a state, with its threshold."""
        self.errors.load(by_part(state)["errors"])
        self.threshold = float(state["threshold"])
        self.num_clipped, self.count = state["numbers"].tolist()

    def result(self) -> RoundingErrors:
        """The sums so far, each rounded once, here."""
        _, abs_err, err_sq = self.errors.result()
        return RoundingErrors(
            self.threshold, float(abs_err), float(err_sq), self.num_clipped, self.count
        )

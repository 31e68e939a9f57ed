"""Values of fp16 and fp32 tensors: native extremes, exact sums, counts rounded to bf16.

Order-free like the histogram: integers, extremes and ties only. Quantiles come from the rounded
counts (half of a bf16 step at most, 2^-9 relative); everything else is exact.
"""

import math
from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor

from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.measurement.statistics.accumulator import State, by_part, joined
from hubmaxact.measurement.statistics.bf16_histogram import Bf16Histogram
from hubmaxact.measurement.statistics.distribution import Bins, Distribution
from hubmaxact.measurement.statistics.exact_sums import ExactSums
from hubmaxact.measurement.statistics.nan_and_inf import NanAndInf

NOTHING = NanAndInf()
NO_EXTREMES = math.inf, -math.inf


class FloatValues:
    """Statistics of float16 or float32 values."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        self.rounded = Bf16Histogram(device)
        self.sums = ExactSums()
        self.not_finite = NanAndInf()
        self.count = self.num_zeros = self.num_ties = 0
        self.min, self.max = NO_EXTREMES

    @property
    def counts(self) -> Tensor:
        """How often each bf16 pattern occurs among finite values, rounded; shape (65536,)."""
        return self.rounded.counts

    @property
    def num_finite(self) -> int:
        """Values that are neither NaN nor infinite."""
        return self.count - self.not_finite.total

    @torch.no_grad()
    def update(self, x: Tensor) -> None:
        """Fold in a float16 or float32 tensor of any shape."""
        if x.dtype not in (torch.float16, torch.float32):
            raise ValueError(f"expected float16 or float32, got {x.dtype}")
        values = x.float()
        finite = values[values.isfinite()]
        self.add(count=values.numel(), not_finite=NanAndInf.of(values))
        if finite.numel() == 0:
            return
        # Which of two zeros is met first depends on the order; they are one value.
        low, high = (float(extreme) + 0.0 for extreme in torch.aminmax(finite))
        self.add(
            num_zeros=int((finite == 0).sum()),
            num_ties=int((finite.abs() == max(-low, high)).sum()),
            extremes=(low, high),
        )
        self.sums.update(finite)
        # Rounding must not turn the few largest float32 values into infinities.
        limit = LARGEST_FINITE["bfloat16"]
        self.rounded.update(finite.clamp(-limit, limit).to(torch.bfloat16))

    def merge(self, other: Self) -> None:
        """Fold in all that another has seen; it is left as it is."""
        self.rounded.merge(other.rounded)
        self.merge_numbers(other)

    def merge_numbers(self, other: Self) -> None:
        """Fold in all that another has seen, but for its counts."""
        self.sums.merge(other.sums)
        self.add(
            count=other.count,
            not_finite=other.not_finite,
            num_zeros=other.num_zeros,
            num_ties=other.num_ties,
            extremes=(other.min, other.max),
        )

    def add(
        self,
        *,
        count: int = 0,
        not_finite: NanAndInf = NOTHING,
        num_zeros: int = 0,
        num_ties: int = 0,
        extremes: tuple[float, float] = NO_EXTREMES,
    ) -> None:
        """Fold in what is known of other values, beside their counts and sums.

        Args:
            count: How many there are.
            not_finite: How many of them are not finite.
            num_zeros: How many are zero.
            num_ties: How many have the largest |x| among them.
            extremes: The lowest and the highest finite one.
        """
        self.count += count
        self.not_finite += not_finite
        self.num_zeros += num_zeros
        self._extend(*extremes, num_ties)

    def state(self) -> State:
        """Rounded counts, exact sums, numbers of elements, extremes."""
        bad = self.not_finite
        numbers = (self.count, bad.num_nan, bad.num_inf, self.num_zeros, self.num_ties)
        return {
            **joined({"rounded": self.rounded, "sums": self.sums}),
            "numbers": torch.tensor(numbers, dtype=torch.int64),
            "extremes": torch.tensor((self.min, self.max), dtype=torch.float64),
        }

    def load(self, state: State) -> None:
        """Go on from a state."""
        parts = by_part(state)
        self.rounded.load(parts["rounded"])
        self.sums.load(parts["sums"])
        numbers = state["numbers"].tolist()
        self.count, num_nan, num_inf, self.num_zeros, self.num_ties = numbers
        self.not_finite = NanAndInf(num_nan, num_inf)
        self.min, self.max = state["extremes"].tolist()

    def bins(self) -> Bins:
        """Distinct finite values, rounded to bf16, and their counts."""
        return self.rounded.bins()

    def abs_max(self) -> float | None:
        """The largest finite |x|; None when none was seen."""
        return max(-self.min, self.max) if self.num_ties else None

    def _extend(self, low: float, high: float, num_ties: int) -> None:
        """Widen the extremes; ties count elements at the largest |x| only."""
        old, new = max(-self.min, self.max), max(-low, high)
        if new > old:
            self.num_ties = num_ties
        elif new == old:
            self.num_ties += num_ties
        self.min, self.max = min(self.min, low), max(self.max, high)

    def result(self) -> Distribution:
        """Every statistic of exact sums."""
        return self.result_with(())

    def result_with(self, others: Iterable[Self]) -> Distribution:
        """The result of this one and of others, which stay as they are."""
        others = list(others)
        total = type(self)()
        for part in (self, *others):
            total.merge_numbers(part)
        return _distribution(total, self.rounded.bins_with(other.rounded for other in others))


def _distribution(values: FloatValues, bins: Bins) -> Distribution:
    """Every statistic; sums are rounded once, here."""
    total, abs_total, square_total = values.sums.result()
    num_finite = values.num_finite
    mean = total / num_finite if num_finite else None
    variance = square_total / num_finite - mean * mean if mean is not None else None
    return Distribution(
        count=values.count,
        num_nan=values.not_finite.num_nan,
        num_inf=values.not_finite.num_inf,
        num_zeros=values.num_zeros,
        num_ties=values.num_ties,
        min=values.min if num_finite else None,
        max=values.max if num_finite else None,
        mean=float(mean) if mean is not None else None,
        std=math.sqrt(variance) if variance is not None else None,
        abs_total=float(abs_total),
        square_total=float(square_total),
        bins=bins,
    )

"""Sun et al.'s massive activations: tokens that tower over the rest of themselves.

T rows kept, D channels. Source: Sun et al. 2024, "Massive Activations in Large Language Models".
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Rows

MASSIVE_ABS = 100.0
MASSIVE_RATIO = 1000.0
NO_RATIO = -1.0
NUM_LEADERS = 16
"""Rows whose ratios are found first: with one known, few other rows need a median."""


@dataclass(frozen=True, slots=True)
class MassiveTokens:
    """How many tokens are massive, and the largest ratio of a token's |x| to its median."""

    num_tokens: int
    max_ratio: float | None


class Massive:
    """Counts tokens with |x| > 100 and over 1,000 times the token's median |x|."""

    def __init__(self) -> None:
        self.num_tokens = 0
        self.max_ratio = NO_RATIO

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in one batch.

        The median is the lower one; a zero median, or a row that holds a value that is not finite,
        gives no ratio.
        """
        abs_TD, max_T = rows.abs_TD, rows.row_max_T
        if self.max_ratio == NO_RATIO and len(max_T):
            leaders = max_T.topk(min(NUM_LEADERS, len(max_T))).indices
            ratio_T, _ = _ratios(abs_TD[leaders], max_T[leaders])
            self.fold(0, max(ratio_T.tolist(), default=NO_RATIO))
        chosen = _may_matter(abs_TD, max_T, self.max_ratio)
        ratio_T, max_T = _ratios(abs_TD[chosen], max_T[chosen])
        massive = (max_T > MASSIVE_ABS) & (ratio_T > MASSIVE_RATIO)
        self.fold(int(massive.sum()), max(ratio_T.tolist(), default=NO_RATIO))

    def merge(self, other: Self) -> None:
        """Fold in another count."""
        self.fold(other.num_tokens, other.max_ratio)

    def state(self) -> State:
        """The count, and the largest ratio; -1 for none."""
        return {
            "num_tokens": torch.tensor(self.num_tokens, dtype=torch.int64),
            "max_ratio": torch.tensor(self.max_ratio, dtype=torch.float64),
        }

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.num_tokens = int(state["num_tokens"])
        self.max_ratio = float(state["max_ratio"])

    def result(self) -> MassiveTokens:
        """The count, and the largest ratio; None where no token had one."""
        ratio = self.max_ratio
        return MassiveTokens(self.num_tokens, None if ratio == NO_RATIO else ratio)

    def fold(self, num_tokens: int, max_ratio: float) -> None:
        """Fold in massive tokens that somebody else counted, and the largest ratio there.

        Args:
            num_tokens: How many were massive.
            max_ratio: The largest row maximum / median, -1 for none.
        """
        self.num_tokens += num_tokens
        self.max_ratio = max(max_ratio, self.max_ratio)


def _may_matter(abs_TD: Tensor, max_T: Tensor, max_ratio: float) -> Tensor:
    """Rows that may be massive or beat the largest ratio: indices, hardly more than those.

    A median is a selection; counting is one comparison a value. A ratio above `beaten` needs a
    median below max / beaten, so at least as many values up to there as the median's rank; that
    quotient may be rounded, because rounding keeps order, and keeps the median as it is.
    """
    rank = (abs_TD.shape[1] + 1) // 2
    beaten_T = torch.full_like(max_T, max(max_ratio, 0.0), dtype=torch.float64)
    beaten_T[max_T > MASSIVE_ABS] = min(max(max_ratio, 0.0), MASSIVE_RATIO)
    limit_T = (max_T.double() / beaten_T).to(abs_TD.dtype)
    low = ((abs_TD <= limit_T[:, None]).sum(dim=1) >= rank).nonzero().flatten()
    return low[(abs_TD[low] <= 0).sum(dim=1) < rank]  # no median of zero, nor mostly NaN


def _ratios(abs_TD: Tensor, max_T: Tensor) -> tuple[Tensor, Tensor]:
    """The rows that have a ratio: it, and their largest |x|, both float64."""
    median_T = abs_TD.median(dim=1).values.double()
    usable_T = (median_T > 0) & (abs_TD.amin(dim=1) >= 0)
    max_T = max_T.double()[usable_T]
    return max_T / median_T[usable_T], max_T

"""Sun et al.'s massive activations: tokens that tower over the rest of themselves.

T rows kept, D channels. Source: Sun et al. 2024, "Massive Activations in Large Language Models".
"""

from dataclasses import dataclass
from typing import Self

import torch

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Rows

MASSIVE_ABS = 100.0
MASSIVE_RATIO = 1000.0
NO_RATIO = -1.0


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
        median_T = rows.abs_TD.median(dim=1).values.double()
        usable_T = (median_T > 0) & (rows.abs_TD.amin(dim=1) >= 0)
        if not bool(usable_T.any()):
            return
        row_max_T = rows.row_max_T.double()[usable_T]
        ratio_T = row_max_T / median_T[usable_T]
        massive = (row_max_T > MASSIVE_ABS) & (ratio_T > MASSIVE_RATIO)
        self._fold(int(massive.sum()), float(ratio_T.max()))

    def merge(self, other: Self) -> None:
        """Fold in another count."""
        self._fold(other.num_tokens, other.max_ratio)

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

    def _fold(self, num_tokens: int, max_ratio: float) -> None:
        self.num_tokens += num_tokens
        self.max_ratio = max(max_ratio, self.max_ratio)

"""Sun et al.'s massive activations.

T rows kept, D channels.
"""

import torch
from torch import Tensor

MASSIVE_ABS = 100.0  # Sun et al. 2024, "Massive Activations in Large Language Models"


MASSIVE_RATIO = 1000.0


class Massive:
    """Sun et al.'s count: tokens with |x| > 100 and over 1,000 times the token's median |x|."""

    def __init__(self) -> None:
        self.num_tokens = 0
        self.max_ratio: float | None = None

    def merge(self, other: "Massive") -> None:
        """Fold in another count."""
        self._fold(other.num_tokens, other.max_ratio)

    @torch.no_grad()
    def update(self, abs_TD: Tensor, row_max_T: Tensor) -> None:
        """Fold in |x|. The median is the lower one; a zero median, or a row that holds a value
        that is not finite, gives no ratio.
        """
        median_T = abs_TD.median(dim=1).values.double()
        usable_T = (median_T > 0) & (abs_TD.amin(dim=1) >= 0)
        if not bool(usable_T.any()):
            return
        row_max_T = row_max_T.double()[usable_T]
        ratio_T = row_max_T / median_T[usable_T]
        massive = (row_max_T > MASSIVE_ABS) & (ratio_T > MASSIVE_RATIO)
        self._fold(int(massive.sum()), float(ratio_T.max()))

    def _fold(self, num_tokens: int, max_ratio: float | None) -> None:
        self.num_tokens += num_tokens
        if max_ratio is not None:
            self.max_ratio = max(max_ratio, self.max_ratio or 0.0)

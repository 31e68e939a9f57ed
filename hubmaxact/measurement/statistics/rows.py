"""One watched tensor as rows of real tokens, with what several statistics need of it.

T rows kept, D channels; a row's token is named by (stretch, position, token id), where a stretch is
a part of a sample.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hubmaxact.measurement.batch_plan import Split


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens behind the rows of a tensor.

    Rows of `columns_4T`: stretch, position in the sample, token id, and the index of the token id
    among the `num_groups` distinct ids of the batch.
    """

    columns_4T: Tensor
    num_groups: int

    @property
    def stretch(self) -> Tensor:
        """What maxima are kept of: the stretch of each row, shape (T,)."""
        return self.columns_4T[0]

    @property
    def group(self) -> Tensor:
        """Index of each row's token id among the distinct ids, shape (T,)."""
        return self.columns_4T[3]

    def take(self, rows: Tensor) -> "Tokens":
        """The same for a selection or repetition of rows."""
        return Tokens(self.columns_4T[:, rows], self.num_groups)

    def to(self, device: torch.device) -> "Tokens":
        """The same on another device."""
        return Tokens(self.columns_4T.to(device), self.num_groups)


@dataclass(frozen=True, slots=True)
class Rows:
    """What a site shows of one batch: its rows, whose they are, and their magnitudes."""

    x_TD: Tensor
    abs_TD: Tensor  # |x|, with -1 in place of NaN and infinities
    row_max_T: Tensor  # largest of each row of `abs_TD`
    tokens: Tokens
    split: Split
    expert_T: Tensor | None = None  # which expert saw each row; None outside routed experts

    @classmethod
    @torch.no_grad()
    def of(
        cls, x_TD: Tensor, tokens: Tokens, split: Split, expert_T: Tensor | None = None
    ) -> "Rows":
        """Rows with their magnitudes worked out once, for every statistic that needs them."""
        abs_TD = x_TD.abs()
        row_max_T = abs_TD.amax(dim=1)
        if not bool(row_max_T.isfinite().all()):
            abs_TD = torch.where(abs_TD.isfinite(), abs_TD, -1.0)
            row_max_T = abs_TD.amax(dim=1)
        return cls(x_TD, abs_TD, row_max_T, tokens, split, expert_T)

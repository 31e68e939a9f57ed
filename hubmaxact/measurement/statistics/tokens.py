"""Statistics that need to know which token a row is: largest values, massive tokens, sample maxima.

T rows kept, D channels; a row's token is named by (sample, position, token id). All of it is
order-free: extremes and totally ordered selections only.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens behind the rows of a tensor.

    Rows of `columns_4T`: sample, position, token id, and the index of the token id among the
    `num_groups` distinct ids of the batch.
    """

    columns_4T: Tensor
    num_groups: int

    @property
    def sample(self) -> Tensor:
        """Sample of each row, shape (T,)."""
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


def finite_magnitudes(x_TD: Tensor) -> tuple[Tensor, Tensor]:
    """(|x| with -1 in place of NaN and infinities, its row maxima)."""
    abs_TD = x_TD.abs()
    row_max_T = abs_TD.amax(dim=1)
    if not bool(row_max_T.isfinite().all()):
        abs_TD = torch.where(abs_TD.isfinite(), abs_TD, -1.0)
        row_max_T = abs_TD.amax(dim=1)
    return abs_TD, row_max_T

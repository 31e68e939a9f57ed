"""One watched tensor as the model made it, before anything is read, chosen or copied.

R rows as they come (padding included), D channels, P flat positions of the batch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.rows import Rows, Tokens


@dataclass(frozen=True, slots=True)
class Watched:
    """A tensor, and which token each of its rows belongs to."""

    x_RD: Tensor  # of any strides
    tokens: Tokens  # of every position, padding included
    split: Split
    kept_P: Tensor | None = None  # bool: real tokens; None when nothing is padding
    position_T: Tensor | None = None  # positions of real tokens; None when nothing is padding
    token_R: Tensor | None = None  # position of each row; None: a row's number is its position
    expert_R: Tensor | None = None  # which expert saw each row; None outside routed experts

    def to(self, device: torch.device | str) -> "Watched":
        """The same on another device."""

        def moved(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.to(device)

        return Watched(
            self.x_RD.to(device),
            self.tokens.to(torch.device(device)),
            self.split,
            moved(self.kept_P),
            moved(self.position_T),
            moved(self.token_R),
            moved(self.expert_R),
        )

    def chosen(self) -> Tensor | None:
        """Rows that belong to real tokens, as numbers; None: all of them."""
        if self.kept_P is None or self.token_R is None:
            return self.position_T
        return self.kept_P[self.token_R].nonzero().flatten()

    def of_tokens(self) -> tuple[Tensor, Tensor | None]:
        """The rows that belong to real tokens, and the expert that saw each."""
        chosen = self.chosen()
        if chosen is None:
            return self.x_RD, self.expert_R
        return self.x_RD[chosen], None if self.expert_R is None else self.expert_R[chosen]

    def rows(self) -> Rows:
        """The rows that belong to real tokens, copied, with their magnitudes."""
        (x_TD, expert_T), token_T, chosen = self.of_tokens(), self.token_R, self.chosen()
        if chosen is not None:
            token_T = chosen if token_T is None else token_T[chosen]
        tokens = self.tokens if token_T is None else self.tokens.take(token_T)
        return Rows.of(x_TD, tokens, self.split, expert_T)

"""What reaches the experts of one layer, where all of them are given the same tensor.

T tokens, K experts that each is routed to, E experts, D channels.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from hubmaxact.measurement.batch_plan import Split
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, ExpertSums, Reached
from hubmaxact.measurement.statistics.experts import ExpertMaxima
from hubmaxact.measurement.statistics.group_maxima import GroupMaxima


class TokensOfExperts(NamedTuple):
    """One tensor, and which experts each of its rows reaches."""

    x_TD: Tensor
    chosen_TK: Tensor  # numbers of experts; one that is no expert's is left out
    kept_T: Tensor | None  # bool: tokens that count; None: all
    split: Split
    maxima: GroupMaxima  # finds what each expert is given


class ExpertInput(NamedTuple):
    """What one layer's experts were given."""

    maxima: tuple[float, ...]  # largest |x| by expert, -1 where nothing was finite
    squares: ExpertSums  # of the calibration split


class ExpertInputs:
    """Maxima of each expert, and over the calibration split sums of squares.

    Args:
        num_experts: Experts of the layer.
        device: Where the tensors are.
    """

    def __init__(self, num_experts: int, device: torch.device | str = "cpu") -> None:
        self.num_experts, self.device = num_experts, torch.device(device)
        self.maxima = ExpertMaxima(num_experts, device)
        self.squares = ExpertSquares(num_experts, device)

    @torch.no_grad()
    def update(self, seen: TokensOfExperts) -> None:
        """Fold in one tensor of this device; a GPU is not waited for."""
        x_TD, chosen_TK, kept_T, split, maxima = seen
        self.maxima.raise_to(maxima.of_experts(x_TD, chosen_TK, kept_T, self.num_experts))
        if split is Split.CALIBRATION:
            if kept_T is not None:
                chosen_TK = chosen_TK.where(kept_T[:, None], self.num_experts)
            maxima.add_squares(Reached(x_TD, chosen_TK), self.squares)

    def merge(self, other: Self) -> None:
        """Fold in another's."""
        self.maxima.merge(other.maxima)
        self.squares.merge(other.squares)

    def state(self) -> State:
        """Of both."""
        return self.maxima.state() | self.squares.state()

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.maxima.load(state)
        self.squares.load(state)

    def result(self) -> ExpertInput:
        """Of both."""
        return ExpertInput(self.maxima.result(), self.squares.result())

"""The sum of x^2 of each channel, by the routed expert that a row reaches.

Sums are made and merged as `channel_squares` does, over a matrix of experts and channels.

T rows, K experts that each reaches, E experts, D channels.
"""

from typing import NamedTuple, Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.channel_squares import ChannelSquares
from hubmaxact.measurement.statistics.distribution import Float64s
from hubmaxact.measurement.statistics.experts import RoutedTokens

MOST_VALUES = 1 << 26
"""A GPU sorts at most so many values by expert at a time: 256 MiB of float32."""


class ExpertSums(NamedTuple):
    """What each expert of a layer was given."""

    sums_ED: Float64s  # infinity where not known; no columns before the first row
    num_rows: tuple[int, ...]  # by expert


class Reached(NamedTuple):
    """Rows, and the experts that each of them reaches."""

    x_TD: Tensor
    chosen_TK: Tensor  # numbers of experts; from E on they are of none

    @classmethod
    def one_each(cls, x_TD: Tensor, expert_T: Tensor | None) -> Self:
        """Rows that one expert saw each.

        Args:
            x_TD: The rows.
            expert_T: The expert of each.

        Returns:
            The same with one choice in each row.

        Raises:
            ValueError: The rows do not say it.
        """
        if expert_T is None:
            raise ValueError("expected rows of experts, got rows of tokens")
        return cls(x_TD, expert_T[:, None])


class ExpertSquares:
    """Sums of squares by expert and channel, and the rows that they are over.

    Args:
        num_experts: Of the layer.
        device: Where the site's tensors are.
    """

    def __init__(self, num_experts: int, device: torch.device | str = "cpu") -> None:
        self.num_experts, self.device = num_experts, torch.device(device)
        self.squares = ChannelSquares(device, most_partial=1)  # each is as large as their sum
        self.rows = RoutedTokens(num_experts, device)

    @torch.no_grad()
    def update(self, reached: Reached) -> None:
        """Fold in rows.

        Args:
            reached: Of a width that is the same every time.

        Raises:
            ValueError: Other rows had another width.
        """
        x_TD, chosen_TK = reached
        if not len(x_TD):
            return
        chosen_TK = chosen_TK.clamp(max=self.num_experts).long()
        by_expert = _sorted if x_TD.is_cuda else _in_order
        self.squares.add(by_expert(x_TD, chosen_TK, self.num_experts).reshape(-1))
        self.rows.update(chosen_TK)

    def merge(self, other: Self) -> None:
        """Add another's sums."""
        self.squares.merge(other.squares)
        self.rows.merge(other.rows)

    def state(self) -> State:
        """Sums as `ChannelSquares` has them, expert by expert, and rows by expert."""
        return self.squares.state() | self.rows.state()

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.squares.load(state)
        self.rows.load(state)

    def result(self) -> ExpertSums:
        """The sums as a matrix."""
        sums = self.squares.result()
        return ExpertSums(sums.reshape(self.num_experts, -1), self.rows.result())


def _in_order(x_TD: Tensor, chosen_TK: Tensor, num_experts: int) -> Tensor:
    """Add row after row: on a CPU any number of threads makes the same sums."""
    squares_TD = x_TD.float().square()
    sums = squares_TD.new_zeros((num_experts + 1, squares_TD.shape[1]))
    for chosen_T in chosen_TK.unbind(dim=1):
        sums.index_add_(0, chosen_T, squares_TD)
    return sums[:num_experts]


def _sorted(x_TD: Tensor, chosen_TK: Tensor, num_experts: int) -> Tensor:
    """Bring rows of one expert together, so that a GPU adds them up in one order, and waits not."""
    num_chosen, width = chosen_TK.shape[1], x_TD.shape[1]
    length = max(1, MOST_VALUES // (num_chosen * width))
    bounds = torch.arange(num_experts + 1, device=x_TD.device)
    sums = x_TD.new_zeros((num_experts, width), dtype=torch.float32)
    for x_ND, chosen_NK in zip(x_TD.split(length), chosen_TK.split(length), strict=True):
        expert, order = torch.sort(chosen_NK.reshape(-1), stable=True)
        rows = x_ND.float().square()[order // num_chosen]  # squared once for all that it reaches
        offsets = torch.searchsorted(expert, bounds)
        # Unsafe: to check the offsets, the GPU would have to be waited for.
        sums += torch.segment_reduce(rows, "sum", offsets=offsets, axis=0, unsafe=True)
    return sums

"""The largest of groups of rows: norms of heads, squares of pairs of channels, |x| of experts.

Of experts also sums of squares, as they are found in the same way.

B sequences, H heads, L tokens, D channels, P pairs; T tokens in a row, E experts.
"""

from math import inf
from typing import Protocol

import torch
from torch import Tensor

from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.expert_squares import ExpertSquares, Reached


class GroupMaxima(Protocol):
    """A way of finding them; none waits for a GPU."""

    def norms(self, x_BHLD: Tensor, kept_BL: Tensor | None) -> Tensor:
        """The largest norm of a token by head.

        Args:
            x_BHLD: Queries or keys.
            kept_BL: Which tokens count, bool; None: all.

        Returns:
            Shape (H,), of float32 sums in any order; infinite where a token's is no number.
        """

    def pair_squares(self, x_BHLD: Tensor, kept_BL: Tensor | None, pairs: Pairs) -> Tensor:
        """The largest sum of squares of a pair of channels, by head.

        Args:
            x_BHLD: Keys.
            kept_BL: Which tokens count, bool; None: all.
            pairs: The channels that belong together.

        Returns:
            Shape (H, P), float32, what is not finite taken for zero.
        """

    def of_experts(
        self, x_TD: Tensor, chosen_TK: Tensor, kept_T: Tensor | None, num_experts: int
    ) -> Tensor:
        """The largest finite |x| that each expert is given.

        Args:
            x_TD: One row for each token.
            chosen_TK: Numbers of the experts that it is routed to; from E on they are of none.
            kept_T: Which tokens count, bool; None: all.
            num_experts: E.

        Returns:
            Shape (E,), float32, -1 where nothing was finite.
        """

    def add_squares(self, reached: Reached, squares: ExpertSquares) -> None:
        """Add up squares of each channel that each expert is given.

        Args:
            reached: The rows.
            squares: Of the layer.
        """


class TorchMaxima:
    """By torch's operations, on any device."""

    def norms(self, x_BHLD: Tensor, kept_BL: Tensor | None) -> Tensor:
        """In one read."""
        norm_BHL: Tensor = torch.linalg.vector_norm(x_BHLD, dim=-1, dtype=torch.float32)
        norm_BHL.nan_to_num_(nan=inf, posinf=inf)
        if kept_BL is not None:
            norm_BHL.masked_fill_(~kept_BL[:, None, :], 0.0)
        return norm_BHL.amax(dim=(0, 2))

    def pair_squares(self, x_BHLD: Tensor, kept_BL: Tensor | None, pairs: Pairs) -> Tensor:
        """Pair by pair; on a GPU squares of norms, twice rounded more."""
        squares_BHLP = pairs.squares(x_BHLD.nan_to_num(nan=0.0, posinf=0.0, neginf=0.0))
        if kept_BL is not None:
            squares_BHLP.masked_fill_(~kept_BL[:, None, :, None], 0.0)
        return squares_BHLP.amax(dim=(0, 2))

    def of_experts(
        self, x_TD: Tensor, chosen_TK: Tensor, kept_T: Tensor | None, num_experts: int
    ) -> Tensor:
        """Token by token, then expert by expert."""
        largest_T = x_TD.abs().masked_fill_(~x_TD.isfinite(), -1.0).amax(dim=-1).float()
        if kept_T is not None:
            largest_T = largest_T.where(kept_T, -1.0)
        maxima = torch.full((num_experts + 1,), -1.0, device=x_TD.device)
        chosen = chosen_TK.clamp(max=num_experts).reshape(-1).long()
        of_each = largest_T[:, None].expand(chosen_TK.shape).reshape(-1)
        return maxima.scatter_reduce_(0, chosen, of_each, "amax")[:num_experts]

    def add_squares(self, reached: Reached, squares: ExpertSquares) -> None:
        """As the sums do it themselves."""
        squares.update(reached)


TORCH = TorchMaxima()


def are_near(one: Tensor, other: Tensor) -> bool:
    """Whether norms or squares of the same rows differ by the order of float32 sums alone.

    Args:
        one: Found in one way.
        other: In another.

    Returns:
        Whether they are of one shape, and equal but for roundings of up to 1,024 additions.
    """
    return one.shape == other.shape and torch.allclose(one, other, rtol=2**-13, atol=2**-74)

"""How large a channel of a cached head can get at any position, where channels rotate in pairs.

A position embedding that rotates channels in pairs moves what is in one of a pair to the other as
positions go on: the norm of the pair is as large as either can get at any position, which no single
channel shows on short texts.

B sequences, H heads, L tokens, D channels, P pairs.
"""

from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.group_maxima import TORCH, GroupMaxima

ByHead = tuple[tuple[float, ...], ...]
"""Head -> a norm for each pair."""


class RotaryEnvelope:
    """The largest norm of a token by head and pair; infinite where float32 squares go beyond it.

    A value that is not finite counts as zero beside the other one of its pair.

    Args:
        pairs: The channels that rotate together.
        device: Where the tensors are.
    """

    def __init__(self, pairs: Pairs, device: torch.device | str = "cpu") -> None:
        self.pairs = pairs
        self.squares = torch.empty((0, 0), device=device)

    @torch.no_grad()
    def update(
        self, x_BHLD: Tensor, kept_BL: Tensor | None = None, maxima: GroupMaxima = TORCH
    ) -> None:
        """Fold in keys; a GPU is not waited for.

        Args:
            x_BHLD: As handed to the cache; H is the same in all of them.
            kept_BL: Which tokens count, bool; None: all.
            maxima: Finds squares of pairs.

        Raises:
            ValueError: Other tensors had other heads.
        """
        if x_BHLD.numel():
            self._raise_to(maxima.pair_squares(x_BHLD, kept_BL, self.pairs))

    def merge(self, other: Self) -> None:
        """Fold in another's norms.

        Args:
            other: Of heads alike; it stays as it is.

        Raises:
            ValueError: It has seen other heads or pairs.
        """
        if other.pairs != self.pairs:
            raise ValueError(f"expected {self.pairs}, got {other.pairs}")
        if len(other.squares):
            self._raise_to(other.squares.to(self.squares.device))

    def _raise_to(self, squares_HP: Tensor) -> None:
        if not len(self.squares):
            self.squares = torch.zeros_like(squares_HP)
        elif self.squares.shape != squares_HP.shape:
            here, got = tuple(self.squares.shape), tuple(squares_HP.shape)
            raise ValueError(f"expected (heads, pairs) {here}, got {got}")
        self.squares = torch.maximum(self.squares, squares_HP)

    def state(self) -> State:
        """The squares of the norms."""
        return {"squares": self.squares}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.squares = state["squares"].to(self.squares.device, copy=True)

    def result(self) -> ByHead:
        """The norms, as exact as the squares are."""
        return tuple(map(tuple, self.squares.double().sqrt().tolist()))

"""Routed experts of one layer: the tokens that each receives, and the largest |x| in each."""

from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.statistics.accumulator import State
from hubmaxact.measurement.statistics.rows import Rows


class RoutedTokens:
    """How many tokens each expert of a layer receives.

    Args:
        num_experts: Experts of the layer; a router may also choose none at all, by higher numbers.
        device: Where the router's choices are.
    """

    def __init__(self, num_experts: int, device: torch.device | str = "cpu") -> None:
        self.tokens = torch.zeros(num_experts, dtype=torch.int64, device=device)

    @torch.no_grad()
    def update(self, top_k_index: Tensor, kept_T: Tensor | None = None) -> None:
        """Fold in the chosen experts of some tokens; a GPU is not waited for.

        Args:
            top_k_index: Numbers of experts, shape (T, k).
            kept_T: Which tokens count, bool of shape (T,); None: all.
        """
        # ZAYA's routers may also choose no expert at all: those land in one more bin, or in none.
        bins = len(self.tokens) + 1
        chosen = top_k_index.double()
        if kept_T is not None:
            chosen = chosen.where(kept_T[:, None], bins)
        self.tokens += torch.histc(chosen, bins, min=0, max=bins)[:-1].long()

    def merge(self, other: Self) -> None:
        """Add another's counts."""
        self.tokens += other.tokens.to(self.tokens.device)

    def state(self) -> State:
        """The counts."""
        return {"tokens": self.tokens}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.tokens.copy_(state["tokens"])

    def result(self) -> tuple[int, ...]:
        """Tokens by expert."""
        return tuple(self.tokens.tolist())


class ExpertMaxima:
    """The largest |x| of each expert at one site inside them; -1 where nothing was finite.

    Args:
        num_experts: Experts of the layer.
        device: Where the site's tensors are.
    """

    def __init__(self, num_experts: int, device: torch.device | str = "cpu") -> None:
        self.abs_max = torch.full((num_experts,), -1.0, device=device)

    @torch.no_grad()
    def update(self, rows: Rows) -> None:
        """Fold in rows that say which expert saw them.

        Args:
            rows: Of a site inside routed experts, shape (T, D). A row whose number is no expert's
                is left out.

        Raises:
            ValueError: The rows do not say it.
        """
        if rows.expert_T is None:
            raise ValueError("expected rows of experts, got rows of tokens")
        real = rows.expert_T < len(self.abs_max)
        chosen, largest = rows.expert_T[real].long(), rows.row_max_T[real].float()
        self.abs_max.scatter_reduce_(0, chosen, largest, "amax")

    @torch.no_grad()
    def raise_to(self, found_E: Tensor) -> None:
        """Fold in maxima of each expert, -1 for none."""
        torch.maximum(self.abs_max, found_E.to(self.abs_max.device), out=self.abs_max)

    def merge(self, other: Self) -> None:
        """Fold in another's maxima."""
        self.abs_max = torch.maximum(self.abs_max, other.abs_max.to(self.abs_max.device))

    def state(self) -> State:
        """The maxima."""
        return {"abs_max": self.abs_max}

    def load(self, state: State) -> None:
        """Go on from a state."""
        self.abs_max.copy_(state["abs_max"])

    def result(self) -> tuple[float, ...]:
        """The maxima by expert."""
        return tuple(self.abs_max.tolist())

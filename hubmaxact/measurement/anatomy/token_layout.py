"""How the rows of a watched tensor map to the tokens of a batch.

B sequences of L tokens (padding included) are numbered 0 .. B*L-1, row-major.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

import torch
from torch import Tensor


class Layout(StrEnum):
    """Where tokens are among the dimensions of a tensor; S streams count as channels."""

    BATCHED = "(B, L, ...)"
    FLAT = "(B*L, ...)"
    STREAMS_BATCHED = "(S, B, L, ...)"
    STREAMS_FLAT = "(S, B*L, ...)"
    ONE_HEAD = "(B, 1, L, ...)"


def layout_of(shape: Sequence[int], num_sequences: int, length: int) -> Layout | None:
    """Tell the layout from a shape; None when it does not say which row is which token.

    A shape can pass for two layouts when sizes coincide, so this is asked once, of a probe whose
    sizes coincide with nothing, and not of every batch.
    """
    pair, flat = (num_sequences, length), (num_sequences * length,)
    shape = tuple(shape)
    if shape[:2] == pair and len(shape) >= 3:
        return Layout.BATCHED
    if shape[:1] == flat and len(shape) >= 2:
        return Layout.FLAT
    if shape[1:3] == pair and len(shape) >= 4:
        return Layout.STREAMS_BATCHED
    if shape[1:2] == flat and len(shape) >= 3:
        return Layout.STREAMS_FLAT
    if shape[:3] == (num_sequences, 1, length) and len(shape) >= 4:
        return Layout.ONE_HEAD
    return None


def rows_by_token(x: Tensor, layout: Layout, num_sequences: int, length: int) -> Tensor:
    """View a tensor of this layout as (B*L, channels)."""
    if layout is Layout.STREAMS_BATCHED:
        x = x.movedim(0, 2)
    elif layout is Layout.STREAMS_FLAT:
        x = x.movedim(0, 1)
    elif layout is Layout.ONE_HEAD:
        x = x.squeeze(1)
    rows = x.reshape(num_sequences * length, -1)
    # Equal numbers of elements are no proof: the leading dimensions must be the tokens'.
    if x.shape[:2] != (num_sequences, length) and len(x) != len(rows):
        raise ValueError(f"expected {layout} with B={num_sequences}, L={length}, got {x.shape}")
    return rows


MOST_OF_SMALL_SORT = 4096
"""Up to here torch sorts by another algorithm on CUDA."""


class Routed(NamedTuple):
    """What each row inside routed experts belongs to."""

    token: Tensor  # flat position, shape (rows,)
    expert: Tensor  # shape (rows,)
    is_dense: bool = False  # every expert has a row of every token, zero where it is not its

    def take(self, rows: Tensor) -> "Routed":
        """The same for a selection of rows, which is dense no more."""
        return Routed(self.token[rows], self.expert[rows])

    def without_idle(self, x: Tensor) -> tuple[Tensor, "Routed"]:
        """The rows, and those of a tensor, that tokens were routed to."""
        if not self.is_dense:
            return x, self
        chosen = x.any(dim=-1).nonzero().flatten()
        return x[chosen], self.take(chosen)


def _sorted_by_expert(top_k_index: Tensor) -> Routed:
    expert, order = _sorted(top_k_index.reshape(-1))
    return Routed(order // top_k_index.shape[-1], expert)


def _sorted(expert: Tensor) -> tuple[Tensor, Tensor]:
    """As transformers' own sort of the same ids gives them, places of equal ids included."""
    if expert.device.type != "cuda" or len(expert) <= MOST_OF_SMALL_SORT:
        return torch.sort(expert)  # not always stable, so it must be the very same call
    # A large sort there is stable, and one of short keys makes a quarter of the passes.
    sorted_expert, order = torch.sort(expert.to(torch.int16), stable=True)
    return sorted_expert.long(), order


def _in_token_order(top_k_index: Tensor) -> Routed:
    rows = torch.arange(top_k_index.numel(), device=top_k_index.device)
    return Routed(rows // top_k_index.shape[-1], top_k_index.reshape(-1))


ROUTED_ROWS: dict[str, Callable[[Tensor], Routed]] = {
    "grouped_mm": _sorted_by_expert,
    "batched_mm": _in_token_order,
}
"""Per experts implementation: what the rows inside the experts belong to, from (tokens, k) ids."""

"""How the rows of a watched tensor map to the tokens of a batch.

B sequences of L tokens (padding included) are numbered 0 .. B*L-1, row-major.
"""

from collections.abc import Callable

import torch
from torch import Tensor


def rows_by_token(x: Tensor, num_sequences: int, length: int) -> Tensor | None:
    """View a tensor as (B*L, channels), or None when its shape does not say which row is which.

    Understands (B, L, ...), (B*L, ...), (streams, B, L, ...) and (streams, B*L, ...); trailing
    dimensions and streams count as channels.
    """
    num_tokens = num_sequences * length
    shape = tuple(x.shape)
    if shape[:2] == (num_sequences, length) and x.dim() >= 3:
        return x.reshape(num_tokens, -1)
    if shape[:1] == (num_tokens,) and x.dim() >= 2:
        return x.reshape(num_tokens, -1)
    if shape[1:3] == (num_sequences, length) and x.dim() >= 4:
        return x.movedim(0, 2).reshape(num_tokens, -1)
    if shape[1:2] == (num_tokens,) and x.dim() >= 3:
        return x.movedim(0, 1).reshape(num_tokens, -1)
    return None


def _sorted_by_expert(top_k_index: Tensor) -> Tensor:
    _, order = torch.sort(top_k_index.reshape(-1))
    return order // top_k_index.shape[-1]


def _in_token_order(top_k_index: Tensor) -> Tensor:
    rows = torch.arange(top_k_index.numel(), device=top_k_index.device)
    return rows // top_k_index.shape[-1]


ROUTED_ROWS: dict[str, Callable[[Tensor], Tensor]] = {
    "grouped_mm": _sorted_by_expert,  # the same torch.sort call as transformers', on the same ids
    "batched_mm": _in_token_order,
}
"""Per experts implementation: the token of each row inside the experts, from (tokens, k) ids."""

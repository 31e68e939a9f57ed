"""A base's weights with an adapter merged: each made in float32 and rounded once, when placed."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial, reduce
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from hubmaxact.adapters.merges import Addition, Merge
from hubmaxact.adapters.tensor_names import HEAD
from hubmaxact.measurement.checkpoint.adapter import Adapter
from hubmaxact.measurement.checkpoint.lazy_state import LazyWeight

Read = Callable[[str], Tensor]


@contextmanager
def merged_state(adapter: Adapter | None, state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Open an adapter's file and merge it.

    Args:
        adapter: What is merged. None: nothing.
        state: What `lazy_state` yields of its base.

    Yields:
        The same, with a `LazyWeight` where the adapter changes something; good while the block
        runs.
    """
    if adapter is None:
        yield dict(state)
        return
    with safe_open(adapter.folder / adapter.shards[0], framework="pt", device="cpu") as file:
        merged: dict[str, Any] = {
            name: LazyWeight(
                partial(merged_weight, merge, file.get_tensor, state.get(name)),
                (file.get_slice(merge.whole) if merge.whole else state[name]).get_shape(),
            )
            for name, merge in adapter.merges.weights.items()
        }
        head = adapter.merges.own_head
        if head not in {None, HEAD}:
            merged[HEAD] = state[head]  # the embedding as it was
        yield {**state, **merged}


def merged_weight(merge: Merge, read: Read, base: Any, dtype: torch.dtype) -> Tensor:
    """Make one weight.

    Args:
        merge: How it comes about.
        read: Reads a tensor of the adapter by name.
        base: The base's weight, as a slice of a file or a `LazyWeight`. None: it has none, and the
            adapter brings the whole.
        dtype: What is rounded to.

    Returns:
        W + scale * (B @ A), summed in float32 and rounded once.
    """
    own = base[...].to(dtype=torch.float32) if merge.whole is None else read(merge.whole)
    if merge.added is not None:
        own = own.to(torch.float32) + _product(merge.added, read)
    rounded: Tensor = own.to(dtype)
    return rounded


def _product(addition: Addition, read: Read) -> Tensor:
    """What is added, in float32; multiplied before it is scaled, as PEFT does."""
    product = reduce(torch.matmul, (read(name).to(torch.float32) for name in addition.factors))
    return (product.T if addition.is_transposed else product) * addition.scale

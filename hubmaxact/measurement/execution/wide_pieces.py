"""A narrow tensor widened to float32, whole or in pieces, and the product of it rounded.

A piece and its result take `MOST_BYTES` at most, or what the fewest slices take.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

NARROW = (torch.bfloat16, torch.float16)
MOST_BYTES = 1 << 28
BYTES = 4  # of a float32
FEWEST_ROWS = 64
"""Rows of a piece at least: with fewer than 16 Intel's BLAS adds in another order."""

Product = Callable[..., Any]


def all_narrow(values: Iterable[Any]) -> bool:
    """Whether all tensors of numbers are of one narrow format."""
    formats = {tensor.dtype for tensor in tensors_in(values) if tensor.is_floating_point()}
    return len(formats) == 1 and formats.pop() in NARROW


def tensors_in(values: Iterable[Any]) -> Iterator[Tensor]:
    """Yield the tensors among some arguments and in their lists."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from tensors_in(value)


def widened(value: Any) -> Any:
    """An argument in float32 where it is narrow; of a list, each."""
    if isinstance(value, Tensor):
        return value.float() if value.dtype in NARROW else value
    if isinstance(value, list | tuple):
        return [widened(each) for each in value]
    return value


def whole(product: Product, *args: Any, **kwargs: Any) -> Tensor:
    """A product that is not cut."""
    narrow = next(t.dtype for t in tensors_in([*args, *kwargs.values()]) if t.is_floating_point())
    wide = {name: widened(value) for name, value in kwargs.items()}
    result: Tensor = product(*widened(args), **wide)
    return result.to(narrow)


def in_pieces(product: Product, slices: Sequence[Tensor], floats: int, fewest: int) -> Tensor:
    """A product that falls apart along the first dimension of some tensors.

    Args:
        product: Of pieces of them, widened.
        slices: Tensors of equal first dimension.
        floats: Values of a slice of each and of its result.
        fewest: Slices of a piece at least.

    Returns:
        All results, rounded.
    """
    number, narrow = len(slices[0]), slices[0].dtype
    step = max(fewest, MOST_BYTES // (BYTES * max(1, floats)) // fewest * fewest)
    starts = range(0, max(1, number - fewest + 1), step)
    if len(starts) == 1:
        result: Tensor = product(*(each.float() for each in slices))
        return result.to(narrow)
    made: Tensor | None = None
    for start, end in zip(starts, (*starts[1:], number), strict=True):
        piece: Tensor = product(*(each[start:end].float() for each in slices))
        if made is None:
            made = piece.new_empty((number, *piece.shape[1:]), dtype=narrow)
        made[start:end] = piece
    assert made is not None
    return made


def of_rows(product: Product, x: Tensor, num_outputs: int) -> Tensor:
    """A product that falls apart by rows, x: (..., inputs)."""
    num_inputs = x.shape[-1]
    rows = x.reshape(-1, num_inputs)
    made = in_pieces(product, [rows], num_inputs + num_outputs, FEWEST_ROWS)
    return made.reshape(*x.shape[:-1], num_outputs)


def is_large(a: Tensor, b: Tensor) -> bool:
    """Whether two stacks of matrices and their products, widened, are too much at once."""
    results = a.numel() // a.shape[-1] * b.shape[-1]
    return BYTES * (a.numel() + b.numel() + results) > MOST_BYTES

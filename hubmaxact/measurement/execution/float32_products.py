"""Products of bf16 and fp16 tensors made in float32, each result rounded once, bias included.

Widening is exact, and a product of two bf16 or fp16 values is exact in float32, so the roundings
are those of float32 sums and the last one. No weight is kept twice: one is widened for its product
and dropped. Rows are widened in pieces of a stated size (see `wide_pieces`); einsum and its like,
which no text decoder makes large, are not cut.

Left alone is what torch computes in float32 by itself or in one kernel: fused attention, which is
as fast either way; results written into a given tensor; tensors of unequal formats.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from hubmaxact.measurement.execution.wide_pieces import (
    all_narrow,
    in_pieces,
    is_large,
    of_rows,
    whole,
    widened,
)

functional = nn.functional

MATRICES = ("batch1", "batch2")
"""What baddbmm calls the tensors that it multiplies."""

Function = Callable[..., Any]
Product = Callable[..., Tensor]


class Float32Products(TorchFunctionMode):
    """While entered, a product of narrow tensors is one of float32 tensors, rounded at its end."""

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        product = PRODUCTS.get(func) or OPERATORS.get(getattr(func, "__name__", ""))
        left_alone = any(kwargs.get(name) is not None for name in LEFT_ALONE)
        if product is None or left_alone or not all_narrow([*args, *kwargs.values()]):
            return func(*args, **kwargs)
        return product(func, *args, **kwargs)


def _linear(func: Function, *args: Any, **kwargs: Any) -> Tensor:
    if len(args) < 2 or args[1].dim() != 2 or kwargs:
        return whole(func, *args, **kwargs)
    x, weight, *bias = args
    wide = widened([weight, *bias])
    return of_rows(lambda rows: func(rows, *wide), x, len(weight))


def _matmul(func: Function, *args: Any, **kwargs: Any) -> Tensor:
    """Rows times a matrix, or as many matrices on both sides."""
    if len(args) != 2 or kwargs:
        return whole(func, *args, **kwargs)
    a, b = args
    if a.dim() >= 2 and b.dim() == 2:
        wide = b.float()
        return of_rows(lambda rows: func(rows, wide), a, b.shape[1])
    if a.dim() == b.dim() == 4 and a.shape[:2] == b.shape[:2] and is_large(a, b):
        made = _batched(torch.bmm, a.flatten(0, 1), b.flatten(0, 1))
        return made.reshape(*a.shape[:2], *made.shape[1:])
    return _batched(func, a, b)


def _batched(func: Function, *args: Any, **kwargs: Any) -> Tensor:
    """As many matrices in each tensor; the last two are multiplied."""
    tensors = [*args, *(kwargs[name] for name in MATRICES if name in kwargs)]
    if "input" in kwargs or any(x.dim() != 3 or len(x) != len(tensors[0]) for x in tensors):
        return whole(func, *args, **kwargs)
    more = {name: value for name, value in kwargs.items() if name not in MATRICES}
    results = tensors[-2].shape[1] * tensors[-1].shape[2]
    floats = sum(x.shape[1] * x.shape[2] for x in tensors) + results
    return in_pieces(lambda *pieces: func(*pieces, **more), tensors, floats, 1)


def _addmm(func: Function, *args: Any, **kwargs: Any) -> Tensor:
    if len(args) != 3 or args[0].dim() != 1:
        return whole(func, *args, **kwargs)
    bias, weight = widened([args[0], args[2]])
    return of_rows(lambda rows: func(bias, rows, weight, **kwargs), args[1], weight.shape[1])


def _conv1d(func: Function, *args: Any, **kwargs: Any) -> Tensor:
    """Sequence by sequence, x: (sequences, channels, tokens)."""
    if len(args) < 2 or args[0].dim() != 3:
        return whole(func, *args, **kwargs)
    x, weight, *rest = args
    wide = widened([weight, *rest])
    more = {name: widened(value) for name, value in kwargs.items()}
    floats = (x.shape[1] + len(weight)) * x.shape[2]
    return in_pieces(lambda piece: func(piece, *wide, **more), [x], floats, 1)


def _grouped(func: Function, *args: Any, **kwargs: Any) -> Tensor:
    """Rows of one expert after another: one widened expert in memory, none for one without rows.

    x: (rows, inputs), weights: (experts, inputs, outputs); where each expert's rows end.
    """
    if len(args) < 2:
        return whole(func, *args, **kwargs)
    x, weights, *rest = args
    ends = rest[0] if rest else kwargs.get("offs")
    more = [*rest[1:], *(value for name, value in kwargs.items() if name != "offs")]
    if ends is None or x.dim() != 2 or weights.dim() != 3 or any(v is not None for v in more):
        return whole(func, *args, **kwargs)
    made: Tensor = x.new_zeros(len(x), weights.shape[2])
    start = 0
    for weight, end in zip(weights, ends.tolist(), strict=True):
        if end > start:
            made[start:end] = _matmul(torch.mm, x[start:end], weight)
        start = end
    return made


PRODUCTS: dict[Function, Product] = {
    functional.linear: _linear,
    functional.conv1d: _conv1d,
    torch.addmm: _addmm,
    Tensor.addmm: _addmm,
    torch.baddbmm: _batched,
    Tensor.baddbmm: _batched,
    **dict.fromkeys(
        (
            torch.matmul,
            torch.mm,
            torch.bmm,
            Tensor.matmul,
            Tensor.__matmul__,
            Tensor.mm,
            Tensor.bmm,
        ),
        _matmul,
    ),
    **dict.fromkeys(
        (
            functional.bilinear,
            functional.conv2d,
            functional.conv3d,
            torch.addbmm,
            torch.addmv,
            torch.einsum,
            torch.inner,
            torch.mv,
            torch.tensordot,
            Tensor.__rmatmul__,
            Tensor.addbmm,
            Tensor.addmv,
            Tensor.inner,
            Tensor.mv,
        ),
        whole,
    ),
    **{
        getattr(room, name): _grouped
        for room, name in ((functional, "grouped_mm"), (torch, "_grouped_mm"))
        if hasattr(room, name)  # depends on torch's age
    },
}
"""Functions that multiply, and how each falls apart. Results of in-place ones are left alone."""

OPERATORS: dict[str, Product] = {"grouped_mm_fallback": _grouped}
"""The same of operators, by name; transformers registers this one for an older torch."""

LEFT_ALONE = ("out", "out_dtype")
"""Arguments that say where the result goes, or what it is rounded to."""

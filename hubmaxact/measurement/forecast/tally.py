"""What a forward pass holds at once and what its products cost, counted while it runs.

Works on tensors that are shapes alone as on real ones.
"""

import weakref
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

Shape = torch.Size


def _product(x: Shape, w: Shape) -> int:
    """Rows by columns, whether by one matrix, by one for each in a batch, or by an expert's."""
    return 2 * x.numel() * w[-1]


def _added_product(_: Shape, x: Shape, w: Shape) -> int:
    return _product(x, w)


def _attention(q: Shape, k: Shape, v: Shape) -> int:
    """Queries by keys, and what they weigh by values; a causal kernel may leave half of it out."""
    return 2 * q.numel() * k[-2] + 2 * (q.numel() // q[-1]) * k[-2] * v[-1]


OPERATIONS: dict[str, Callable[..., int]] = {
    "aten::mm": _product,
    "aten::bmm": _product,
    "aten::_grouped_mm": _product,
    "transformers::grouped_mm_fallback": _product,
    "aten::addmm": _added_product,
    "aten::baddbmm": _added_product,
    "aten::_scaled_dot_product_flash_attention_for_cpu": _attention,
    "aten::_scaled_dot_product_flash_attention": _attention,
    "aten::_scaled_dot_product_efficient_attention": _attention,
    "aten::_scaled_dot_product_cudnn_attention": _attention,
    "aten::_scaled_dot_product_fused_attention_overrideable": _attention,
}
"""Operations whose cost is counted, by the shapes of their first arguments."""


class Tally(TorchDispatchMode):
    """Counts, while it is entered, the bytes of tensors that are alive and the work of products.

    Memory that an operation takes for itself alone, within a kernel, is not seen. `peak` is the
    most bytes that were alive at once; `operations` are floating-point operations of products, one
    multiplication and addition counted as two.

    Args:
        held: Tensors that were there before and do not count.
    """

    def __init__(self, held: Iterable[Tensor] = ()) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.live = self.peak = self.operations = 0
        self._known = weakref.WeakSet(each.untyped_storage() for each in held)

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Run one operation and count it."""
        out = func(*args, **(kwargs or {}))
        for each in tree_leaves(out):
            if isinstance(each, Tensor):
                self._take(each.untyped_storage())
        if (cost := OPERATIONS.get(func.name().partition(".")[0])) is not None:
            wanted = cost.__code__.co_argcount
            self.operations += cost(*(each.shape for each in args[:wanted]))
        return out

    def _take(self, storage: torch.UntypedStorage) -> None:
        if storage in self._known:
            return
        self._known.add(storage)
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._give, size).atexit = False

    def _give(self, size: int) -> None:
        self.live -= size

"""What attention that goes through transformers' interface multiplies, and eager ones' products.

The interface hands queries and keys after rotary embedding, keys before they are repeated for
grouped queries. Eagerly, a model's own function multiplies them, and so the products are seen, too.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedConfig
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS, AttentionInterface

PRODUCT = frozenset({"matmul", "__matmul__"})
SCALED = frozenset({"mul", "__mul__", "__rmul__"})

ShowLogits = Callable[[Tensor], None]
"""Hears products of queries and keys, scaled, of shape (sequences, heads, tokens, tokens)."""


@dataclass(frozen=True, slots=True)
class Attended:
    """What one attention hands to the interface."""

    query: Tensor  # (sequences, heads, tokens, channels)
    key: Tensor | None  # the same of its own heads; None where it is not handed over as usual
    mask: Tensor | None  # what is added to logits, or where they count
    scaling: float | None  # what products are multiplied with; None where that is no plain number


ShowAttention = Callable[[nn.Module, Attended], ShowLogits | None]
"""Hears an attention and what it hands over; whoever wants its logits says who hears them."""


@contextmanager
def seen_attention(config: PreTrainedConfig, show: ShowAttention) -> Iterator[None]:
    """While the block runs, attention that goes through transformers' interface is shown.

    Args:
        config: The model's; it tells which implementation runs.
        show: Hears every call. Logits are shown where it runs eagerly.
    """
    name = config.get_text_config(decoder=True)._attn_implementation  # noqa: SLF001 the resolved choice has no public name
    if name in ALL_ATTENTION_FUNCTIONS:
        with _replaced(name, _showing(ALL_ATTENTION_FUNCTIONS[name], show)):
            yield
    else:
        with _replaced_defaults(show):
            yield


@contextmanager
def _replaced(name: str, attention: Callable[..., Any]) -> Iterator[None]:
    mapping = ALL_ATTENTION_FUNCTIONS._local_mapping  # noqa: SLF001 a deletion alone would lose an entry of the user's
    before = dict(mapping)
    ALL_ATTENTION_FUNCTIONS[name] = attention
    try:
        yield
    finally:
        mapping.clear()
        mapping.update(before)


@contextmanager
def _replaced_defaults(show: ShowAttention) -> Iterator[None]:
    """What runs eagerly is a model's own function, which the interface is asked for in its turn."""
    asked = AttentionInterface.get_interface

    def get_interface(self: AttentionInterface, name: str, default: Callable[..., Any]) -> Any:
        found = asked(self, name, default)
        return _showing(found, show, eager=True) if found is default else found

    setattr(AttentionInterface, asked.__name__, get_interface)
    try:
        yield
    finally:
        setattr(AttentionInterface, asked.__name__, asked)


def _showing(
    attention: Callable[..., Any], show: ShowAttention, *, eager: bool = False
) -> Callable[..., Any]:
    def showing(module: nn.Module, query: Tensor, *args: Any, **kwargs: Any) -> Any:
        hear = show(module, _attended(query, args, kwargs))
        with _logits_heard(hear if eager else None):
            return attention(module, query, *args, **kwargs)

    return showing


def _attended(query: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Attended:
    """The interface's own order: key, value and mask after the query, all else by name."""
    key = args[0] if args else kwargs.get("key")
    mask = args[2] if len(args) > 2 else kwargs.get("attention_mask")
    scaling = kwargs.get("scaling")
    scaling = query.shape[-1] ** -0.5 if scaling is None else scaling  # as every function has it
    is_plain = len(args) <= 3 and isinstance(scaling, int | float)
    return Attended(
        query,
        key if isinstance(key, Tensor) else None,
        mask if isinstance(mask, Tensor) else None,
        float(scaling) if is_plain else None,
    )


def _logits_heard(hear: ShowLogits | None) -> AbstractContextManager[object]:
    return nullcontext() if hear is None else _FirstProduct(hear)


class _FirstProduct(TorchFunctionMode):
    """Shows the first product of matrices inside one call, once it has been scaled."""

    def __init__(self, show: ShowLogits) -> None:
        super().__init__()
        self._show: ShowLogits | None = show
        self._product: Tensor | None = None

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = getattr(func, "__name__", "")
        if self._show is not None and name in SCALED and args[0] is self._product:
            self._show(out)
            self._show = self._product = None
        elif self._show is not None and self._product is None and name in PRODUCT:
            self._product = out
        return out

"""A model's own cache, made to keep no key and no value: it shows them, and hands them back.

What reaches it is what an engine's cache would hold: keys after rotary embedding, before they are
repeated for grouped queries, and of latent attention the latent and the rotary key.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import Cache

from hubmaxact.measurement.anatomy import module_traits

PAST = "past_key_values"  # what transformers calls the cache, in all that have keys and values

ShowCached = Callable[[int, Tensor, Tensor], tuple[Tensor, Tensor] | None]
"""Hears the number that a layer calls itself by, its keys and its values; what it returns is handed
back in their place."""


@contextmanager
def seen_cache(owner: nn.Module, show: ShowCached) -> Iterator[None]:
    """While the block runs, the cache that a model makes for itself shows all, and keeps none.

    Args:
        owner: What is run; if it takes no keys and values of earlier tokens, nothing is shown.
        show: Hears what is handed over.
    """
    if PAST not in inspect.signature(type(owner).forward).parameters:
        yield
        return

    def asking(
        _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return args, {**kwargs, "use_cache": True}

    def emptied(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for cache in (*args, *kwargs.values()):
            if isinstance(cache, Cache) and "update" not in vars(cache):
                _show_all(cache, show)

    with ExitStack() as hooks:
        hooks.callback(owner.register_forward_pre_hook(asking, with_kwargs=True).remove)
        for module in owner.modules():
            if module is not owner and module_traits.takes_mixer_arguments(module):
                hooks.callback(module.register_forward_pre_hook(emptied, with_kwargs=True).remove)
        yield


def _show_all(cache: Any, show: ShowCached) -> None:
    """Have a cache hand back what it is given, which is all there is in a first pass."""

    def update(
        key_states: Tensor, value_states: Tensor, layer_idx: int, *_: Any, **__: Any
    ) -> tuple[Tensor, Tensor]:
        return show(layer_idx, key_states, value_states) or (key_states, value_states)

    cache.update = update  # on the instance, which lives as long as one pass

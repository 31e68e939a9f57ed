"""A cache that keeps no key and no value: it shows what a model hands it, and hands it back.

What reaches it is what an engine's cache would hold: keys after rotary embedding, before they are
repeated for grouped queries, and of latent attention the latent and the rotary key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn
from transformers import DynamicCache, PreTrainedConfig

ShowCached = Callable[[int, Tensor, Tensor], None]
"""Hears the number that a layer calls itself by, its keys and its values."""


class SeenCache(DynamicCache):
    """Shows keys and values, both of shape (sequences, heads, tokens, channels); keeps none.

    Args:
        config: The model's; it tells which kind of state each layer keeps.
        show: Hears what is handed over.
    """

    def __init__(self, config: PreTrainedConfig, show: ShowCached) -> None:
        super().__init__(config=config.get_text_config(decoder=True))
        self._show = show

    def update(
        self,
        key_states: Tensor,
        value_states: Tensor,
        layer_idx: int,
        *_: Any,
        **__: Any,
    ) -> tuple[Tensor, Tensor]:
        """Show both, and hand back what was given, which is all there is in a first pass."""
        self._show(layer_idx, key_states, value_states)
        return key_states, value_states


@contextmanager
def seen_cache(owner: nn.Module, config: PreTrainedConfig, show: ShowCached) -> Iterator[None]:
    """While the block runs, every pass of `owner` fills a cache of its own, which shows all."""

    def with_cache(
        _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        cache = SeenCache(config, show)
        return args, {**kwargs, "use_cache": True, "past_key_values": cache}

    hook = owner.register_forward_pre_hook(with_cache, with_kwargs=True)
    try:
        yield
    finally:
        hook.remove()

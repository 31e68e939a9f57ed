"""Keys and values on their way to the cache."""

from contextlib import ExitStack

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.seen_cache import seen_cache
from hubmaxact.measurement.anatomy.site import Anatomy, Point
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.execution.watch import HeadSink, Watch


def attach_cache(
    hooks: ExitStack, model: PreTrainedModel, anatomy: Anatomy, watch: Watch, sink: HeadSink
) -> None:
    """Watch keys and values; without such sites no cache is given to the model.

    Args:
        hooks: Takes them off again.
        model: The loaded checkpoint.
        anatomy: Its sites.
        watch: Takes each head's row of each token.
        sink: Takes whole tensors.
    """
    keys = {site.index: site for site in anatomy.sites if site.point is Point.KEY}
    values = {site.index: site for site in anatomy.sites if site.point is Point.VALUE}
    rows = _Rows()

    def on_cached(number: int, key: Tensor, value: Tensor) -> None:
        for site, x in ((keys.get(number), key), (values.get(number), value)):
            if site is not None:
                watch(site, *rows.of_heads(x))
                with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
                    sink.cached(site, x.detach())

    if keys or values:
        owner = model.get_submodule(anatomy.owner)
        hooks.enter_context(seen_cache(owner, model.config, on_cached))


class _Rows:
    """Which token and which head each row of keys or values is; the same for most of a pass."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, int, int, torch.device], Routed] = {}

    def of_heads(self, x: Tensor) -> tuple[Tensor, Routed]:
        """A tensor (sequences, heads, tokens, channels) as rows, and what each belongs to."""
        num_sequences, num_heads, length, _ = x.shape
        shape = (num_sequences, num_heads, length, x.device)
        if shape not in self._made:
            self._made.clear()
            row = torch.arange(num_sequences * length * num_heads, device=x.device)
            self._made[shape] = Routed(row // num_heads, row % num_heads)
        return x.transpose(1, 2).flatten(0, 2), self._made[shape]

"""Keys and values on their way to the cache, and queries on their way to attention."""

from contextlib import ExitStack

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.seen_cache import seen_cache, seen_queries
from hubmaxact.measurement.anatomy.site import Anatomy, Point
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.execution.watch import Watch


def attach_cache(hooks: ExitStack, model: PreTrainedModel, anatomy: Anatomy, watch: Watch) -> None:
    """Watch keys, values and queries; without such sites no cache is given to the model.

    Args:
        hooks: Takes them off again.
        model: The loaded checkpoint.
        anatomy: Its sites.
        watch: Takes what is watched.
    """
    keys = {site.index: site for site in anatomy.sites if site.point is Point.KEY}
    values = {site.index: site for site in anatomy.sites if site.point is Point.VALUE}
    queries = {
        id(model.get_submodule(site.module)): site
        for site in anatomy.sites
        if site.point is Point.QUERY
    }
    rows = _Rows()

    def on_cached(number: int, key: Tensor, value: Tensor) -> None:
        for site, x in ((keys.get(number), key), (values.get(number), value)):
            if site is not None:
                watch(site, *rows.of_heads(x))

    def on_query(module: nn.Module, query: Tensor) -> None:
        if (site := queries.get(id(module))) is not None:
            watch(site, query.transpose(1, 2).flatten(0, 1).flatten(1))

    if keys or values:
        owner = model.get_submodule(anatomy.owner)
        layers = [
            model.get_submodule(site.module)
            for site in anatomy.sites
            if site.role == "hidden_state"
        ]
        hooks.enter_context(seen_cache(owner, layers, on_cached))
    if queries:
        hooks.enter_context(seen_queries(model.config, on_query))


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

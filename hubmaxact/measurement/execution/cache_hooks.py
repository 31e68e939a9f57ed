"""Keys and values on their way to the cache."""

from contextlib import ExitStack

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.seen_cache import seen_cache
from hubmaxact.measurement.anatomy.site import Anatomy, Point
from hubmaxact.measurement.execution.watch import HeadSink, Watch


def attach_cache(
    hooks: ExitStack, model: PreTrainedModel, anatomy: Anatomy, watch: Watch, sink: HeadSink
) -> None:
    """Watch keys and values; without such sites no cache is given to the model.

    Args:
        hooks: Takes them off again.
        model: The loaded checkpoint.
        anatomy: Its sites.
        watch: Takes the row of each token, all heads in it.
        sink: Takes whole tensors.
    """
    keys = {site.index: site for site in anatomy.sites if site.point is Point.KEY}
    values = {site.index: site for site in anatomy.sites if site.point is Point.VALUE}

    def on_cached(number: int, key: Tensor, value: Tensor) -> None:
        for site, x in ((keys.get(number), key), (values.get(number), value)):
            if site is not None:
                watch(site, x.transpose(1, 2).flatten(2).flatten(0, 1))
                with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
                    sink.cached(site, x.detach())

    if keys or values:
        owner = model.get_submodule(anatomy.owner)
        hooks.enter_context(seen_cache(owner, on_cached))

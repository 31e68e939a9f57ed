"""What attention multiplies on its way to the statistics: queries, keys and eager products."""

from collections.abc import Callable
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.seen_attention import Attended, ShowLogits, seen_attention
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.execution.watch import HeadSink, Watch


def attach_attention(
    hooks: ExitStack, model: PreTrainedModel, anatomy: Anatomy, watch: Watch, sink: HeadSink
) -> None:
    """Watch the queries of all attentions that have a site for them.

    Args:
        hooks: Takes them off again.
        model: The loaded checkpoint.
        anatomy: Its sites.
        watch: Takes queries.
        sink: Takes what they are multiplied with, and products where a model shows them.
    """
    queries = {
        id(model.get_submodule(site.module)): site
        for site in anatomy.sites
        if site.point is Point.QUERY
    }

    def on_attended(module: nn.Module, seen: Attended) -> ShowLogits | None:
        site = queries.get(id(module))
        if site is None:
            return None
        watch(site, seen.query.transpose(1, 2).flatten(0, 1).flatten(1))
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            sink.attended(site, seen)
        return _hearing(site, seen.mask, sink)

    if queries:
        hooks.enter_context(seen_attention(model.config, on_attended))


def _hearing(site: Site, mask: Tensor | None, sink: HeadSink) -> Callable[[Tensor], None]:
    def hear(logits: Tensor) -> None:
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            sink.logits(site, logits, mask)

    return hear

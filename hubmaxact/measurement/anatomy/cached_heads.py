"""Which attentions of a layer fill the cache, with how many heads, and where queries are seen."""

from collections.abc import Iterator

import torch

from hubmaxact.measurement.anatomy.deployed_pass import Cached, LayerFlow
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES
from hubmaxact.measurement.anatomy.site import Missing, Point, Site
from hubmaxact.measurement.anatomy.token_layout import Layout

NUM_DIMENSIONS = 4  # sequences, heads, tokens, channels


def find_cached(layer: int, parts: LayerParts, flow: LayerFlow) -> list[Site | Missing]:
    """Keys, values and queries of one layer.

    Args:
        layer: From 0.
        parts: The layer taken apart.
        flow: What it did in a pass with a cache.

    Returns:
        Two or three sites for each attention that fills the cache; none where none does.
    """
    found: list[Site | Missing] = []
    for cached in flow.cached:
        part = cached.module.removeprefix(f"{parts.name}.") if len(flow.cached) > 1 else None
        found += _of_one(layer, part, cached, flow)
    return found


def _of_one(
    layer: int, part: str | None, cached: Cached, flow: LayerFlow
) -> Iterator[Site | Missing]:
    points = {"key": (Point.KEY, cached.key), "value": (Point.VALUE, cached.value)}
    odd = next((shape for _, shape in points.values() if not _by_head(shape)), None)
    for role, (point, shape) in points.items():
        if odd is not None:
            reason = f"shape {tuple(odd)} does not say which row is which token of which head"
            yield Missing(role=role, layer=layer, part=part, module=cached.module, reason=reason)
            continue
        yield Site(
            role=role,
            layer=layer,
            part=part,
            module=cached.module,
            point=point,
            index=cached.number,
            layout=Layout.FLAT,
            num_heads=shape[1],
            is_latent=_is_latent(cached),
        )
    query = flow.queries.get(cached.module)
    if query is not None and _by_head(query):
        yield Site(
            role="query",
            layer=layer,
            part=part,
            module=cached.module,
            point=Point.QUERY,
            layout=Layout.FLAT,
        )


def _by_head(shape: torch.Size) -> bool:
    whole = len(shape) == NUM_DIMENSIONS
    return whole and (shape[0], shape[2]) == (NUM_SEQUENCES, LENGTH)


def _is_latent(cached: Cached) -> bool:
    """One "head" whose two parts differ in width: a latent, and the rotary key beside it."""
    return cached.key[1] == cached.value[1] == 1 and cached.key[-1] != cached.value[-1]


def unseen(layer: int, parts: LayerParts, reason: str) -> list[Site | Missing]:
    """Keys and values of a layer that may have some, where no cache could be shown to it."""
    return [
        Missing(role=role, layer=layer, part=None, module=name, reason=reason)
        for role in ("key", "value")
        for name in parts.mixers[:1]
    ]

"""The report's `linear_inputs` and `kv`: what kernels read, and what caches hold."""

from collections.abc import Iterator, Mapping
from math import isfinite

import numpy as np

from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.assembly.sites import Seen, coordinates
from hubmaxact.measurement.execution.head_recorder import Logit, RecordedHeads
from hubmaxact.measurement.rotary_pairs import Pairs
from hubmaxact.measurement.statistics.site_result import SiteResult
from hubmaxact.report.deployment import (
    AttentionLogit,
    HeadMaxima,
    KeysAndValues,
    LinearInput,
    QueryMaximum,
    RotaryPairs,
)

COORDINATES = ("sample", "token_position", "token_id", "channel")


def linear_inputs(seen: Seen) -> list[LinearInput]:
    """A row for each tensor that linear maps read, by layer and part."""
    return [
        _linear_input(site, result) for site, result in seen.items() if site.role == "linear_input"
    ]


def _linear_input(site: Site, result: SiteResult) -> LinearInput:
    values = result.values
    place = coordinates(result.top[0]) if result.top else dict.fromkeys(COORDINATES)
    blocks = result.block_maxima
    assert site.layer is not None
    assert blocks is not None
    return LinearInput(
        layer=site.layer,
        part=site.part,
        modules=list(site.maps),
        count=values.count,
        abs_max=values.abs_max,
        rms=values.rms,
        abs_quantiles=values.bins.abs_quantiles(),
        block_max_quantiles={str(size): bins.abs_quantiles() for size, bins in blocks.items()},
        num_nan=values.num_nan,
        num_inf=values.num_inf,
        sample=place["sample"],
        token_position=place["token_position"],
        token_id=place["token_id"],
        channel=place["channel"],
    )


def keys_and_values(
    seen: Seen, heads: RecordedHeads, pairs: Mapping[Site, Pairs]
) -> list[KeysAndValues]:
    """A row for each attention that filled the cache, by layer and part."""
    return list(_rows(seen, heads, pairs))


def _rows(seen: Seen, heads: RecordedHeads, pairs: Mapping[Site, Pairs]) -> Iterator[KeysAndValues]:
    found = {(site.role, site.layer, site.part): (site, seen[site]) for site in seen}
    for site in seen:
        value = found.get(("value", site.layer, site.part))
        if site.role != "key" or value is None:
            continue
        query = found.get(("query", site.layer, site.part))
        rotary = pairs.get(value[0] if site.is_latent else site)
        assert site.layer is not None
        assert site.num_heads is not None
        yield KeysAndValues(
            layer=site.layer,
            part=site.part,
            module=site.module,
            kind="latent" if site.is_latent else "heads",
            num_kv_heads=site.num_heads,
            key=_heads(seen[site], site.num_heads),
            value=_heads(value[1], site.num_heads),
            query=_query(query[1]) if query else None,
            rotary=_rotary(rotary) if rotary else None,
            attention_logit=_logit(heads.logits.get(query[0])) if query else None,
        )


def _heads(result: SiteResult, num_heads: int) -> HeadMaxima:
    maxima = result.channel_maxima
    assert maxima is not None
    is_known = len(maxima) > 0  # else nothing was finite
    per_head = maxima.reshape(num_heads, -1).max(axis=1) if is_known else np.full(num_heads, -1.0)
    return HeadMaxima(
        abs_max=result.values.abs_max,
        per_head=[largest if largest >= 0 else None for largest in per_head.tolist()],
        num_nan=result.values.num_nan,
        num_inf=result.values.num_inf,
    )


def _query(result: SiteResult) -> QueryMaximum:
    values = result.values
    return QueryMaximum(abs_max=values.abs_max, num_nan=values.num_nan, num_inf=values.num_inf)


def _rotary(pairs: Pairs) -> RotaryPairs:
    if not pairs.channels:
        return RotaryPairs(pairs="none", channels=0)
    return RotaryPairs(
        pairs="neighbours" if pairs.are_neighbours else "halves", channels=pairs.channels
    )


def _logit(found: Logit | None) -> AttentionLogit | None:
    if found is None:
        return None
    return AttentionLogit(
        value=found.abs_max if isfinite(found.abs_max) else None,
        kind="exact" if found.is_exact else "bound",
    )

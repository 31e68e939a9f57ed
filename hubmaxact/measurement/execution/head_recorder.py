"""What a recorder keeps of heads: channels of keys that rotate together, how large logits get."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.statistics.accumulator import Accumulator, State
from hubmaxact.measurement.statistics.attention_logits import (
    LargestLogit,
    LogitBound,
    Products,
    QueriesAndKeys,
)
from hubmaxact.measurement.statistics.group_maxima import GroupMaxima
from hubmaxact.measurement.statistics.rotary_envelope import ByHead, RotaryEnvelope

ENVELOPE, BOUND, LARGEST = "envelope.", "bound.", "logit."


@dataclass(frozen=True, slots=True)
class Logit:
    """The largest |logit| of one attention, itself or a bound; infinite where there is none."""

    abs_max: float
    is_exact: bool


@dataclass(frozen=True, slots=True)
class RecordedHeads:
    """What heads show."""

    envelopes: Mapping[Site, ByHead]  # norms of channels of keys that rotate, by site of keys
    logits: Mapping[Site, Logit]  # by site of queries


class HeadRecorder:
    """Folds keys, values and products into accumulators of their sites, made as they are met.

    Args:
        anatomy: Every site that may fire.
    """

    def __init__(self, anatomy: Anatomy) -> None:
        self._by_key = {site.key: site for site in anatomy.sites}
        self._pairs = anatomy.pairs
        self.envelopes: dict[Site, RotaryEnvelope] = {}
        self.bounds: dict[Site, LogitBound] = {}
        self.largest: dict[Site, LargestLogit] = {}

    def cached(
        self, site: Site, x_BHLD: Tensor, kept_BL: Tensor | None, maxima: GroupMaxima
    ) -> None:
        """Fold in keys or values.

        Args:
            site: Of them.
            x_BHLD: As handed to the cache.
            kept_BL: Which tokens count, on the same device; None: all.
            maxima: Finds those of tensors there.
        """
        pairs = self._pairs.get(site)
        if pairs is not None and pairs.channels:
            self._envelope(site, x_BHLD.device).update(x_BHLD, kept_BL, maxima)

    def attended(
        self, site: Site, seen: Attended, kept_BL: Tensor | None, maxima: GroupMaxima
    ) -> None:
        """Fold in queries and the keys that they meet, if it is known which meet which.

        Args:
            site: Of the queries.
            seen: What was handed to attention.
            kept_BL: Which tokens count, on the same device; None: all.
            maxima: Finds those of tensors there.
        """
        query, key, scaling = seen.query, seen.key, seen.scaling
        if key is not None and scaling is not None and _meet(query, key):
            observed = QueriesAndKeys(query, key, scaling, kept_BL)
            self._bound(site, query.device).update(observed, maxima)

    def logits(
        self, site: Site, logits_BHLL: Tensor, mask: Tensor | None, kept_BL: Tensor | None
    ) -> None:
        """Fold in products of real queries, and of keys that a causal model lets them meet.

        Args:
            site: Of the queries.
            logits_BHLL: Scaled, before all else.
            mask: What the model adds to them, or where they count; None: nothing.
            kept_BL: Which tokens count, on the same device; None: all.
        """
        counts = _causal(logits_BHLL)
        if mask is not None:
            counts = counts & _unmasked(mask[..., : logits_BHLL.shape[-1]])
        if kept_BL is not None:
            counts = counts & kept_BL[:, None, :, None]
        self._largest(site, logits_BHLL.device).update(Products(logits_BHLL, counts))

    def merge(self, other: Self) -> None:
        """Fold in all that another has seen; it stays as it is."""
        for site, envelope in other.envelopes.items():
            self._envelope(site, envelope.squares.device).merge(envelope)
        for site, bound in other.bounds.items():
            self._bound(site, bound.query_norm.device).merge(bound)
        for site, largest in other.largest.items():
            self._largest(site, largest.abs_max.device).merge(largest)

    def parts(self) -> dict[str, Accumulator[Any, Any]]:
        """Every accumulator by a name of its own."""
        return {
            **{f"{ENVELOPE}{site.key}": each for site, each in self.envelopes.items()},
            **{f"{BOUND}{site.key}": each for site, each in self.bounds.items()},
            **{f"{LARGEST}{site.key}": each for site, each in self.largest.items()},
        }

    def load(self, parts: Mapping[str, State]) -> Mapping[str, State]:
        """Go on from the states of parts.

        Args:
            parts: By name, those of others too.

        Returns:
            Those of others.
        """
        self.envelopes, self.bounds, self.largest = {}, {}, {}
        make: dict[str, Callable[[Site, torch.device], Accumulator[Any, Any]]] = {
            ENVELOPE: self._envelope,
            BOUND: self._bound,
            LARGEST: self._largest,
        }
        others = dict[str, State]()
        for name, part in parts.items():
            kind = next((kind for kind in make if name.startswith(kind)), None)
            if kind is None:
                others[name] = part
                continue
            site = self._by_key[name.removeprefix(kind)]
            make[kind](site, next(iter(part.values())).device).load(part)
        return others

    def result(self) -> RecordedHeads:
        """What every site shows."""
        bounds = {site: bound.result() for site, bound in self.bounds.items()}
        largest = {site: each.result() for site, each in self.largest.items()}
        logits = {site: Logit(value, False) for site, value in bounds.items() if value is not None}
        logits |= {site: Logit(value, True) for site, value in largest.items() if value is not None}
        return RecordedHeads(
            envelopes={site: each.result() for site, each in self.envelopes.items()},
            logits=logits,
        )

    def _envelope(self, site: Site, device: torch.device) -> RotaryEnvelope:
        if site not in self.envelopes:
            with torch.inference_mode(mode=False):  # it outlives the pass that it is made in
                self.envelopes[site] = RotaryEnvelope(self._pairs[site], device)
        return self.envelopes[site]

    def _bound(self, site: Site, device: torch.device) -> LogitBound:
        if site not in self.bounds:
            with torch.inference_mode(mode=False):
                self.bounds[site] = LogitBound(device)
        return self.bounds[site]

    def _largest(self, site: Site, device: torch.device) -> LargestLogit:
        if site not in self.largest:
            with torch.inference_mode(mode=False):
                self.largest[site] = LargestLogit(device)
        return self.largest[site]


def _meet(query_BHLD: Tensor, key_BKLD: Tensor) -> bool:
    """Whether each head of keys serves as many heads of queries, token by token."""
    if query_BHLD.dim() != 4 or key_BKLD.dim() != 4 or query_BHLD.shape[1] % key_BKLD.shape[1]:
        return False
    return query_BHLD[:, 0].shape == key_BKLD[:, 0].shape


def _causal(logits_BHLL: Tensor) -> Tensor:
    where, (num_queries, num_keys) = logits_BHLL.device, logits_BHLL.shape[-2:]
    query, key = torch.arange(num_queries, device=where), torch.arange(num_keys, device=where)
    return key <= query[:, None]


def _unmasked(mask: Tensor) -> Tensor:
    """Where a mask lets a query meet a key: models add the least number of a dtype where not."""
    if mask.dtype == torch.bool:
        return mask
    return mask > torch.finfo(mask.dtype).min / 2

"""The sink of a measuring run: every watched tensor goes to its site's statistics.

Knows sites, batches and statistics; knows nothing of files, reports or progress.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.execution.head_recorder import HeadRecorder, RecordedHeads
from hubmaxact.measurement.execution.inputs import Input, watched_at
from hubmaxact.measurement.execution.kept import kept_of
from hubmaxact.measurement.kernels.choice import reader_of
from hubmaxact.measurement.kernels.reader import Reader
from hubmaxact.measurement.statistics.accumulator import State, by_part, joined
from hubmaxact.measurement.statistics.calibration import DTYPE, Thresholds
from hubmaxact.measurement.statistics.expert_inputs import (
    ExpertInput,
    ExpertInputs,
    TokensOfExperts,
)
from hubmaxact.measurement.statistics.experts import RoutedTokens
from hubmaxact.measurement.statistics.sample_maxima import SampleMaxima
from hubmaxact.measurement.statistics.site_result import SiteResult
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics
from hubmaxact.measurement.statistics.stretches import num_stretches
from hubmaxact.report.roles import ROLE_BY_NAME

ROUTED = "routed."


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a run shows: every site that fired, in site order, and what sites share."""

    sites: dict[Site, SiteResult]
    sample_maxima: tuple[float, ...]  # largest |x| by sample, -1 where nothing was finite
    routed: dict[int, tuple[int, ...]]  # layer -> tokens by expert
    expert_inputs: dict[Site, ExpertInput]  # what reaches experts, where it is one tensor for all
    heads: RecordedHeads


class Recorder:
    """Folds every watched tensor into its site's statistics.

    Its state merges, is kept and goes on as that of any accumulator, and it makes the parts that
    it meets: sites as they fire, layers as they route.

    Args:
        anatomy: Every site that may fire, and the experts of each layer.
        num_samples: Samples in the corpus.
        thresholds: INT-8 thresholds of a calibration split that another recorder has seen whole;
            None: this one sees it, before any sample of the evaluation split.
        format_errors: Whether linear inputs sum up what formats lose that need tokens whole.
    """

    def __init__(
        self,
        anatomy: Anatomy,
        num_samples: int,
        *,
        thresholds: Mapping[Site, Thresholds] | None = None,
        format_errors: bool = True,
    ) -> None:
        self.sites: dict[Site, SiteStatistics] = {}
        self.samples = SampleMaxima(num_stretches(num_samples))
        self.routed: dict[int, RoutedTokens] = {}
        self.expert_inputs: dict[Site, ExpertInputs] = {}
        self.heads = HeadRecorder(anatomy)
        self.input: Input | None = None
        self.is_last = False  # no batch follows: sites end one after another
        self._ended: dict[Site, None] = {}  # in this order
        self._results: dict[Site, SiteResult] = {}
        self._readers: dict[torch.device, Reader] = {}
        self._by_key = {site.key: site for site in anatomy.sites}
        self._num_experts = anatomy.num_experts
        self._thresholds = thresholds
        self._format_errors = format_errors
        self._sums_errors = any(
            kept_of(site, format_errors=format_errors)["sums_format_errors"]
            for site in anatomy.sites
        )

    def tensor(self, site: Site, x: Tensor, routed: Routed | None) -> None:
        """Fold in one tensor; `routed` tells what each row inside experts belongs to."""
        if routed is not None:
            x, routed = routed.without_idle(x)
        watched = watched_at(site, x, routed, self._input())
        reader = self._reader(x.device)
        statistics = self._at(site, x.dtype, reader.device)
        samples = self.samples if ROLE_BY_NAME[site.role].in_global_max else None
        self._results.pop(site, None)
        reader.fold(watched, statistics, samples)
        if self.is_last:
            self._end(site, reader)

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Count the real tokens each expert of a layer receives."""
        where, kept = self._reader(top_k_index.device).device, self._input().kept
        kept = None if kept is None else kept.to(where)
        self._routed(layer, where).update(top_k_index.to(where), kept)

    def routed_rows(self, layer: int, x: Tensor, routed: Routed) -> None:
        """Count the real tokens each expert of a layer receives, each row of one token."""
        _, routed = routed.without_idle(x)
        where, kept = self._reader(x.device).device, self._input().kept
        kept = None if kept is None else kept.to(x.device)[routed.token].to(where)
        self._routed(layer, where).update(routed.expert[:, None].to(where), kept)

    def expert_input(self, site: Site, x: Tensor, top_k_index: Tensor) -> None:
        """Fold in what the experts of a layer are given, by the experts that it is routed to."""
        batch, reader = self._input(), self._reader(x.device)
        kept = None if batch.kept is None else batch.kept.to(reader.device)
        x, top_k_index = x.to(reader.device), top_k_index.to(reader.device)
        seen = TokensOfExperts(x, top_k_index, kept, batch.batch.split, reader.maxima)
        self._expert_input(site, reader.device).update(seen)

    def cached(self, site: Site, x: Tensor) -> None:
        """Fold in keys or values, head by head."""
        self.heads.cached(site, x, self._kept(x.device), self._reader(x.device).maxima)

    def attended(self, site: Site, seen: Attended) -> None:
        """Fold in what one attention multiplies."""
        where = seen.query.device
        self.heads.attended(site, seen, self._kept(where), self._reader(where).maxima)

    def logits(self, site: Site, logits: Tensor, mask: Tensor | None) -> None:
        """Fold in products of one attention."""
        self.heads.logits(site, logits, mask, self._kept(logits.device))

    def merge(self, other: Self) -> None:
        """Fold in all that another recorder of the same run has seen; it stays as it is.

        Args:
            other: Has seen other batches than this one.

        Raises:
            ValueError: A site's tensors, or its INT-8 thresholds, were others there.
        """
        self._results.clear()
        self.settle()
        other.settle()
        self.samples.merge(other.samples)
        for site, theirs in other.sites.items():
            self._at(site, theirs.dtype, theirs.device).merge(theirs)
        for layer, tokens in other.routed.items():
            self._routed(layer, tokens.tokens.device).merge(tokens)
        for site, inputs in other.expert_inputs.items():
            self._expert_input(site, inputs.device).merge(inputs)
        self.heads.merge(other.heads)

    def state(self) -> State:
        """The parts' states, by the keys of their sites and by layer."""
        self.settle()
        return joined(
            {
                **{site.key: statistics for site, statistics in self.sites.items()},
                **{f"{ROUTED}{layer}": tokens for layer, tokens in self.routed.items()},
                **{site.key: inputs for site, inputs in self.expert_inputs.items()},
                **self.heads.parts(),
                "samples": self.samples,
            }
        )

    def load(self, state: State) -> None:
        """Go on from a state, each site where its tensors are."""
        parts = by_part(state)
        self._readers.clear()
        self._results.clear()
        self.samples.load(parts.pop("samples"))
        self.sites, self.routed, self.expert_inputs = {}, {}, {}
        for name, part in self.heads.load(parts).items():
            any_tensor = next(iter(part.values()))
            if name.startswith(ROUTED):
                layer = int(name.removeprefix(ROUTED))
                self._routed(layer, any_tensor.device).load(part)
            elif self._by_key[name].point is Point.EXPERT_INPUT:
                self._expert_input(self._by_key[name], any_tensor.device).load(part)
            else:
                self._at(self._by_key[name], part[DTYPE].dtype, any_tensor.device).load(part)

    def result(self) -> Recorded:
        """What every site shows, in site order."""
        # In the order in which they fired: the first ones while a GPU still makes the last.
        for site, statistics in self.sites.items():
            if site not in self._results:
                self._results[site] = self._result(statistics)
        results = self._results
        self.settle()
        return Recorded(
            sites={site: results[site] for site in sorted(results, key=lambda site: site.order)},
            sample_maxima=self.samples.result(),
            routed={layer: self.routed[layer].result() for layer in sorted(self.routed)},
            expert_inputs={site: inputs.result() for site, inputs in self.expert_inputs.items()},
            heads=self.heads.result(),
        )

    @property
    def fired(self) -> set[Site]:
        """Sites that a tensor was seen at."""
        return {*self.sites, *self.expert_inputs}

    def thresholds(self) -> dict[Site, Thresholds]:
        """Each site's INT-8 thresholds, from the calibration split that was seen here."""
        self.settle()
        return {site: statistics.thresholds() for site, statistics in self.sites.items()}

    def fix(self, thresholds: Mapping[Site, Thresholds]) -> None:
        """Go on with the INT-8 thresholds of a calibration split that several have seen parts of.

        What this one has seen of it stays, and merges; results are those of whoever merges all.

        Args:
            thresholds: Of each site that the split reached.
        """
        self._thresholds = thresholds
        for site, statistics in self.sites.items():
            statistics.fix(thresholds.get(site, {}))

    @property
    def ways(self) -> list[str]:
        """How tensors were read, each way in words that follow "Statistics were made"."""
        return sorted({way for reader in self._readers.values() for way in reader.ways})

    def settle(self) -> None:
        """Bring what is still on devices into the statistics."""
        for reader in self._readers.values():
            reader.settle()

    def _end(self, site: Site, reader: Reader) -> None:
        """Make a result of an earlier site of the last batch, while a GPU still makes the next."""
        self._ended.pop(site, None)
        self._ended[site] = None
        first = next(iter(self._ended))
        if first.layer != site.layer and reader.has_read(self.sites[first]):
            del self._ended[first]
            self._results[first] = self._result(self.sites[first])

    def _result(self, statistics: SiteStatistics) -> SiteResult:
        with ExitStack() as settled:
            for reader in self._readers.values():
                settled.enter_context(reader.settled(statistics))
            return statistics.result()

    def _input(self) -> Input:
        """The batch that runs."""
        if self.input is None:
            raise ValueError("expected a batch before its tensors")
        return self.input

    def _kept(self, device: torch.device) -> Tensor | None:
        """Which positions of the batch are real, (sequences, tokens); None: all."""
        batch = self._input()
        return None if batch.kept is None else batch.kept.view(batch.ids_BL.shape).to(device)

    def _reader(self, device: torch.device) -> Reader:
        """What reads tensors of this device, made when it is met for the first time."""
        if device not in self._readers:
            with torch.inference_mode(mode=False):
                self._readers[device] = reader_of(
                    device,
                    format_errors=self._sums_errors,
                    num_stretches=len(self.samples.abs_max),
                )
        return self._readers[device]

    def _at(self, site: Site, dtype: torch.dtype, device: torch.device | str) -> SiteStatistics:
        """The statistics of a site, made when it fires for the first time."""
        if site not in self.sites:
            with torch.inference_mode(mode=False):  # it outlives the pass that it is made in
                self.sites[site] = SiteStatistics(
                    dtype,
                    device,
                    **kept_of(site, format_errors=self._format_errors),
                    thresholds=None if self._thresholds is None else self._thresholds.get(site, {}),
                )
        return self.sites[site]

    def _expert_input(self, site: Site, device: torch.device) -> ExpertInputs:
        """What reaches a layer's experts, made when it routes for the first time."""
        if site not in self.expert_inputs:
            assert site.groups is not None
            with torch.inference_mode(mode=False):
                self.expert_inputs[site] = ExpertInputs(site.groups, device)
        return self.expert_inputs[site]

    def _routed(self, layer: int, device: torch.device) -> RoutedTokens:
        """The routing of a layer, made when it routes for the first time."""
        if layer not in self.routed:
            with torch.inference_mode(mode=False):
                self.routed[layer] = RoutedTokens(self._num_experts[layer], device)
        return self.routed[layer]

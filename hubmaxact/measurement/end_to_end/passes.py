"""The evaluation split run again: once as it is, and once for each way with rounding applied."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.decoder_stack import input_device
from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.asked_rounding import AskedRounding
from hubmaxact.measurement.batch_plan import Batch, Plan
from hubmaxact.measurement.end_to_end.by_sample import BySample, Int64s, SampleSums
from hubmaxact.measurement.end_to_end.compared import Pass, compared
from hubmaxact.measurement.end_to_end.head import Head, hidden_rows, like
from hubmaxact.measurement.end_to_end.rounding_hooks import rounding, unrounded
from hubmaxact.measurement.end_to_end.scored import Ids, Scored, scored_tokens
from hubmaxact.measurement.end_to_end.targets import (
    never_rounded,
    sites_of,
    thresholds_of,
    why_not,
)
from hubmaxact.measurement.execution.forward import batch_shortage_told, run_decoder
from hubmaxact.measurement.execution.inputs import Input, inputs_ahead
from hubmaxact.measurement.rounding.rounder import Rounder
from hubmaxact.measurement.rounding.tensors import rounded
from hubmaxact.measurement.statistics.site_statistics import SiteStatistics

Progress = Callable[[Batch], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundedLosses:
    """What one way of rounding does: sums by text, or why there are none."""

    asked: AskedRounding
    sums: SampleSums | None
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """What the passes show of the evaluation split."""

    tokens_S: Int64s  # predictions of each text that has any
    unrounded: SampleSums
    rounded: tuple[RoundedLosses, ...]  # in the order asked


class Way:
    """One way that was asked for, and what it has shown so far."""

    def __init__(
        self, anatomy: Anatomy, asked: AskedRounding, statistics: Mapping[Site, SiteStatistics]
    ) -> None:
        self.asked, self.sites = asked, sites_of(anatomy, asked.target)
        thresholds = thresholds_of(anatomy, self.sites, statistics, asked.way)
        self.rounder = Rounder[Site](
            lambda site, rows: rounded(rows, asked.way, thresholds[site]).values
        )
        self.reason = why_not(anatomy, asked, thresholds)

    def result(self, seen: BySample | None) -> RoundedLosses:
        """What it shows, if all of its target was rounded."""
        reason = self.reason
        if seen is not None and len(seen.tokens):
            reason = reason or never_rounded(self.sites, self.rounder.done)
        sums = None if reason or seen is None else seen.result()
        return RoundedLosses(asked=self.asked, sums=sums, reason=reason)


class EndToEndPasses:
    """Every batch of the evaluation split, by every way that can be applied.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites, of profile deployment.
        asked: What was asked for.
        statistics: Of a measuring pass over the calibration split, settled.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        anatomy: Anatomy,
        asked: Sequence[AskedRounding],
        statistics: Mapping[Site, SiteStatistics],
    ) -> None:
        self._model, self._anatomy = model, anatomy
        self._owner, self._head = model.get_submodule(anatomy.owner), Head(model, anatomy)
        self._ways = [Way(anatomy, each, statistics) for each in asked]
        self._applied = [way for way in self._ways if way.reason is None]

    @property
    def num_passes(self) -> int:
        """The unrounded one among them."""
        return 1 + len(self._applied)

    def run(self, plan: Plan, ids: Ids, on_batch: Progress | None = None) -> Losses:
        """Run them.

        Args:
            plan: Of the measuring pass; its batches of the evaluation split are run.
            ids: Token ids of every sample.
            on_batch: Called when a batch has been through one pass.

        Returns:
            Sums by text.

        Raises:
            ForwardPassError: The model's own forward pass raised.
            OutOfMemoryError: A batch does not fit the device; the message names a smaller budget.
        """
        device = input_device(self._model.get_input_embeddings())
        batches = plan.evaluation
        seen = [BySample(len(ids)) for _ in range(self.num_passes)]
        with torch.inference_mode(), inputs_ahead(batches, ids, device) as inputs:
            for batch in batches:
                with batch_shortage_told(batch):
                    self._batch(next(inputs), scored_tokens(batch, ids), seen, on_batch)
        of_way = dict(zip(map(id, self._applied), seen[1:], strict=True))
        return Losses(
            tokens_S=seen[0].tokens,
            unrounded=seen[0].result(),
            rounded=tuple(way.result(of_way.get(id(way))) for way in self._ways),
        )

    def _batch(
        self,
        each: Input,
        scored: Scored,
        seen: Sequence[BySample],
        on_batch: Progress | None,
    ) -> None:
        position_P = torch.from_numpy(scored.position_P).to(each.ids_BL.device)
        passes = []
        for context in self._contexts():
            passes.append(self._pass(context, each.ids_BL, position_P))
            for way in self._applied:
                way.rounder.forget()
            if on_batch is not None:
                on_batch(each.batch)
        ids_P = each.ids_BL.flatten()[position_P]
        vocabulary = self._model.config.get_text_config(decoder=True).vocab_size
        found = compared(self._head, passes, ids_P, scored, vocabulary) if len(ids_P) else ()
        for sums, predicted in zip(seen, found, strict=False):
            sums.add(predicted, scored)

    def _contexts(self) -> list[AbstractContextManager[None]]:
        """What each pass runs in, the unrounded one first."""
        model, anatomy = self._model, self._anatomy
        return [
            unrounded(model, anatomy),
            *(
                rounding(model, anatomy, way.asked.target, way.sites, way.rounder)
                for way in self._applied
            ),
        ]

    def _pass(
        self, context: AbstractContextManager[None], ids_BL: Tensor, position_P: Tensor
    ) -> Pass:
        with context:
            output = run_decoder(self._model, self._owner, ids_BL)
        hidden_PD = hidden_rows(output, ids_BL.numel())
        return Pass(like(output, hidden_PD[None, :0]), hidden_PD[position_P.to(hidden_PD.device)])

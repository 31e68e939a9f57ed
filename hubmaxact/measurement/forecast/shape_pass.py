"""Forward passes of shapes alone, with everything that is watched: what they hold and cost."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.decoder_stack import input_device, run_owner
from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.batch_plan import Batch, Plan
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.failures.own_error import own_errors_told
from hubmaxact.measurement.forecast.tally import Tally


@dataclass(frozen=True, slots=True)
class Watched:
    """What one site shows of a pass."""

    dtype: torch.dtype
    width: int  # values in a row
    num_values: int


@dataclass(slots=True)
class ShapePass:
    """What a pass of some sequences takes; a sink of watched tensors while it runs."""

    num_positions: int
    peak: int = 0  # bytes of its tensors that are alive at once, the model's own left out
    operations: int = 0
    sites: dict[Site, Watched] = field(default_factory=dict)
    given: dict[Site, int] = field(default_factory=dict)  # to experts: values in a row

    def tensor(self, site: Site, x: Tensor, routed: Routed | None) -> None:  # noqa: ARG002 a sink's
        """Note the shape; of a site that fires several times, all of it."""
        before = self.sites[site].num_values if site in self.sites else 0
        self.sites[site] = Watched(x.dtype, x.shape[-1], before + x.numel())

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Take no notice."""

    def routed_rows(self, layer: int, x: Tensor, routed: Routed) -> None:
        """Take no notice."""

    def expert_input(self, site: Site, x: Tensor, top_k_index: Tensor) -> None:  # noqa: ARG002 a sink's
        """Note the width: each expert has a sum for each channel."""
        self.given[site] = x.shape[-1]

    def cached(self, site: Site, x: Tensor) -> None:
        """Take no notice: a maximum for each channel is next to nothing."""

    def attended(self, site: Site, seen: Attended) -> None:
        """Take no notice: a norm for each head is next to nothing."""

    def logits(self, site: Site, logits: Tensor, mask: Tensor | None) -> None:
        """Take no notice."""


def run_shapes(
    model: PreTrainedModel, anatomy: Anatomy, num_sequences: int, length: int
) -> ShapePass:
    """Run the decoder over sequences of no values, within the mode that the model was built in.

    Args:
        model: Shapes alone.
        anatomy: Its sites.
        num_sequences: How many run together.
        length: Tokens of each.

    Returns:
        What the pass holds and costs.

    Raises:
        ForwardPassError: The pass depends on values, or fails.
    """
    seen = ShapePass(num_sequences * length)
    device = input_device(model.get_input_embeddings())
    ids = torch.zeros((num_sequences, length), dtype=torch.int64, device=device)
    tally = Tally([*model.parameters(), *model.buffers(), ids])
    # Under inference_mode, operations that are made of others would hide them.
    with attach_hooks(model, anatomy, seen), torch.no_grad(), tally, own_errors_told(model):
        run_owner(model.get_submodule(anatomy.owner), ids)
    seen.peak, seen.operations = tally.peak, tally.operations
    return seen


@dataclass(frozen=True, slots=True)
class Passes:
    """The batches of a plan that may hold the most, and one sequence of two lengths.

    The operations of a sequence of L tokens are taken to be a L + c L^2: maps, and attention.
    """

    largest: tuple[ShapePass, ...]
    of_one: tuple[ShapePass, ShapePass]  # the longer first

    @classmethod
    def of(cls, model: PreTrainedModel, anatomy: Anatomy, plan: Plan) -> Self:
        """Run them, within the mode that the model was built in."""
        longest = max(batch.length for batch in plan.batches)
        long, short = (
            run_shapes(model, anatomy, 1, length) for length in (longest, max(1, longest // 2))
        )
        shapes = sorted(_largest(plan.batches))
        return cls(tuple(run_shapes(model, anatomy, *shape) for shape in shapes), (long, short))

    @property
    def widest(self) -> ShapePass:
        """The one of the most positions."""
        return max(self.largest, key=lambda each: each.num_positions)

    @property
    def values_per_token(self) -> float:
        """Values of all watched tensors together."""
        widest = self.widest
        return sum(shown.num_values for shown in widest.sites.values()) / widest.num_positions

    def most_bytes(self, per_value: int) -> int:
        """Bytes alive at once, with so many for each value of the largest watched tensor."""
        return max(
            each.peak + per_value * max(shown.num_values for shown in each.sites.values())
            for each in self.largest
        )

    def operations(self, batches: Iterable[Batch]) -> float:
        """Floating-point operations of all products of some batches."""
        return sum(len(batch.samples) * self._of_one(batch.length) for batch in batches)

    def _of_one(self, length: int) -> float:
        long, short = self.of_one
        at_long, at_short = (each.operations / each.num_positions for each in self.of_one)
        apart = long.num_positions - short.num_positions
        slope = (at_long - at_short) / apart if apart else 0.0
        return length * (at_long + slope * (length - long.num_positions))


def _largest(batches: Sequence[Batch]) -> set[tuple[int, int]]:
    """Shapes that may take the most: of the most positions, and of the most pairs of them."""
    shapes = [(len(batch.samples), batch.length) for batch in batches]
    return {max(shapes, key=lambda s: s[0] * s[1]), max(shapes, key=lambda s: s[0] * s[1] ** 2)}

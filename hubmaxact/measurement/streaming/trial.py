"""A few tokens run as ever and layer by layer: only what gives the same bits is streamed.

Shows how the decoder runs its layers, and which sites lie before and behind them.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hubmaxact.errors import ForwardPassError
from hubmaxact.measurement.anatomy.decoder_stack import Stack, run_owner
from hubmaxact.measurement.anatomy.probe_pass import probe_ids
from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.failures.own_error import own_errors_told, reason
from hubmaxact.measurement.streaming.calls import Shared
from hubmaxact.measurement.streaming.chunk import LayerByLayer, Layers, Running, Step
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.loop import Loop
from hubmaxact.measurement.streaming.out_of_turn import OutOfTurn
from hubmaxact.measurement.streaming.refusal import refused
from hubmaxact.measurement.streaming.residuals import OnDevice
from hubmaxact.measurement.streaming.seen_bits import Seen, digest

SHORTER = 7  # tokens of a sequence that runs beside the probe's


@dataclass(frozen=True, slots=True)
class Trial:
    """What it showed.

    Attributes:
        layers: How the decoder runs them.
        outside: Sites outside of the layers, each with where it lies.
        bytes_per_token: Of the residual stream.
    """

    layers: Layers
    outside: dict[Site, Step]
    bytes_per_token: int


def try_out(stack: Stack, anatomy: Anatomy, weights: LayerWeights) -> Trial:
    """Run the probe's tokens both ways.

    Args:
        stack: The decoder.
        anatomy: Its sites.
        weights: Of its layers.

    Returns:
        What measuring layer by layer needs.

    Raises:
        OptionsError: One way does not give the same as the other, bit for bit, or a layer is given
            more than can be kept for it.
    """
    ids = probe_ids(stack)
    with torch.inference_mode():
        seen = Seen(stack)
        with (
            attach_hooks(stack.model, anatomy, seen),
            seen.watching(),
            own_errors_told(stack.model),
        ):
            output = run_owner(stack.owner, ids)
        layers, outside = seen.layers(), seen.outside()
        again = _Again(stack, LayerByLayer(Loop(stack, layers.returns), layers, weights), outside)
        with attach_hooks(stack.model, anatomy, again.seen, hears=again.hears):
            try:
                streamed = again.run(ids)
            except ForwardPassError as error:
                raise refused(stack.model, _says(error.__cause__)) from error
    if digest(output) != digest(streamed) or seen.bits != again.seen.bits:
        raise refused(stack.model, _first_difference(seen, again.seen))
    return Trial(layers, outside, seen.bytes_per_token)


class _Again:
    """The probe's tokens among other batches, whose traces would show.

    One has the same shape and other tokens, one is shorter.
    """

    def __init__(self, stack: Stack, by_layer: LayerByLayer, outside: dict[Site, Step]) -> None:
        self.seen, self._stack, self._by_layer = Seen(stack), stack, by_layer
        self._outside, self._step = outside, Step.BEFORE

    def hears(self, site: Site) -> bool:
        """Whether a site lies where the batch is."""
        return self._outside.get(site, Step.INSIDE) is self._step

    def run(self, ids: Tensor) -> Any:
        """Return what the decoder puts out of the probe's tokens."""
        size, shared = self._stack.embedding.weight.shape[0], Shared()
        batches = [ids, (3 * ids + 1) % size, ids[:1, :SHORTER]]
        self._by_layer.weights.drop_all()
        running = []
        for number, each in enumerate(batches):
            self._starting(number, Step.BEFORE)
            with OutOfTurn(self._stack):
                noted = self._by_layer.note(each, shared)
            running.append(Running(each, noted.calls, OnDevice()))
            running[-1].residual.put(noted.hidden)
        outputs: list[Any] = []
        for step, place in self._by_layer.places:
            for number, batch in enumerate(running):
                self._starting(number, step)
                outputs.append(self._by_layer.go(place, batch))
        return outputs[-len(running)]

    def _starting(self, number: int, step: Step) -> None:
        self.seen.is_heard, self._step = number == 0, step


def _says(cause: BaseException | None) -> str:
    said = (
        f"{type(cause).__name__}: {reason(cause)}" if isinstance(cause, Exception) else "an error"
    )
    return f"a layer that is run by itself raises {said}"


def _first_difference(seen: Seen, again: Seen) -> str:
    """Where the bits of a short text are others, in the order in which sites fire."""
    for what, bits in seen.bits.items():
        if again.bits.get(what) != bits:
            place = what[0].module if isinstance(what[0], Site) else f"layer {what[0]}"
            return f"layer by layer a short text gives other bits, first in {place}"
    return "layer by layer a short text gives other bits"

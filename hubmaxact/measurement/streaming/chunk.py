"""Batches through the layers, layers outside and batches inside.

First the decoder's loop notes what each layer is given, then the layers run one after another, each
over all batches, then the loop ends with what the last one put out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from torch import Tensor

from hubmaxact.measurement.failures.own_error import own_errors_told
from hubmaxact.measurement.streaming.calls import Call, Shared
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.loop import Loop, Noted, Returns
from hubmaxact.measurement.streaming.refusal import refused
from hubmaxact.measurement.streaming.residuals import Residual


class Step(Enum):
    """Where a batch is."""

    BEFORE = auto()  # the layers
    INSIDE = auto()
    BEHIND = auto()


@dataclass(frozen=True, slots=True)
class Layers:
    """How a decoder runs its layers, as a pass of a few tokens showed.

    Attributes:
        order: The layers as they are called, each once.
        returns: By layer.
    """

    order: tuple[int, ...]
    returns: tuple[Returns, ...]


@dataclass(slots=True)
class Running:
    """A batch between two layers."""

    ids_BL: Tensor
    calls: list[Call]
    residual: Residual


class LayerByLayer:
    """Runs batches so.

    Args:
        loop: What is around the layers.
        layers: How they are run.
        weights: Gives each its weights.
    """

    def __init__(self, loop: Loop, layers: Layers, weights: LayerWeights) -> None:
        self._loop, self._layers, self.weights = loop, layers, weights
        self._model = loop.stack.model

    def note(self, ids_BL: Tensor, shared: Shared) -> Noted:
        """Run a batch up to the layers."""
        shared.next_pass()
        with own_errors_told(self._model):
            noted = self._loop.note(ids_BL, shared.keep)
        called = tuple(call.layer for call in noted.calls)
        if called != self._layers.order:
            raise refused(self._model, f"it calls its layers in another order, {called[:8]} first")
        return noted

    @property
    def places(self) -> Iterator[tuple[Step, int]]:
        """Where every batch goes one after the other once it was noted: the layers, and the end."""
        for place in range(len(self._layers.order)):
            yield Step.INSIDE, place
        yield Step.BEHIND, len(self._layers.order)

    def go(self, place: int, batch: Running) -> Any:
        """Run a batch through one layer, or what is behind all.

        Args:
            place: Of the layer in their order; one more is the end.
            batch: What the layer before put out is in it, and then what this one does.

        Returns:
            At the end what the decoder puts out.
        """
        with own_errors_told(self._model):
            if place == len(self._layers.order):
                last = self._layers.order[-1]
                return self._loop.finish(batch.ids_BL, last, batch.residual.take())
            self._layer(batch.calls[place], batch)
            return None

    def _layer(self, call: Call, batch: Running) -> None:
        self.weights.have(call.layer)
        args, kwargs = call.around(batch.residual.take())
        output = self._loop.stack.layers[call.layer](*args, **kwargs)
        batch.residual.put(self._layers.returns[call.layer].hidden(output))

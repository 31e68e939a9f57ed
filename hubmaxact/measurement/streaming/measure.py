"""The measuring run of a model whose layers stay in their files, in the place of `forward.measure`.

Each site sees the batches in the plan's order, and the recorder's state is that of any other run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.batch_plan import Batch, Plan
from hubmaxact.measurement.execution.forward import Measurement, batch_shortage_told
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.execution.inputs import Input, inputs_ahead
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.streaming.calls import Shared
from hubmaxact.measurement.streaming.chunk import LayerByLayer, Running, Step
from hubmaxact.measurement.streaming.loop import Loop
from hubmaxact.measurement.streaming.room import Budget, Room, budget_for
from hubmaxact.measurement.streaming.streaming import Streaming

OF_INPUT = 64
"""Bytes that each position of a waiting batch takes beside its stream: its id and coordinates."""


def measure(
    model: PreTrainedModel,
    anatomy: Anatomy,
    plan: Plan,
    ids: Sequence[npt.NDArray[np.int32]],
    *,
    streaming: Streaming,
    batches: Sequence[Batch] | None = None,
    recorder: Recorder | None = None,
    format_errors: bool = True,
    on_layer: Callable[[Batch], None] | None = None,
    on_done: Callable[[tuple[Batch, ...]], None] | None = None,
    budget: Budget | None = None,
) -> Measurement:
    """Run the plan (or some of its batches) and fold in every tensor at the anatomy's sites.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites.
        plan: All batches, in the order of the samples' windows.
        ids: Token ids of every sample, shape (tokens,) each.
        streaming: How its layers run.
        batches: Those of the plan that are run; None: all.
        recorder: Goes on with what it has seen; None: a new one.
        format_errors: Whether a new recorder sums up what formats lose at linear inputs.
        on_layer: Called after each batch in each layer.
        on_done: Called with the batches that the recorder holds more, and nothing half.
        budget: Of what is kept between layers. None: chosen from what is free.

    Returns:
        What the recorder has seen, earlier batches included.

    Raises:
        ForwardPassError: The model's own forward pass raised.
        OutOfMemoryError: A batch does not fit the device; the message names a smaller budget.
    """
    recorder = recorder or Recorder(anatomy, len(ids), format_errors=format_errors)
    chosen = plan.batches if batches is None else batches
    run = _Run(streaming, recorder, chosen[-1] if chosen else None, on_layer)
    device = streaming.weights.device
    with (
        attach_hooks(model, anatomy, recorder, hears=run.hears),
        torch.inference_mode(),
        inputs_ahead(chosen, ids, device) as inputs,
        TemporaryDirectory(prefix="hubmaxact-") as name,
    ):
        folder = Path(name)
        budget = budget or budget_for(device, streaming.weights.largest, folder)
        for chunk in run.chunks(inputs, lambda: Room(budget, folder)):
            run.finish(chunk)
            if on_done is not None:
                on_done(tuple(waiting.input.batch for waiting in chunk))
    return Measurement(anatomy, plan, recorder)


class _Waiting(NamedTuple):
    """A batch of a chunk."""

    input: Input
    running: Running


class _Run:
    """One run: which batch is where, told to the recorder."""

    def __init__(
        self,
        streaming: Streaming,
        recorder: Recorder,
        last: Batch | None,
        on_layer: Callable[[Batch], None] | None,
    ) -> None:
        self._trial, self._recorder = streaming.trial, recorder
        self._by_layer = LayerByLayer(
            Loop(streaming.stack, streaming.trial.layers.returns),
            streaming.trial.layers,
            streaming.weights,
        )
        self._last, self._on_layer = last, on_layer
        self._step = Step.BEFORE

    def hears(self, site: Site) -> bool:
        """Whether a site lies where the batch is: the loop around the layers runs twice."""
        return self._trial.outside.get(site, Step.INSIDE) is self._step

    def chunks(
        self, inputs: Iterator[Input], empty: Callable[[], Room]
    ) -> Iterator[list[_Waiting]]:
        """Run batches up to the layers, as many as there is room for at a time."""
        following = next(inputs, None)
        while following is not None:
            chunk: list[_Waiting] = []
            room, shared = empty(), Shared()
            while following is not None and (not chunk or room.has(self._bytes(following))):
                chunk.append(self._begun(following, room, shared))
                following = next(inputs, None)
            yield chunk

    def finish(self, chunk: list[_Waiting]) -> None:
        """Run a chunk through the layers and what is behind them."""
        for step, place in self._by_layer.places:
            for waiting in chunk:
                with self._at(waiting.input, step):
                    self._by_layer.go(place, waiting.running)
                if step is Step.INSIDE and self._on_layer is not None:
                    self._on_layer(waiting.input.batch)

    def _bytes(self, given: Input) -> int:
        return given.ids_BL.numel() * self._trial.bytes_per_token

    def _begun(self, given: Input, room: Room, shared: Shared) -> _Waiting:
        before = shared.num_bytes
        with self._at(given, Step.BEFORE):
            noted = self._by_layer.note(given.ids_BL, shared)
        room.use(shared.num_bytes - before + given.ids_BL.numel() * OF_INPUT)
        running = Running(given.ids_BL, noted.calls, room.place(noted.hidden.nbytes))
        running.residual.put(noted.hidden)
        return _Waiting(given, running)

    @contextmanager
    def _at(self, given: Input, step: Step) -> Iterator[None]:
        """A batch runs in the block."""
        self._step = step
        self._recorder.input, self._recorder.is_last = given, given.batch is self._last
        with batch_shortage_told(given.batch):
            yield

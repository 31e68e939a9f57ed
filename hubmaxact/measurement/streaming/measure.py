"""The measuring run of a model whose layers stay in their files, in the place of `forward.measure`.

Each site sees the batches in the plan's order, and the recorder's state is that of any other run.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import torch

from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.batch_plan import Batch
from hubmaxact.measurement.execution.forward import Done, batch_shortage_told
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.execution.inputs import Ids, Input, inputs_ahead
from hubmaxact.measurement.execution.recorder import Recorder
from hubmaxact.measurement.streaming.calls import Shared
from hubmaxact.measurement.streaming.chunk import LayerByLayer, Running, Step
from hubmaxact.measurement.streaming.loop import Loop
from hubmaxact.measurement.streaming.room import Budget, Room, budget_for
from hubmaxact.measurement.streaming.streaming import Streaming

OF_INPUT = 64
"""Bytes that each position of a waiting batch takes beside its stream: its id and coordinates."""


def stream(
    streaming: Streaming,
    anatomy: Anatomy,
    ids: Ids,
    batches: Sequence[Batch],
    recorder: Recorder,
    *,
    ends: bool = True,
    changed: Callable[[], AbstractContextManager[object]] = nullcontext,
    on_layer: Callable[[Batch], None] | None = None,
    on_done: Done | None = None,
    budget: Budget | None = None,
) -> None:
    """Run batches, and fold in every tensor at the anatomy's sites.

    Args:
        streaming: The model, and how its layers run.
        anatomy: Its sites.
        ids: Token ids of every sample, shape (tokens,) each.
        batches: Those that are run, in the plan's order.
        recorder: Takes all that is seen.
        ends: Whether nothing is folded in afterwards, so that results are made meanwhile.
        changed: Makes what is entered behind the hooks that measure.
        on_layer: Called after each batch in each layer.
        on_done: Called whenever the recorder holds some batches more, and none in part.
        budget: Of what is kept between layers. None: chosen from what is free.

    Raises:
        ForwardPassError: The model's own forward pass raised.
        OutOfMemoryError: A batch does not fit the device; the message names a smaller budget.
    """
    last = batches[-1] if ends and batches else None
    run = _Run(streaming, recorder, last, on_layer)
    device = streaming.weights.device
    with (
        attach_hooks(streaming.stack.model, anatomy, recorder, hears=run.hears),
        changed(),
        torch.inference_mode(),
        inputs_ahead(batches, ids, device) as inputs,
        TemporaryDirectory(prefix="hubmaxact-") as name,
    ):
        folder = Path(name)
        budget = budget or budget_for(device, streaming.weights.largest, folder)
        for chunk in run.chunks(inputs, lambda: Room(budget, folder)):
            run.finish(chunk)
            if on_done is not None:
                on_done(tuple(waiting.input.batch for waiting in chunk))


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
        with batch_shortage_told(given.batch, can_spread=False):
            yield

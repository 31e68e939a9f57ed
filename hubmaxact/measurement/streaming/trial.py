"""A few tokens run as ever and layer by layer: only what gives the same bits is streamed.

Shows how the decoder runs its layers, and which sites lie before and behind them.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from hubmaxact.errors import ForwardPassError, HubmaxactError
from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import Stack, run_owner
from hubmaxact.measurement.anatomy.probe_pass import probe_ids
from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Anatomy, Site
from hubmaxact.measurement.execution.hooks import attach_hooks
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import own_errors_told, reason
from hubmaxact.measurement.streaming.calls import Shared
from hubmaxact.measurement.streaming.chunk import LayerByLayer, Layers, Running, Step
from hubmaxact.measurement.streaming.layer_weights import LayerWeights
from hubmaxact.measurement.streaming.loop import Loop, Returns
from hubmaxact.measurement.streaming.refusal import refused
from hubmaxact.measurement.streaming.residuals import OnDevice

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


class _OutOfTurn(TorchDispatchMode):
    """Raises where a function is given a weight that is not read."""

    def __init__(self, stack: Stack) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._stack = stack
        self.found: HubmaxactError | None = None

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        output = func(*args, **(kwargs or {}))
        if any(x.is_meta for x in module_traits.tensors_in((list(args), kwargs or {}, output))):
            name = func.name().partition(".")[0]
            why = f"it uses weights of a layer outside of that layer's turn, in {name}"
            self.found = refused(self._stack.model, why)
            raise self.found
        return output


def refuse_out_of_turn(stack: Stack, weights: LayerWeights) -> None:
    """Refuse a decoder that reads or changes weights of layers that do not run (RWKV).

    To be called before any other pass: such a change is made once.

    Args:
        stack: The decoder.
        weights: Of its layers.

    Raises:
        OptionsError: It does.
    """
    weights.drop_all()
    loop, guard = Loop(stack, [Returns()] * len(stack.layers)), _OutOfTurn(stack)
    with torch.inference_mode(), guard:
        try:
            loop.note(probe_ids(stack), lambda x: x)
        except Exception as error:  # how its layers return is not known here
            if guard.found is not None or ran_out(error):
                raise


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
        seen = _Seen(stack)
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
    if _digest(output) != _digest(streamed) or seen.bits != again.seen.bits:
        raise refused(stack.model, _first_difference(seen, again.seen))
    return Trial(layers, outside, seen.bytes_per_token)


class _Again:
    """The probe's tokens among other batches, whose traces would show.

    One has the same shape and other tokens, one is shorter.
    """

    def __init__(self, stack: Stack, by_layer: LayerByLayer, outside: dict[Site, Step]) -> None:
        self.seen, self._stack, self._by_layer = _Seen(stack), stack, by_layer
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
            with _OutOfTurn(self._stack):
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


class _Seen:
    """A sink that notes the bits it is given, and where the decoder was then."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.bits: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        self.is_heard = True
        self.bytes_per_token = 0
        self._where: defaultdict[Site, set[Step | None]] = defaultdict(set)
        self._order: list[int] = []
        self._returns: dict[int, Returns | None] = {}
        self._running = False

    def _note(self, *what: object, of: object) -> None:
        if self.is_heard:
            self.bits[what].append(_digest(of))

    def tensor(self, site: Site, x: Tensor, routed: Any) -> None:
        """Take a tensor."""
        self._note(site, of=(x, *(routed or ())[:2]))
        self._where[site].add(self._now())

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Take chosen experts."""
        self._note(layer, "routing", of=top_k_index)

    def routed_rows(self, layer: int, x: Tensor, routed: Any) -> None:
        """Take what experts are given."""
        self._note(layer, "rows", of=(x, *routed[:2]))

    def expert_input(self, site: Site, x: Tensor, top_k_index: Tensor) -> None:
        """Take what experts are given, and the chosen ones."""
        self._note(site, "chosen", of=(x, top_k_index))

    def cached(self, site: Site, x: Tensor) -> None:
        """Take keys or values."""
        self._note(site, "cached", of=x)

    def attended(self, site: Site, seen: Attended) -> None:
        """Take what an attention multiplies."""
        self._note(site, "attended", of=seen.query)

    def logits(self, site: Site, logits: Tensor, mask: Tensor | None) -> None:
        """Take products of an attention."""
        self._note(site, "logits", of=(logits, mask))

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Note how the layers are called while the block runs."""
        with ExitStack() as hooks:
            for index, layer in enumerate(self._stack.layers):
                before, after = self._around(index)
                hooks.callback(layer.register_forward_pre_hook(before, prepend=True).remove)
                hooks.callback(layer.register_forward_hook(after).remove)
            yield

    def _around(self, layer: int) -> tuple[Callable[..., None], Callable[..., None]]:
        def before(*_: object) -> None:
            self._running = True
            self._order.append(layer)

        def after(_: nn.Module, __: object, output: object) -> None:
            self._running = False
            self._returns[layer] = Returns.of(output)
            for x in list(module_traits.tensors_in(output))[:1]:
                tokens = probe_ids(self._stack).numel()
                self.bytes_per_token = max(self.bytes_per_token, -(-x.nbytes // tokens))

        return before, after

    def _now(self) -> Step | None:
        if self._running:
            return Step.INSIDE
        return {0: Step.BEFORE, len(self._stack.layers): Step.BEHIND}.get(len(self._order))

    def layers(self) -> Layers:
        """How they were called; refused where one was called twice, or never."""
        if sorted(self._order) != list(range(len(self._stack.layers))):
            raise refused(self._stack.model, "it does not call each of its layers once")
        known = {layer: each for layer, each in self._returns.items() if each is not None}
        for layer in self._order:
            if layer not in known:
                raise refused(self._stack.model, f"layer {layer} returns no hidden state first")
        return Layers(tuple(self._order), tuple(known[layer] for layer in sorted(known)))

    def outside(self) -> dict[Site, Step]:
        """Sites outside of the layers; refused where one lies between them."""
        found = {}
        for site, where in self._where.items():
            if where == {Step.INSIDE}:
                continue
            if len(where) > 1 or None in where:
                raise refused(self._stack.model, f"{site.module} runs between its layers")
            (found[site],) = (step for step in where if step is not None)
        return found


def _digest(given: Any) -> str:
    """Of the bits of every tensor, and of their shapes and formats."""
    digest = hashlib.blake2b()
    for x in module_traits.tensors_in(given if isinstance(given, tuple) else (given,)):
        digest.update(repr((tuple(x.shape), x.dtype)).encode())
        digest.update(x.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _says(cause: BaseException | None) -> str:
    said = (
        f"{type(cause).__name__}: {reason(cause)}" if isinstance(cause, Exception) else "an error"
    )
    return f"a layer that is run by itself raises {said}"


def _first_difference(seen: _Seen, again: _Seen) -> str:
    """Where the bits of a short text are others, in the order in which sites fire."""
    for what, bits in seen.bits.items():
        if again.bits.get(what) != bits:
            place = what[0].module if isinstance(what[0], Site) else f"layer {what[0]}"
            return f"layer by layer a short text gives other bits, first in {place}"
    return "layer by layer a short text gives other bits"

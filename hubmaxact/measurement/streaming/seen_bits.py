"""What a few tokens show of a decoder: the bits at every site, and how its layers are called."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.probe_pass import probe_ids
from hubmaxact.measurement.anatomy.seen_attention import Attended
from hubmaxact.measurement.anatomy.site import Site
from hubmaxact.measurement.streaming.chunk import Layers, Step
from hubmaxact.measurement.streaming.loop import Returns
from hubmaxact.measurement.streaming.refusal import refused


class Seen:
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
            self.bits[what].append(digest(of))

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


def digest(given: Any) -> str:
    """Tell tensors by their bits, shapes and formats.

    Args:
        given: A tensor, or anything that holds some.

    Returns:
        The same for the same, and for nothing else.
    """
    told = hashlib.blake2b()
    for x in module_traits.tensors_in(given if isinstance(given, tuple) else (given,)):
        told.update(repr((tuple(x.shape), x.dtype)).encode())
        told.update(x.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().data)
    return told.hexdigest()

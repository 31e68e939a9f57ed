"""A second short pass, for profile `deployment`: what each layer adds, reads and caches.

It runs with a cache that shows what it is given, if what layers and their parts put out stays equal
to the last bit with it, and without one otherwise.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.dataflow import Dataflow, Value
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.probe_pass import Probe, probe_ids
from hubmaxact.measurement.anatomy.seen_attention import Attended, seen_attention
from hubmaxact.measurement.anatomy.seen_cache import seen_cache
from hubmaxact.measurement.failures.own_error import own_errors_told, reason

LONGEST_REASON = 160  # characters, of a model that refuses our cache


@dataclass(frozen=True, slots=True)
class Cached:
    """What one attention handed to the cache."""

    module: str
    number: int  # by which its layer calls itself
    key: torch.Size
    value: torch.Size


@dataclass(slots=True)
class LayerFlow:
    """What one layer did in its last call."""

    start: Value  # what it was given
    end: Value | None = None  # what it put out
    reads: dict[str, Value] = field(default_factory=dict)  # module -> its first tensor
    cached: list[Cached] = field(default_factory=list)
    queries: dict[str, torch.Size] = field(default_factory=dict)  # attention -> shape


@dataclass(slots=True)
class DeployedPass:
    """What the pass showed, by layer; a layer that was not reached has nothing."""

    layers: dict[int, LayerFlow] = field(default_factory=dict)
    why_no_cache: str | None = None  # None: it ran with one


def run_deployed_pass(stack: Stack, probe: Probe) -> DeployedPass:
    """Run the decoder once more on the probe's tokens; no hook outlives the call."""
    try:
        seen, changed = _run(stack, probe, caching=True)
    except Exception as error:  # noqa: BLE001 whatever a model says to a cache that it did not make
        said = reason(error, LONGEST_REASON).encode("ascii", "replace").decode()
        why = f"its forward pass takes no cache of ours: {type(error).__name__}: {said}"
        return _without_cache(stack, probe, why)[0]
    if changed is None:
        return seen
    why = f"a cache that keeps nothing changes what {changed} puts out"
    plain, also = _without_cache(stack, probe, why)
    # Where passes without a cache differ from each other too, bits say nothing against the cache.
    return plain if also is None else seen


def _without_cache(stack: Stack, probe: Probe, why: str) -> tuple[DeployedPass, str | None]:
    with own_errors_told(stack.model):
        seen, changed = _run(stack, probe, caching=False)
    seen.why_no_cache = why
    return seen, changed


class _Seeing:
    """Hooks of one pass: which modules run now, and in which layer."""

    def __init__(self, stack: Stack, flow: Dataflow, probe: Probe) -> None:
        self.seen, self.flow = DeployedPass(), flow
        self.kept = probe.kept
        self.changed: str | None = None  # the first module that put out something else
        self.running: list[str] = []
        self.now: LayerFlow | None = None
        prefix = f"{stack.layers_name}."
        self.numbers = {f"{prefix}{n}": n for n in range(len(stack.layers))}

    def before(self, name: str, given: Tensor | None) -> None:
        self.running.append(name)
        if given is None:
            return
        if name in self.numbers:
            self.flow.forget()
            self.now = self.seen.layers[self.numbers[name]] = LayerFlow(self.flow.of(given))
        elif self.now is not None:
            self.now.reads[name] = value = self.flow.of(given)
            value.read_by.append(name)

    def after(self, name: str, made: list[Tensor | None]) -> None:
        self.running.pop()
        before = self.kept.get(name)
        if self.changed is None and before is not None and made and made[0] is not None:
            self.changed = None if module_traits.same_bits(before, made[0]) else name
        for index, x in enumerate(made):
            if x is not None:
                self.flow.of(x).made_by.append((name, index))
        if name in self.numbers and self.now is not None:
            self.now.end = self.flow.of(made[0]) if made and made[0] is not None else None
            self.now = None
            self.flow.forget()

    def cached(self, number: int, key: Tensor, value: Tensor) -> None:
        if self.now is not None:
            found = Cached(self.running[-1], number, key.shape, value.shape)
            self.now.cached.append(found)

    def attended(self, _: nn.Module, attended: Attended) -> None:
        if self.now is not None:
            self.now.queries[self.running[-1]] = attended.query.shape


def _run(stack: Stack, probe: Probe, *, caching: bool) -> tuple[DeployedPass, str | None]:
    """What the pass showed, and the first module whose output is not the probe's."""
    flow = Dataflow()
    seeing = _Seeing(stack, flow, probe)
    with ExitStack() as hooks, torch.inference_mode():
        hooks.enter_context(_watched(stack, seeing))
        config = stack.model.config
        hooks.enter_context(seen_attention(config, seeing.attended))
        if caching:
            hooks.enter_context(seen_cache(stack.owner, config, seeing.cached))
        with flow:
            stack.owner(input_ids=probe_ids(stack), use_cache=False)
    return seeing.seen, seeing.changed


@contextmanager
def _watched(stack: Stack, seeing: _Seeing) -> Iterator[None]:
    """Hooks on everything inside the layers, a module under one of its names."""

    def before(name: str) -> object:
        def hook(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
            seeing.before(name, next(module_traits.tensors_in((*args, kwargs)), None))

        return hook

    def after(name: str) -> object:
        def hook(_: nn.Module, __: object, output: object) -> None:
            seeing.after(name, module_traits.elements(output))

        return hook

    with ExitStack() as hooks:
        for relative, module in stack.layers.named_modules():
            if relative:
                name = f"{stack.layers_name}.{relative}"
                first = module.register_forward_pre_hook(before(name), with_kwargs=True)
                hooks.callback(first.remove)
                hooks.callback(module.register_forward_hook(after(name)).remove)
        yield

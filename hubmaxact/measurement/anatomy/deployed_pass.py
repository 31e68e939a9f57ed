"""A second short pass, for profile `deployment`: what each layer adds, reads and caches.

It runs with the model's own cache, made to keep nothing, if what layers and their parts put out
stays equal to the last bit with it, and without one otherwise.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.dataflow import Dataflow, Value
from hubmaxact.measurement.anatomy.decoder_stack import Stack, run_owner
from hubmaxact.measurement.anatomy.probe_pass import Probe, probe_ids
from hubmaxact.measurement.anatomy.seen_attention import Attended, seen_attention
from hubmaxact.measurement.anatomy.seen_cache import seen_cache
from hubmaxact.measurement.anatomy.weight_products import Product, Weight, follow_products
from hubmaxact.measurement.failures.memory import ran_out
from hubmaxact.measurement.failures.own_error import own_errors_told, reason

LONGEST_REASON = 160  # characters, of a model that refuses our cache


@dataclass(frozen=True, slots=True)
class Cached:
    """What one attention handed to the cache."""

    module: str
    number: int  # by which its layer calls itself
    key: torch.Size
    value: torch.Size


@dataclass(frozen=True, slots=True)
class Read:
    """What a linear map or another module read in one call."""

    value: Value
    shape: torch.Size
    rows_known: bool = False  # of rows of experts: whether token and expert of each are known
    num_matrices: int | None = None  # of a stack that it was multiplied with


@dataclass(slots=True)
class LayerFlow:
    """What one layer did in its last call."""

    start: Value  # what it was given
    end: Value | None = None  # what it put out
    reads: dict[str, list[Read]] = field(default_factory=dict)  # module -> its first tensors
    products: dict[str, list[Read]] = field(default_factory=dict)  # weight, in no call of a map
    cached: list[Cached] = field(default_factory=list)
    queries: dict[str, torch.Size] = field(default_factory=dict)  # attention -> shape

    def reads_with(self, name: str) -> bool:
        """Whether a map of this name was called, or a weight of this name multiplied by."""
        return name in self.reads or name in self.products


@dataclass(slots=True)
class DeployedPass:
    """What the pass showed, by layer; a layer that was not reached has nothing."""

    layers: dict[int, LayerFlow] = field(default_factory=dict)
    why_no_cache: str | None = None  # None: it ran with one


def run_deployed_pass(
    stack: Stack,
    probe: Probe,
    weights: Sequence[Sequence[Weight]],
    *,
    has_cache: bool = True,
) -> DeployedPass:
    """Run the layers once more on the probe's tokens; no hook outlives the call.

    Args:
        stack: The decoder.
        probe: What a first pass showed.
        weights: Of each layer, those whose products are of interest.
        has_cache: Whether there is one to be shown.

    Returns:
        What it showed.
    """
    if not has_cache:
        with own_errors_told(stack.model):
            return _run(stack, probe, weights, caching=False)[0]
    try:
        seen, changed = _run(stack, probe, weights, caching=True)
    except Exception as error:  # whatever a model says to such a cache
        if ran_out(error):  # which says nothing of the cache
            raise
        said = reason(error, LONGEST_REASON).encode("ascii", "replace").decode()
        kind = type(error).__name__
        why = f"its forward pass fails with a cache that keeps nothing: {kind}: {said}"
        return _without_cache(stack, probe, weights, why)[0]
    if changed is None:
        return seen
    why = f"a cache that keeps nothing changes what {changed} puts out"
    plain, also = _without_cache(stack, probe, weights, why)
    # Where passes without a cache differ from each other too, bits say nothing against the cache.
    return plain if also is None else seen


def _without_cache(
    stack: Stack, probe: Probe, weights: Sequence[Sequence[Weight]], why: str
) -> tuple[DeployedPass, str | None]:
    with own_errors_told(stack.model):
        seen, changed = _run(stack, probe, weights, caching=False)
    seen.why_no_cache = why
    return seen, changed


class _Seeing:
    """Hooks of one pass: which modules run now, and in which layer.

    A module that several layers share has a hook under its name in each; only that of the layer
    which runs is heard.
    """

    def __init__(self, flow: Dataflow, probe: Probe) -> None:
        self.seen, self.flow = DeployedPass(), flow
        self.kept = probe.kept
        self.changed: str | None = None  # the first module that put out something else
        self.running: list[str] = []
        self.now: LayerFlow | None = None
        self.layer: int | None = None  # that runs

    def enter(self, layer: int, name: str, given: Tensor | None) -> None:
        self.flow.forget()
        self.layer, self.now = layer, None
        self.running.append(name)
        if given is not None:
            self.now = self.seen.layers[layer] = LayerFlow(self.flow.of(given))

    def before(self, layer: int, name: str, given: Tensor | None) -> None:
        if layer != self.layer:
            return
        self.running.append(name)
        if given is not None and self.now is not None:
            value = self.flow.of(given)
            self.now.reads.setdefault(name, []).append(Read(value, given.shape))
            value.read_by.append(name)

    def leave(self, layer: int, name: str, made: list[Tensor | None]) -> None:
        self.after(layer, name, made)
        if self.now is not None:
            self.now.end = self.flow.of(made[0]) if made and made[0] is not None else None
        self.layer = self.now = None
        self.flow.forget()

    def after(self, layer: int, name: str, made: list[Tensor | None]) -> None:
        if layer != self.layer:
            return
        self.running.pop()
        before = self.kept.get(name)
        if self.changed is None and before is not None and made and made[0] is not None:
            self.changed = None if module_traits.same_bits(before, made[0]) else name
        for index, x in enumerate(made):
            if x is not None:
                self.flow.of(x).made_by.append((name, index))

    def cached(self, number: int, key: Tensor, value: Tensor) -> None:
        if self.now is not None:
            found = Cached(self.running[-1], number, key.shape, value.shape)
            self.now.cached.append(found)

    def product(self, found: Product) -> None:
        """A map that is called shows what it reads by itself."""
        called = self.running[-1] == found.weight.name
        if self.now is None or (called and module_traits.is_map(found.weight.owner)):
            return
        value, known = self.flow.of(found.x), found.rows is not None
        read = Read(value, found.x.shape, known, found.num_matrices)
        self.now.products.setdefault(found.weight.name, []).append(read)

    def attended(self, _: nn.Module, attended: Attended) -> None:
        if self.now is not None:
            self.now.queries[self.running[-1]] = attended.query.shape


def _run(
    stack: Stack, probe: Probe, weights: Sequence[Sequence[Weight]], *, caching: bool
) -> tuple[DeployedPass, str | None]:
    """What the pass showed, and the first module whose output is not the probe's."""
    flow = Dataflow()
    seeing = _Seeing(flow, probe)
    with ExitStack() as hooks, torch.inference_mode():
        hooks.enter_context(_watched(stack, seeing))
        for layer, own in zip(stack.layers, weights, strict=True):
            follow_products(hooks, layer, own, seeing.product)
        config = stack.model.config
        hooks.enter_context(seen_attention(config, seeing.attended))
        if caching:
            hooks.enter_context(seen_cache(stack.owner, seeing.cached))
        with flow:
            run_owner(stack.owner, probe_ids(stack))
    return seeing.seen, seeing.changed


@contextmanager
def _watched(stack: Stack, seeing: _Seeing) -> Iterator[None]:
    """Hooks on the layers and on everything inside them."""

    def before(layer: int, name: str, relative: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
            given = next(module_traits.tensors_in((*args, kwargs)), None)
            (seeing.before if relative else seeing.enter)(layer, name, given)

        return hook

    def after(layer: int, name: str, relative: str) -> Callable[..., None]:
        def hook(_: nn.Module, __: object, output: object) -> None:
            made = module_traits.elements(output)
            (seeing.after if relative else seeing.leave)(layer, name, made)

        return hook

    with ExitStack() as hooks:
        for layer, whole in enumerate(stack.layers):
            for relative, module in whole.named_modules():
                name = ".".join(filter(None, (stack.layers_name, str(layer), relative)))
                first = before(layer, name, relative)
                hooks.callback(module.register_forward_pre_hook(first, with_kwargs=True).remove)
                last = after(layer, name, relative)
                hooks.callback(module.register_forward_hook(last).remove)
        yield

"""Forward hooks with a lifetime: attached on entry, gone on exit, whatever happens between.

Knows PyTorch modules and sites; knows nothing of statistics, reports or the Hub.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.call_scope import open_during_calls
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site, Summand
from hubmaxact.measurement.anatomy.token_layout import Routed
from hubmaxact.measurement.execution.attention_hooks import attach_attention
from hubmaxact.measurement.execution.cache_hooks import attach_cache
from hubmaxact.measurement.execution.expert_hooks import attach_experts
from hubmaxact.measurement.execution.product_hooks import attach_products
from hubmaxact.measurement.execution.watch import HeadSink, Watch

ACTIVATION_FUNCTIONS = frozenset(
    {
        nn.functional.silu,
        nn.functional.gelu,
        nn.functional.relu,
        nn.functional.mish,
        torch.sigmoid,
        torch.tanh,
    }
)
"""Functions that a gated unit may call in place of an activation module."""


class Sink(HeadSink, Protocol):
    """What receives the watched tensors."""

    def tensor(self, site: Site, x: Tensor, routed: Routed | None) -> None:
        """Take one tensor; `routed` tells what each row inside experts belongs to, else None."""

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Take one layer's chosen experts, shape (tokens, k)."""

    def routed_rows(self, layer: int, x: Tensor, routed: Routed) -> None:
        """Take what one layer's experts are given, a row for each token of each of them."""

    def expert_input(self, site: Site, x: Tensor, top_k_index: Tensor) -> None:
        """Take what one layer's experts are given, (tokens, channels), and the chosen ones."""


@contextmanager
def attach_hooks(
    model: PreTrainedModel,
    anatomy: Anatomy,
    sink: Sink,
    *,
    hears: Callable[[Site], bool] | None = None,
) -> Iterator[Counter[Site]]:
    """Pass every tensor at the anatomy's sites to `sink` while the block runs.

    What the sink computes goes through no function mode that the model's own functions go through.

    Args:
        model: The loaded checkpoint.
        anatomy: Its sites.
        sink: Takes the tensors.
        hears: Asked of a site whenever it fires; False leaves the tensor out. None: nothing is.

    Yields:
        How often each site fired: never having run is not the same as zero.
    """
    fired: Counter[Site] = Counter()

    def watch(site: Site, x: Tensor, routed: Routed | None = None) -> None:
        if hears is not None and not hears(site):
            return
        fired[site] += 1
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            sink.tensor(site, x.detach(), routed)

    with ExitStack() as hooks:
        for site in anatomy.sites:
            if site.point is Point.SUM:
                _attach_sum(hooks, model, site, watch)
            elif site.point in _ATTACH:
                _ATTACH[site.point](hooks, model.get_submodule(site.module), site, watch)
        for layer, module in anatomy.experts.items():
            inside = {site.point: site for site in anatomy.sites if site.module == module}
            attach_experts(hooks, model.get_submodule(module), layer, sink, inside, watch)
        attach_products(hooks, model, anatomy, sink, watch)
        attach_cache(hooks, model, anatomy, watch, sink)
        attach_attention(hooks, model, anatomy, watch, sink)
        yield fired


def _attach_output(hooks: ExitStack, module: nn.Module, site: Site, watch: Watch) -> None:
    call = count(1)

    # A hook that returns anything but None would replace the module's output.
    def on_output(_: nn.Module, __: object, output: object) -> None:
        if next(call) % site.calls == 0:
            x = module_traits.elements(output)[site.index]
            assert x is not None, "the probe saw a tensor there"
            watch(site, _times(x, site.factor))

    hooks.callback(module.register_forward_hook(on_output).remove)


def _attach_sum(hooks: ExitStack, model: PreTrainedModel, site: Site, watch: Watch) -> None:
    """Add up what several modules put out as the model does: two at a time, from the first."""
    seen: dict[Summand, Tensor] = {}

    def hook_of(summand: Summand) -> Callable[..., None]:
        def on_output(_: nn.Module, __: object, output: object) -> None:
            x = module_traits.elements(output)[summand.index]
            assert x is not None, "the probe saw a tensor there"
            seen[summand] = _times(x, summand.factor)
            if len(seen) == len(site.summands):
                first, *others = (seen.pop(each) for each in site.summands)
                watch(site, _times(sum(others, first), site.factor))

        return on_output

    for summand in site.summands:
        module = model.get_submodule(summand.module)
        hooks.callback(module.register_forward_hook(hook_of(summand)).remove)


def _times(x: Tensor, factor: float) -> Tensor:
    """The product that the model makes itself, and of which no module puts out the result."""
    return x if factor == 1.0 else x * factor


def _attach_input(hooks: ExitStack, module: nn.Module, site: Site, watch: Watch) -> None:
    def on_input(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        watch(site, next(module_traits.tensors_in((*args, kwargs))))

    hooks.callback(module.register_forward_pre_hook(on_input, with_kwargs=True).remove)


class _FirstActivation(TorchFunctionMode):
    """Shows the input of the first activation function called inside one forward."""

    def __init__(self, show: Callable[[Tensor], None]) -> None:
        super().__init__()
        self.show: Callable[[Tensor], None] | None = show

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if self.show is not None and func in ACTIVATION_FUNCTIONS:
            show, self.show = self.show, None
            show(args[0])
        return func(*args, **(kwargs or {}))


def _attach_function(hooks: ExitStack, module: nn.Module, site: Site, watch: Watch) -> None:
    open_during_calls(hooks, module, lambda _: _FirstActivation(lambda x: watch(site, x)))


_ATTACH = {
    Point.OUTPUT: _attach_output,
    Point.INPUT: _attach_input,
    Point.FUNCTION: _attach_function,
}

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

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.site import Anatomy, Point, Site
from hubmaxact.measurement.anatomy.token_layout import ROUTED_ROWS, Routed

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


class Sink(Protocol):
    """What receives the watched tensors."""

    def tensor(self, site: Site, x: Tensor, routed: Routed | None) -> None:
        """Take one tensor; `routed` tells what each row inside experts belongs to, else None."""

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Take one layer's chosen experts, shape (tokens, k)."""


@contextmanager
def attach_hooks(model: nn.Module, anatomy: Anatomy, sink: Sink) -> Iterator[Counter[Site]]:
    """Pass every tensor at the anatomy's sites to `sink` while the block runs.

    What the sink computes goes through no function mode that the model's own functions go through.

    Yields how often each site fired: never having run is not the same as zero.
    """
    fired: Counter[Site] = Counter()

    def watch(site: Site, x: Tensor, routed: Routed | None = None) -> None:
        fired[site] += 1
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            sink.tensor(site, x.detach(), routed)

    with ExitStack() as hooks:
        for site in anatomy.sites:
            if site.point is not Point.EXPERT_GATE:
                _ATTACH[site.point](hooks, model.get_submodule(site.module), site, watch)
        gates = {site.module: site for site in anatomy.sites if site.point is Point.EXPERT_GATE}
        for layer, module in anatomy.experts.items():
            experts = model.get_submodule(module)
            _attach_experts(hooks, experts, layer, sink, gates.get(module), watch)
        yield fired


Watch = Callable[..., None]


def _attach_output(hooks: ExitStack, module: nn.Module, site: Site, watch: Watch) -> None:
    call = count(1)

    # A hook that returns anything but None would replace the module's output.
    def on_output(_: nn.Module, __: object, output: object) -> None:
        if next(call) % site.calls == 0:
            watch(site, module_traits.elements(output)[site.index])

    hooks.callback(module.register_forward_hook(on_output).remove)


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
    running: list[ExitStack] = []

    def before(_: nn.Module, __: object) -> None:
        running.append(ExitStack())
        running[-1].enter_context(_FirstActivation(lambda x: watch(site, x)))

    def after(_: nn.Module, __: object, ___: object) -> None:
        running.pop().close()

    hooks.callback(module.register_forward_pre_hook(before).remove)
    # Called even when the forward raises, so that no mode is left behind.
    hooks.callback(module.register_forward_hook(after, always_call=True).remove)


_ATTACH = {
    Point.OUTPUT: _attach_output,
    Point.INPUT: _attach_input,
    Point.FUNCTION: _attach_function,
}


def _attach_experts(
    hooks: ExitStack, experts: Any, layer: int, sink: Sink, gate: Site | None, watch: Watch
) -> None:
    """Watch the routing, and the gate half of what goes into the experts' own gating step."""
    chosen: list[Tensor] = []

    def on_input(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        tensors = module_traits.tensors_in((*args, kwargs))
        chosen[:] = [next(t for t in tensors if not t.is_floating_point())]
        with torch._C.DisableTorchFunction():  # noqa: SLF001 as above
            sink.routing(layer, chosen[0])

    hooks.callback(experts.register_forward_pre_hook(on_input, with_kwargs=True).remove)
    if gate is None:
        return
    apply_gate = experts._apply_gate  # noqa: SLF001 transformers' own hook point for gated experts

    def watched(gate_up: Tensor) -> Tensor:
        half = gate_up.chunk(2, dim=-1)[0] if experts.is_concatenated else gate_up[..., ::2]
        rows = ROUTED_ROWS[experts.config._experts_implementation](chosen[0])  # noqa: SLF001
        watch(gate, half, rows)
        result: Tensor = apply_gate(gate_up)
        return result

    experts._apply_gate = watched  # noqa: SLF001 on the instance: the class stays as it is
    hooks.callback(delattr, experts, "_apply_gate")

"""Hooks inside routed experts: who is chosen, what reaches each, gates, and down projections.

Knows transformers' experts interface; the rows inside it are of tokens as `token_layout` tells.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.site import Point, Site
from hubmaxact.measurement.anatomy.token_layout import ROUTED_ROWS, Routed
from hubmaxact.measurement.execution.watch import Watch


class RoutingSink(Protocol):
    """What receives the choices of routers."""

    def routing(self, layer: int, top_k_index: Tensor) -> None:
        """Take one layer's chosen experts, shape (tokens, k)."""

    def expert_input(self, site: Site, x: Tensor, top_k_index: Tensor) -> None:
        """Take what one layer's experts are given, (tokens, channels), and the chosen ones."""


def attach_experts(
    hooks: ExitStack,
    experts: Any,
    layer: int,
    sink: RoutingSink,
    inside: Mapping[Point, Site],
    watch: Watch,
) -> None:
    """Watch the routing of a layer, and what is inside its experts.

    Args:
        hooks: Takes them off again.
        experts: The module that transformers' experts interface runs.
        layer: From 0.
        sink: Hears of the routing.
        inside: The sites that lie here, by their point.
        watch: Takes what is watched.
    """
    chosen: list[Tensor] = []
    reached = inside.get(Point.EXPERT_INPUT)

    def on_input(_: nn.Module, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
        tensors = list(module_traits.tensors_in((*args, kwargs)))
        chosen[:] = [next(t for t in tensors if not t.is_floating_point())]
        with torch._C.DisableTorchFunction():  # noqa: SLF001 public by torch's notes on extending
            sink.routing(layer, chosen[0])
            if reached is not None:
                sink.expert_input(reached, tensors[0].detach(), chosen[0])

    hooks.callback(experts.register_forward_pre_hook(on_input, with_kwargs=True).remove)
    gate, down = inside.get(Point.EXPERT_GATE), inside.get(Point.EXPERT_DOWN)
    if experts.has_gate and (gate or down):
        _attach_gating(hooks, experts, chosen, gate, down, watch)
    elif down is not None:
        _attach_activation(hooks, experts, chosen, down, watch)


def _attach_gating(
    hooks: ExitStack,
    experts: Any,
    chosen: list[Tensor],
    gate: Site | None,
    down: Site | None,
    watch: Watch,
) -> None:
    """Around the experts' own gating step: its gate half, and what it makes."""
    apply_gate = experts._apply_gate  # noqa: SLF001 transformers' own hook point for gated experts

    def watched(gate_up: Tensor) -> Tensor:
        rows = _rows(experts, chosen[0])
        if gate is not None:
            half = gate_up.chunk(2, dim=-1)[0] if experts.is_concatenated else gate_up[..., ::2]
            watch(gate, half, rows)
        result: Tensor = apply_gate(gate_up)
        if down is not None:
            watch(down, result, rows)
        return result

    experts._apply_gate = watched  # noqa: SLF001 on the instance: the class stays as it is
    hooks.callback(delattr, experts, "_apply_gate")


def _attach_activation(
    hooks: ExitStack, experts: Any, chosen: list[Tensor], down: Site, watch: Watch
) -> None:
    """Experts without a gate: their activation makes what the down projection reads."""

    def on_output(_: nn.Module, __: object, output: Tensor) -> None:
        watch(down, output, _rows(experts, chosen[0]))

    hooks.callback(experts.act_fn.register_forward_hook(on_output).remove)


def _rows(experts: Any, top_k_index: Tensor) -> Routed:
    return ROUTED_ROWS[experts.config._experts_implementation](top_k_index)  # noqa: SLF001 no public reader on a module

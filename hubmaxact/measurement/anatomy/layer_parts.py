"""One decoder layer taken apart: token mixers, channel blocks, activations, experts, routers.

No module names: in order of trust, the classes that transformers declares, forward signatures, and
shapes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn
from transformers.modeling_layers import GradientCheckpointingLayer

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.declared import CHANNEL_BLOCKS, Record


@dataclass(slots=True)
class LayerParts:
    """Dotted names inside one layer, in module order."""

    name: str
    mixers: list[str] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)
    activations: list[str] = field(default_factory=list)  # inside blocks, outside experts
    experts: list[str] = field(default_factory=list)  # run by the experts interface
    stacked: list[str] = field(default_factory=list)  # blocks with experts of any kind
    routers: list[tuple[str, int]] = field(default_factory=list)  # name, index of the logits
    unknown: list[str] = field(default_factory=list)  # own matrices, and are none of these


def take_apart(
    name: str,
    layer: nn.Module,
    *,
    width: int,
    attentions: tuple[Record, ...],
    routers: tuple[Record, ...],
) -> LayerParts:
    """Classify every part of the layer at this dotted name; `width` is the residual width."""
    parts = LayerParts(name)
    _classify(parts, name, layer, width, attentions, routers)
    if not parts.blocks:
        parts.blocks += _inline_block(name, layer, width)
    _look_inside(parts, layer, routers)
    return parts


def _classify(
    parts: LayerParts,
    name: str,
    module: nn.Module,
    width: int,
    attentions: tuple[Record, ...],
    routers: tuple[Record, ...],
) -> None:
    """Sort the children into mixers and blocks; containers and wrappers are opened."""
    for child_name, child in _children(name, module, width):
        if type(child).__name__ in CHANNEL_BLOCKS:
            parts.blocks.append(child_name)
        elif _matching(attentions, child_name, child):
            parts.mixers.append(child_name)
        elif module_traits.takes_mixer_arguments(child):
            if _holds_declared(child_name, child, attentions):
                _classify(parts, child_name, child, width, attentions, routers)
            else:
                parts.mixers.append(child_name)
        elif _matching(routers, child_name, child):
            continue
        elif _is_block(child, width):
            parts.blocks.append(child_name)
            if module_traits.has_stacked_weights(child):
                parts.stacked.append(child_name)
        else:
            parts.unknown.append(child_name)


def _inline_block(name: str, layer: nn.Module, width: int) -> list[str]:
    """OPT writes its block out in the layer; the map back to the residual width ends it."""
    maps = [(f"{name}.{n}", m) for n, m in layer.named_children() if isinstance(m, nn.Linear)]
    if not any(m.in_features == width and m.out_features > width for _, m in maps):
        return []
    return [n for n, m in maps if m.out_features == width and m.in_features != width]


def _children(name: str, module: nn.Module, width: int) -> Iterator[tuple[str, nn.Module]]:
    """Children that own matrices; containers are opened, but for a block that is one (CTRL's)."""
    for child_name, child in module.named_children():
        full = f"{name}.{child_name}"
        container = isinstance(child, GradientCheckpointingLayer | nn.ModuleList | nn.Sequential)
        if container and not (isinstance(child, nn.Sequential) and _is_whole(child, width)):
            yield from _children(full, child, width)
        elif module_traits.has_matrix(child):
            yield full, child


def _is_whole(child: nn.Sequential, width: int) -> bool:
    """Whether maps of its own lead out of the residual width and back."""
    own = nn.Sequential(*(part for part in child if module_traits.is_map(part)))
    return module_traits.widens_and_returns(own, width)


def _holds_declared(name: str, module: nn.Module, attentions: tuple[Record, ...]) -> bool:
    """Whether a declared attention lies deeper: then this module only wraps it."""
    inner = ((f"{name}.{n}", m) for n, m in module.named_modules() if n)
    return any(_matching(attentions, inner_name, m) for inner_name, m in inner)


def _is_block(module: nn.Module, width: int) -> bool:
    """Activations, experts, or a map out of the residual width and one back."""
    if isinstance(module, nn.Linear):
        return False
    return (
        any(
            module_traits.is_activation(m) or module_traits.is_routed_experts(m)
            for m in module.modules()
        )
        or module_traits.widens_and_returns(module, width)
        or module_traits.has_stacked_weights(module)
    )


def _look_inside(parts: LayerParts, layer: nn.Module, routers: tuple[Record, ...]) -> None:
    """Find routers, experts and activations; what lies in a router or in experts is theirs."""
    taken: list[str] = list(parts.mixers)
    for relative, module in layer.named_modules():
        name = f"{parts.name}.{relative}" if relative else parts.name
        if _within(name, taken):
            continue
        router = _matching(routers, name, module)
        if router is not None:
            parts.routers.append((name, router.index))
            taken.append(name)
        elif module_traits.is_routed_experts(module):
            parts.experts.append(name)
            taken.append(name)
        elif module_traits.is_activation(module) and _within(name, parts.blocks):
            parts.activations.append(name)


def _within(name: str, prefixes: list[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _matching(records: tuple[Record, ...], name: str, module: nn.Module) -> Record | None:
    return next((record for record in records if record.matches(name, module)), None)

"""One layer taken apart: token mixers, channel blocks, activations, experts, routers.

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
    openings: list[str] = field(default_factory=list)  # modules that begin a block ended elsewhere
    activations: list[str] = field(default_factory=list)  # inside blocks, outside experts
    experts: list[str] = field(default_factory=list)  # run by the experts interface
    stacked: list[str] = field(default_factory=list)  # blocks with experts of any kind
    routers: list[tuple[str, int]] = field(default_factory=list)  # name, index of the logits
    unknown: list[str] = field(default_factory=list)  # own matrices, and are none of these

    @property
    def owners(self) -> list[str]:
        """Blocks, and what nothing told."""
        return [*self.blocks, *self.unknown]


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
    _end_blocks(parts, name, layer, width)
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
            if _holds_declared(child_name, child, attentions) or _wraps_mixer(child):
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


def _end_blocks(parts: LayerParts, name: str, layer: nn.Module, width: int) -> None:
    """Where a block is written out in the layer, the map back to the residual width ends it.

    OPT's maps are children of the layer; BERT widens in one module and returns in another.
    """
    modules = {each: layer.get_submodule(each[len(name) + 1 :]) for each in parts.owners}
    openings = [each for each in parts.blocks if _is_open(modules[each])]
    if len(openings) < len(parts.blocks):
        return
    beside = [*openings, *parts.unknown]
    if not any(into == width < out for each in beside for _, into, out in _maps(modules[each])):
        return
    ends = {
        f"{each}{inner}": each
        for each in parts.unknown
        for inner, into, out in _maps(modules[each])
        if out == width != into
    }
    if ends:
        parts.blocks, parts.openings = list(ends), openings
        parts.unknown = [each for each in parts.unknown if each not in ends.values()]


def _is_open(block: nn.Module) -> bool:
    """Whether all its matrices are those of maps, and none leads back to where one came from."""
    shapes = [(into, out) for _, into, out in _maps(block)]
    matrices = sum(weight.dim() > 1 for weight in block.parameters())
    return len(shapes) == matrices and not any(
        out < into or (out, into) in shapes for into, out in shapes
    )


def _maps(module: nn.Module) -> Iterator[tuple[str, int, int]]:
    """Linear maps inside, or the module itself: a dot and the name, in and out features."""
    for name, child in module.named_modules():
        if module_traits.is_map(child):
            into, out = next(module_traits.linears(child))
            yield f".{name}" if name else "", into, out


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


def _wraps_mixer(module: nn.Module) -> bool:
    """Whether a mixer lies deeper, beside a norm: what DeBERTa's puts out went through that one."""
    inner = (m for m in module.modules() if m is not module)
    mixer = next((m for m in inner if module_traits.takes_mixer_arguments(m)), None)
    if mixer is None or not module_traits.has_matrix(mixer):
        return False
    beside = set(module.modules()) - set(mixer.modules())
    return any(_is_norm(each) for each in beside)


def _is_norm(module: nn.Module) -> bool:
    weights = list(module.parameters())
    return bool(weights) and all(weight.dim() == 1 for weight in weights)


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
    taken, blocks = list(parts.mixers), [*parts.blocks, *parts.openings]
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
        elif module_traits.is_activation(module) and _within(name, blocks):
            parts.activations.append(name)


def _within(name: str, prefixes: list[str]) -> bool:
    return any(name == prefix or name.startswith(f"{prefix}.") for prefix in prefixes)


def _matching(records: tuple[Record, ...], name: str, module: nn.Module) -> Record | None:
    return next((record for record in records if record.matches(name, module)), None)

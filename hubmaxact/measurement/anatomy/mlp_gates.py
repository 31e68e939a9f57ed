"""Where a layer's gate pre-activations can be watched, and which units have a gate at all.

A gated unit multiplies an activated projection by a second one of equal width. Its gate is the
input of its activation module, the gate half inside fused experts, or, when the activation is a
plain function, that function's input. A gate that nothing shows is missing, and never absent.
"""

from collections.abc import Iterator
from typing import Any

from torch import nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.declared import CHANNEL_BLOCKS
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.probe_pass import Probe
from hubmaxact.measurement.anatomy.site import Missing, Point, Site
from hubmaxact.measurement.anatomy.token_layout import ROUTED_ROWS


def find_gates(
    model: PreTrainedModel, layer: int, parts: LayerParts, probe: Probe
) -> list[Site | Missing]:
    """Every gate of one layer; those of a block that shows none are missing, with the reason."""
    found = [
        _site(layer, parts, f"{name}.{CHANNEL_BLOCKS[kind]}", Point.OUTPUT, name)
        for name in parts.blocks
        if (kind := type(model.get_submodule(name)).__name__) in CHANNEL_BLOCKS
    ]
    found += [
        _site(layer, parts, name, Point.INPUT, name.rpartition(".")[0])
        for name in parts.activations
        if _activation_is_gated(model, name, probe)
    ]
    found += [
        _site(layer, parts, name, Point.EXPERT_GATE, name)
        for name in parts.experts
        if model.get_submodule(name).has_gate and experts_implementation(model, name) in ROUTED_ROWS
    ]
    covered = [site.module for site in found]
    found += [
        _site(layer, parts, name, Point.FUNCTION, name)
        for name in _gated_units(model, parts)
        if not any(module.startswith(f"{name}.") for module in covered)
    ]
    return [*_numbered(found), *_unseen(model, layer, parts, found)]


def _site(layer: int, parts: LayerParts, module: str, point: Point, unit: str) -> Site:
    part = unit.removeprefix(f"{parts.name}.")
    return Site(role="mlp_gate", layer=layer, part=part, module=module, point=point)


def _numbered(found: list[Site]) -> list[Site | Missing]:
    """A part is only named where there are several."""
    if len(found) != 1:
        return list(found)
    site = found[0]
    only = Site(role=site.role, layer=site.layer, part=None, module=site.module, point=site.point)
    return [only]


def _activation_is_gated(model: PreTrainedModel, activation: str, probe: Probe) -> bool:
    """Whether the unit around an activation projects to the gate, the value and back.

    An activation that the probe never reached is expected all the same, so that its silence in
    the run is named.
    """
    if activation not in probe.inputs:
        return True
    inner = probe.inputs[activation][-1]
    unit = model.get_submodule(activation.rpartition(".")[0])
    widths = [out for _, out in _own_maps(unit)]
    if not widths:
        return module_traits.has_stacked_weights(unit) or _has_three_matrices(unit)
    return len(widths) >= 2 and sum(widths) >= 2 * inner + min(widths)


def _has_three_matrices(unit: nn.Module) -> bool:
    """Whether its own weights are enough for gate, value and the way back (DBRX's experts)."""
    sizes = [weight.numel() for weight in unit.parameters(recurse=False) if weight.dim() >= 2]
    return bool(sizes) and sum(sizes) >= 3 * min(sizes)


def _gated_units(model: PreTrainedModel, parts: LayerParts) -> Iterator[str]:
    """Modules inside channel blocks, routers aside, shaped like a gated unit."""
    routers = [name for name, _ in parts.routers]
    for block in parts.blocks:
        for relative, module in model.get_submodule(block).named_modules():
            name = f"{block}.{relative}" if relative else block
            in_router = any(name == r or name.startswith(f"{r}.") for r in routers)
            if not in_router and _is_gated_unit(module):
                yield name


def _is_gated_unit(module: nn.Module) -> bool:
    """Two maps of equal shape out, or one of twice the width, and one back."""
    maps = _own_maps(module)
    return any(
        into != out and (maps.count((out, into)) >= 2 or (out, 2 * into) in maps)
        for into, out in maps
    )


def _own_maps(module: nn.Module) -> list[tuple[int, int]]:
    """(in, out) of the linear maps that are the module's own children."""
    leaves = (child for child in module.children() if not any(True for _ in child.children()))
    return [shape for leaf in leaves for shape in module_traits.linears(leaf)]


def _unseen(
    model: PreTrainedModel, layer: int, parts: LayerParts, found: list[Site]
) -> Iterator[Missing]:
    """Blocks whose gate nothing here can watch, or that may have one."""
    for name in parts.experts:
        implementation = experts_implementation(model, name)
        if implementation not in ROUTED_ROWS:
            yield _missing(
                layer, name, f"experts run as {implementation!r}, whose rows are unknown"
            )
    seen = [*parts.experts, *(site.module for site in found)]
    for block in parts.blocks:
        if any(name == block or name.startswith(f"{block}.") for name in seen):
            continue
        if block in parts.stacked:
            yield _missing(layer, block, "these experts offer no point where a gate can be watched")
        elif _holds_other_matrices(model.get_submodule(block)):
            yield _missing(layer, block, "its weights do not tell whether it has a gate")


def _holds_other_matrices(block: nn.Module) -> bool:
    """Whether matrices belong to none of the modules that say what they are for."""
    return any(
        weight.dim() >= 2 and weight.shape[-2] > 1
        for module in block.modules()
        if not module_traits.is_map(module) and not type(module).__module__.startswith("torch.")
        for weight in module.parameters(recurse=False)
    )


def experts_implementation(model: PreTrainedModel, name: str) -> str:
    """How transformers runs the experts at this dotted name."""
    experts: Any = model.get_submodule(name)
    return str(experts.config._experts_implementation)  # noqa: SLF001 no public reader on a module


def _missing(layer: int, module: str, reason: str) -> Missing:
    return Missing(role="mlp_gate", layer=layer, part=None, module=module, reason=reason)

"""Which tensors the linear maps of a layer read, each once however many maps read it."""

from collections.abc import Iterator, Mapping

from torch import nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.dataflow import Value
from hubmaxact.measurement.anatomy.declared import num_experts_of
from hubmaxact.measurement.anatomy.deployed_pass import LayerFlow
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.mlp_gates import experts_implementation
from hubmaxact.measurement.anatomy.site import Missing, Point, Site
from hubmaxact.measurement.anatomy.token_layout import ROUTED_ROWS

NOT_REACHED = "it was not called: its weights are read elsewhere, or no token reached it"
UNSEEN_EXPERTS = "these experts offer no point where what they read can be watched"


def find_linear_inputs(
    model: PreTrainedModel, layer: int, parts: LayerParts, flow: LayerFlow
) -> list[Site | Missing]:
    """Every tensor that maps of one layer read.

    Args:
        model: Whose layer it is.
        layer: From 0.
        parts: The layer taken apart.
        flow: What it did in a pass.

    Returns:
        Sites in the order in which they were read; experts' down projections after them; and maps
        whose input cannot be watched, with the reason.
    """
    own = dict(model.get_submodule(parts.name).named_modules())
    modules = {f"{parts.name}.{name}": module for name, module in own.items() if name}
    readers = dict(_readers(modules, parts))
    num_experts = num_experts_of(model.config.get_text_config(decoder=True))
    groups = dict[Value, list[str]]()
    for name, value in flow.reads.items():
        if name in readers:
            groups.setdefault(value, []).append(name)
    found: list[Site | Missing] = [
        _site(layer, parts, names, [readers[name] for name in names]) for names in groups.values()
    ]
    found += [
        _missing(layer, parts, readers[name], NOT_REACHED)
        for name in readers
        if name not in flow.reads
    ]
    for name in parts.experts:
        found.append(_down(model, layer, parts, name, modules[name]))
    found += [
        _missing(layer, parts, name, UNSEEN_EXPERTS)
        for name, module in modules.items()
        if name not in parts.experts and module_traits.has_matrix_of_each(module, num_experts)
    ]
    return found


def _readers(modules: Mapping[str, nn.Module], parts: LayerParts) -> Iterator[tuple[str, str]]:
    """Modules whose first tensor goes into a product, with the name of what multiplies it."""
    for name, module in modules.items():
        if name in parts.experts:
            yield name, f"{name}.{'gate_up_proj' if module.has_gate else 'up_proj'}"
        elif module_traits.is_map(module):
            yield name, name


def _site(layer: int, parts: LayerParts, modules: list[str], maps: list[str]) -> Site:
    return Site(
        role="linear_input",
        layer=layer,
        part=maps[0].removeprefix(f"{parts.name}."),
        module=modules[0],
        point=Point.INPUT,
        maps=tuple(maps),
    )


def _down(
    model: PreTrainedModel, layer: int, parts: LayerParts, name: str, experts: nn.Module
) -> Site | Missing:
    """What the down projection inside fused experts reads."""
    down, kernel = f"{name}.down_proj", experts_implementation(model, name)
    if kernel not in ROUTED_ROWS:
        reason = f"experts run as {kernel!r}, whose rows are unknown"
        return _missing(layer, parts, down, reason)
    if not experts.has_gate and not isinstance(experts.act_fn, nn.Module):
        return _missing(layer, parts, down, "its activation is a plain function")
    return Site(
        role="linear_input",
        layer=layer,
        part=down.removeprefix(f"{parts.name}."),
        module=name,
        point=Point.EXPERT_DOWN,
        maps=(down,),
    )


def _missing(layer: int, parts: LayerParts, name: str, reason: str) -> Missing:
    part = name.removeprefix(f"{parts.name}.")
    return Missing(role="linear_input", layer=layer, part=part, module=name, reason=reason)

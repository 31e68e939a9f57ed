"""Which tensors the linear maps of a layer read, each once however many maps read it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import nn
from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.dataflow import Value
from hubmaxact.measurement.anatomy.deployed_pass import LayerFlow, Read
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.map_weights import num_experts
from hubmaxact.measurement.anatomy.mlp_gates import experts_implementation
from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES
from hubmaxact.measurement.anatomy.site import Missing, Point, Site
from hubmaxact.measurement.anatomy.token_layout import ROUTED_ROWS, Layout, layout_of
from hubmaxact.measurement.anatomy.weight_products import Weight

NOT_REACHED = "it was not called: its weights are read elsewhere, or no token reached it"
UNSEEN_EXPERTS = "these experts offer no point where what they read can be watched"
UNKNOWN_ROWS = "nothing tells which row of what it reads is which token of which expert"

Found = list[Site | Missing]


@dataclass(slots=True)
class _Group:
    """Maps that read the same tensors."""

    modules: list[str] = field(default_factory=list)  # that are called with them
    maps: list[str] = field(default_factory=list)  # all that multiply them


def find_linear_inputs(
    model: PreTrainedModel,
    layer: int,
    parts: LayerParts,
    flow: LayerFlow,
    weights: Sequence[Weight],
) -> Found:
    """Every tensor that maps of one layer read.

    Args:
        model: Whose layer it is.
        layer: From 0.
        parts: The layer taken apart.
        flow: What it did in a pass.
        weights: Those of its maps and of its experts.

    Returns:
        Sites in the order in which they were read; experts' down projections after them; and maps
        whose input cannot be watched, with the reason.
    """
    experts = {name: model.get_submodule(name) for name in parts.experts}
    readers = {f"{name}.{_first_stack(module)}": name for name, module in experts.items()}
    readers |= {each.name: each.name for each in weights if module_traits.is_map(each.owner)}
    found = Found()
    groups = _groups(readers, flow)
    for values, group in groups.items():
        # A map of relative positions reads a weight, which is no activation (DeBERTa).
        if not all(value.is_weight for value in values):
            found.append(_site(model, layer, parts, flow, values, group))
    quick = [name for name in experts if experts_implementation(model, name) in ROUTED_ROWS]
    found += [_down(layer, parts, name, experts[name]) for name in quick]
    told = {name for group in groups.values() for name in group.maps}
    for each in weights:
        if each.name in told or each.is_joined:
            continue
        if each.owner not in [experts[name] for name in quick]:
            reason = NOT_REACHED if module_traits.is_map(each.owner) else UNSEEN_EXPERTS
            found.append(_missing(layer, parts, each.name, reason))
    return found


def _first_stack(experts: nn.Module) -> str:
    """What transformers' experts call the matrices that read their input."""
    return "gate_up_proj" if experts.has_gate else "up_proj"


def _groups(readers: Mapping[str, str], flow: LayerFlow) -> dict[tuple[Value, ...], _Group]:
    """Maps by what they read, in the order in which that was read first."""
    groups = dict[tuple[Value, ...], _Group]()
    names = {module: name for name, module in readers.items()}
    for module, reads in flow.reads.items():
        if module in names:
            group = groups.setdefault(_values(reads), _Group())
            group.modules.append(module)
            group.maps.append(names[module])
    for name, reads in flow.products.items():
        if readers.get(name) not in flow.reads:
            groups.setdefault(_values(reads), _Group()).maps.append(name)
    return groups


def _values(reads: Sequence[Read]) -> tuple[Value, ...]:
    """What was read, rows of one value as that value; constants beside tokens are none of it."""
    of_tokens = [
        each
        for each in reads
        if not each.value.is_weight and (not each.value.is_constant or _layout(each))
    ]
    return tuple(dict.fromkeys(each.value.whole for each in of_tokens or reads))


def _layout(read: Read) -> Layout | None:
    return layout_of(read.shape, NUM_SEQUENCES, LENGTH)


def _site(
    model: PreTrainedModel,
    layer: int,
    parts: LayerParts,
    flow: LayerFlow,
    values: tuple[Value, ...],
    group: _Group,
) -> Site | Missing:
    """Where a tensor can be watched: at a module that is given it, or in a product."""
    place = _module(values, group, flow)
    if place is not None:
        return _at(layer, parts, group, place, Point.INPUT)
    products = [name for name in group.maps if name in flow.products]
    for name in products:
        reads = flow.products[name]
        layouts = {_layout(each) for each in reads}
        number = reads[0].num_matrices
        if number is None and len(layouts) == 1 and (layout := layouts.pop()) is not None:
            group.maps = [name, *(each for each in group.maps if each != name)]
            return _at(layer, parts, group, parts.name, Point.PRODUCT, layout=layout)
        if number is not None and all(each.rows_known for each in reads):
            group.maps = [name, *(each for each in group.maps if each != name)]
            return _at(
                layer, parts, group, parts.name, Point.PRODUCT, groups=num_experts(model, number)
            )
    return _missing(layer, parts, group.maps[0], _why(group, flow))


def _module(values: tuple[Value, ...], group: _Group, flow: LayerFlow) -> str | None:
    """A module that is given these tensors and nothing else, with rows that are tokens."""
    others = values[0].read_by if len(values) == 1 else []
    for name in (*group.modules, *others):
        reads = flow.reads.get(name, [])
        layouts = {_layout(each) for each in reads}
        if {each.value for each in reads} == set(values) and len(layouts) == 1 and all(layouts):
            return name
    return None


def _why(group: _Group, flow: LayerFlow) -> str:
    """Why what some maps read cannot be watched."""
    reads = [each for name in group.modules for each in flow.reads[name]]
    odd = next((each.shape for each in reads if _layout(each) is None), None)
    if odd is None:
        return UNKNOWN_ROWS
    return f"shape {tuple(odd)} does not say which row is which token"


def _at(
    layer: int,
    parts: LayerParts,
    group: _Group,
    module: str,
    point: Point,
    *,
    layout: Layout | None = None,
    groups: int | None = None,
) -> Site:
    return Site(
        role="linear_input",
        layer=layer,
        part=group.maps[0].removeprefix(f"{parts.name}."),
        module=module,
        point=point,
        maps=tuple(group.maps),
        layout=layout,
        groups=groups,
    )


def _down(layer: int, parts: LayerParts, name: str, experts: nn.Module) -> Site | Missing:
    """What the down projection inside fused experts reads."""
    down = f"{name}.down_proj"
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

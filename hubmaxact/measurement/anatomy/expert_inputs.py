"""What reaches each expert of a layer, and what each of their down projections reads."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from transformers import PreTrainedModel

from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.deployed_pass import LayerFlow
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.linear_inputs import UNKNOWN_ROWS
from hubmaxact.measurement.anatomy.map_weights import num_experts
from hubmaxact.measurement.anatomy.site import Missing, Point, Site
from hubmaxact.measurement.anatomy.weight_products import Weight

Found = list[Site | Missing]

INPUT, DOWN = "expert_input", "expert_down_input"


def find_expert_inputs(
    model: PreTrainedModel,
    layer: int,
    parts: LayerParts,
    flow: LayerFlow,
    weights: Sequence[Weight],
    found: Found,
) -> Found:
    """Two sites, seen or missing, for the experts of a layer; none for a layer without.

    Args:
        model: Whose layer it is.
        layer: From 0.
        parts: The layer taken apart.
        flow: What it did in a pass.
        weights: Those of its maps and of its experts.
        found: Its linear inputs among others.

    Returns:
        What reaches each expert, and what each of their down projections reads.
    """
    for name in parts.experts[:1]:
        reached = Site(role=INPUT, layer=layer, part=None, module=name, point=Point.EXPERT_INPUT)
        down = next(s for s in found if s.role == "linear_input" and _is_down(s, name))
        return [reached, replace(down, role=DOWN, part=None)]
    stacks = [each for each in weights if _is_of_block(each, parts)]
    return list(_of_products(model, layer, parts.name, flow, stacks))


def _is_down(site: Site | Missing, experts: str) -> bool:
    """Whether it is what the down projection inside these experts reads, seen or missing."""
    down = f"{experts}.down_proj"
    return down in site.maps if isinstance(site, Site) else site.module == down


def _is_of_block(weight: Weight, parts: LayerParts) -> bool:
    """Whether it is a stack of experts that are no token mixers (as JetMoE has some)."""
    is_map = module_traits.is_map(weight.owner)
    return not is_map and any(weight.name.startswith(f"{block}.") for block in parts.blocks)


def _of_products(
    model: PreTrainedModel, layer: int, module: str, flow: LayerFlow, stacks: Sequence[Weight]
) -> Iterator[Site | Missing]:
    """Of experts with a forward of their own: what their first and last stacks multiply."""
    used = [name for name in flow.products if any(each.name == name for each in stacks)]
    reads = [read for name in used for read in flow.products[name]]
    numbers = [num_experts(model, read.num_matrices) for read in reads if read.num_matrices]
    for role, names in ((INPUT, used[:1]), (DOWN, used[1:][-1:])):
        for name in names:
            if all(read.rows_known for read in flow.products[name]):
                yield Site(
                    role=role,
                    layer=layer,
                    part=None,
                    module=module,
                    point=Point.PRODUCT,
                    maps=(name,),
                    groups=min(numbers),
                )
            else:
                yield Missing(role=role, layer=layer, part=None, module=name, reason=UNKNOWN_ROWS)

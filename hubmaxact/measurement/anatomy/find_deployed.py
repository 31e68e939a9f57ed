"""What profile `deployment` watches beside the roles of the paper, layer by layer."""

from collections.abc import Sequence

from hubmaxact.measurement.anatomy.cached_heads import find_cached, unseen
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.deployed_pass import run_deployed_pass
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.linear_inputs import find_linear_inputs
from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES, Probe
from hubmaxact.measurement.anatomy.site import Missing, Point, Site
from hubmaxact.measurement.anatomy.updates import OUTPUTS, find_updates

Found = list[Site | Missing]


def find_deployed(
    stack: Stack, parts: Sequence[LayerParts], probe: Probe, found: Sequence[Site | Missing]
) -> Found:
    """Run a second pass and find updates, linear inputs, keys and values, and experts' inputs.

    Args:
        stack: The decoder.
        parts: Its layers taken apart.
        probe: What a first pass showed.
        found: The sites of profile `paper`.

    Returns:
        Sites and what is missing, layouts not yet checked.
    """
    seen, more = run_deployed_pass(stack, probe), Found()
    for layer, pieces in enumerate(parts):
        flow = seen.layers.get(layer)
        if flow is None:
            continue  # a layer that never ran is missing as a hidden state
        outputs = [
            site
            for site in found
            if isinstance(site, Site) and site.layer == layer and site.role in OUTPUTS.values()
        ]
        if _is_one_stream(pieces, probe, stack.width):
            more += find_updates(layer, pieces, flow, outputs)
        more += find_linear_inputs(stack.model, layer, pieces, flow)
        if seen.why_no_cache is None:
            more += find_cached(layer, pieces, flow)
        else:
            more += unseen(layer, pieces, seen.why_no_cache)
        more += _expert_inputs(layer, pieces, more)
    return list(dict.fromkeys(more))  # one reason for a place is told once


def _is_one_stream(parts: LayerParts, probe: Probe, width: int) -> bool:
    """Whether a token has one residual stream; several are mixed with each other."""
    shape = next(iter(probe.outputs.get(parts.name, ())), None)
    return shape is not None and shape.numel() == NUM_SEQUENCES * LENGTH * width


def _expert_inputs(layer: int, parts: LayerParts, found: Found) -> Found:
    """What reaches each expert of a layer, and what each of their down projections reads."""
    sites = Found()
    for name in parts.experts[:1]:
        site = Site(
            role="expert_input", layer=layer, part=None, module=name, point=Point.EXPERT_INPUT
        )
        sites.append(site)
        down = next(s for s in found if s.role == "linear_input" and s.part and _is_down(s, name))
        if isinstance(down, Site):
            sites.append(
                Site(
                    role="expert_down_input",
                    layer=layer,
                    part=None,
                    module=name,
                    point=Point.EXPERT_DOWN,
                )
            )
        else:
            missing = Missing(
                role="expert_down_input",
                layer=layer,
                part=None,
                module=name,
                reason=down.reason,
            )
            sites.append(missing)
    return sites


def _is_down(site: Site | Missing, experts: str) -> bool:
    """Whether it is what the down projection inside these experts reads, seen or missing."""
    if isinstance(site, Site):
        return site.module == experts and site.point is Point.EXPERT_DOWN
    return site.module == f"{experts}.down_proj"

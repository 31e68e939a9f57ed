"""What profile `deployment` watches beside the roles of the paper, layer by layer."""

from collections.abc import Sequence

from torch import Tensor

from hubmaxact.measurement.anatomy.cached_heads import find_cached, unseen
from hubmaxact.measurement.anatomy.decoder_stack import Stack
from hubmaxact.measurement.anatomy.deployed_pass import DeployedPass, run_deployed_pass
from hubmaxact.measurement.anatomy.expert_inputs import find_expert_inputs
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.linear_inputs import find_linear_inputs
from hubmaxact.measurement.anatomy.map_weights import layer_weights
from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES, Probe
from hubmaxact.measurement.anatomy.site import Missing, Site
from hubmaxact.measurement.anatomy.updates import find_updates
from hubmaxact.measurement.anatomy.weight_products import Weight
from hubmaxact.report.excess import OUTPUTS

Found = list[Site | Missing]


def find_deployed(
    stack: Stack,
    parts: Sequence[LayerParts],
    probe: Probe,
    found: Sequence[Site | Missing],
    *,
    has_cache: bool = True,
) -> Found:
    """Run a second pass and find updates, linear inputs, keys and values, and experts' inputs.

    Args:
        stack: The layers and what runs them.
        parts: Its layers taken apart.
        probe: What a first pass showed.
        found: The sites of profile `paper`.
        has_cache: Whether it keeps keys and values: an encoder has no tokens to come.

    Returns:
        Sites and what is missing, layouts not yet checked.
    """
    weights = [list(layer_weights(stack.model, pieces.name)) for pieces in parts]
    seen, more = run_deployed_pass(stack, probe, weights, has_cache=has_cache), Found()
    read = _read_somewhere(seen, weights)
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
        here = [
            each for each in weights[layer] if flow.reads_with(each.name) or each.now not in read
        ]
        more += find_linear_inputs(stack.model, layer, pieces, flow, here)
        if seen.why_no_cache is None:
            more += find_cached(layer, pieces, flow)
        else:
            more += unseen(layer, pieces, seen.why_no_cache)
        more += find_expert_inputs(stack.model, layer, pieces, flow, here, more)
    return list(dict.fromkeys(more))  # one reason for a place is told once


def _read_somewhere(seen: DeployedPass, weights: Sequence[Sequence[Weight]]) -> set[Tensor | None]:
    """What any layer multiplied by: another that holds it, and does not, lacks no row (Zamba2)."""
    return {
        each.now
        for layer, flow in seen.layers.items()
        for each in weights[layer]
        if flow.reads_with(each.name)
    }


def _is_one_stream(parts: LayerParts, probe: Probe, width: int) -> bool:
    """Whether a token has one residual stream; several are mixed with each other."""
    shape = next(iter(probe.outputs.get(parts.name, ())), None)
    return shape is not None and shape.numel() == NUM_SEQUENCES * LENGTH * width

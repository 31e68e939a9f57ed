"""From a loaded model to its anatomy: every site of every role, and what is missing, by name.

What is expected comes from the structure found in each layer, not from a fixed list.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import torch
from transformers import PreTrainedModel

from hubmaxact.anatomy.gates import gates
from hubmaxact.anatomy.layer import LayerParts, take_apart
from hubmaxact.anatomy.layout import rows_by_token
from hubmaxact.anatomy.probe import LENGTH, NUM_SEQUENCES, Probe, run_probe
from hubmaxact.anatomy.records import declared
from hubmaxact.anatomy.site import Anatomy, Missing, Point, Site
from hubmaxact.anatomy.stack import Stack, find_stack
from hubmaxact.roles import ROLES

MOST_EXTRA_CLASSES = 4  # routers may score a few pseudo-experts (ZAYA's skip class)


def resolve(model: PreTrainedModel) -> Anatomy:
    """Find every site of profile `paper` in a loaded model.

    Raises:
        UnknownAnatomyError: no list of decoder layers is there.
    """
    stack = find_stack(model)
    probe = run_probe(stack)
    attentions = declared(stack.owner, "attentions")
    routers = declared(stack.owner, "router_logits")
    parts = [
        take_apart(
            f"{stack.layers_name}.{index}",
            layer,
            width=stack.width,
            attentions=attentions,
            routers=routers,
        )
        for index, layer in enumerate(stack.layers)
    ]
    found = _ends(stack, probe)
    for layer, pieces in enumerate(parts):
        found += _layer(model, layer, pieces, probe)
    sites = [_checked(site, probe) for site in found]
    return Anatomy(
        owner=stack.owner_name,
        num_layers=len(parts),
        sites=tuple(sorted((s for s in sites if isinstance(s, Site)), key=lambda s: s.order)),
        absent=_absent(found, len(parts)),
        missing=tuple(s for s in sites if isinstance(s, Missing)),
        experts={layer: p.experts[0] for layer, p in enumerate(parts) if p.experts},
    )


Found = list[Site | Missing]


def _ends(stack: Stack, probe: Probe) -> Found:
    """The embedding and the final norm."""
    embedding = Site(role="embedding", layer=None, part=None, module=stack.embedding_name)
    if probe.final_norm is None:
        return [embedding, _missing("final_norm", None, "no module outputs the last hidden state")]
    return [embedding, Site(role="final_norm", layer=None, part=None, module=probe.final_norm)]


def _layer(model: PreTrainedModel, layer: int, parts: LayerParts, probe: Probe) -> Found:
    """Every site of one layer."""
    found: Found = [Site(role="hidden_state", layer=layer, part=None, module=parts.name)]
    if not parts.mixers and not parts.blocks:
        reason = "neither a token mixer nor a channel block was found in this layer"
        return [*found, _missing("attention_output", layer, reason, parts.name)]
    for role, names in (("attention_output", parts.mixers), ("mlp_output", parts.blocks)):
        found += _named(role, layer, [(name, 0) for name in names], parts.name)
    routers = parts.routers or _routers_by_width(model, parts, probe)
    found += gates(model, layer, replace(parts, routers=routers), probe)
    found += _named("router_logits", layer, routers, parts.name)
    if parts.stacked and not routers:
        reason = "this layer has experts, and no router was found for them"
        found.append(_missing("router_logits", layer, reason, parts.stacked[0]))
    return found


def _named(role: str, layer: int, outputs: list[tuple[str, int]], prefix: str) -> Iterator[Site]:
    """Sites of one role in one layer; `part` tells them apart when there are several."""
    for name, index in outputs:
        part = name.removeprefix(f"{prefix}.") if len(outputs) > 1 else None
        yield Site(role=role, layer=layer, part=part, module=name, index=index)


def _routers_by_width(
    model: PreTrainedModel, parts: LayerParts, probe: Probe
) -> list[tuple[str, int]]:
    """Undeclared routers: the expert block's child that puts out one value per expert."""
    config = model.config.get_text_config(decoder=True)
    num_experts = num_experts_of(config)
    if num_experts is None:
        return []
    routers = []
    for block in parts.stacked:
        for child, _ in model.get_submodule(block).named_children():
            name = f"{block}.{child}"
            for index, shape in enumerate(probe.outputs.get(name, ())):
                if num_experts <= shape[-1] <= num_experts + MOST_EXTRA_CLASSES:
                    routers.append((name, index))
                    break
    return routers[:1]


def num_experts_of(config: object) -> int | None:
    """Routed experts per layer as the configuration spells it, or None for a dense model."""
    spellings = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")
    values = (getattr(config, spelling, None) for spelling in spellings)
    return next((value for value in values if isinstance(value, int) and value > 0), None)


def _checked(site: Site | Missing, probe: Probe) -> Site | Missing:
    """A site whose rows can be told apart; any other becomes missing, with the reason."""
    shapes = _seen_shapes(site, probe) if isinstance(site, Site) else None
    if isinstance(site, Missing) or shapes is None:
        return site
    if site.index >= len(shapes):
        return unwatchable(site, f"it returns {len(shapes)} tensors, not {site.index + 1}")
    shape = shapes[site.index]
    if rows_by_token(torch.empty(shape, device="meta"), NUM_SEQUENCES, LENGTH) is None:
        return unwatchable(site, f"shape {tuple(shape)} does not say which row is which token")
    return site


def _seen_shapes(site: Site, probe: Probe) -> list[torch.Size] | None:
    """The shapes seen at a site in the probe; None where the probe says nothing of them."""
    if site.point is Point.OUTPUT:
        return probe.outputs.get(site.module)
    if site.point is Point.INPUT and site.module in probe.inputs:
        return [probe.inputs[site.module]]
    return None


def unwatchable(site: Site, reason: str) -> Missing:
    """The same place, as something that was expected and could not be watched."""
    return Missing(
        role=site.role, layer=site.layer, part=site.part, module=site.module, reason=reason
    )


def _missing(role: str, layer: int | None, reason: str, module: str | None = None) -> Missing:
    return Missing(role=role, layer=layer, part=None, module=module, reason=reason)


def _absent(found: Found, num_layers: int) -> dict[str, int]:
    """Per role: layers that have no such tensor by design."""
    present = Counter(role for role, _ in {(site.role, site.layer) for site in found})
    return {role.name: num_layers - present[role.name] if role.per_layer else 0 for role in ROLES}

"""From a loaded model to its anatomy: every site of every role, and what is missing, by name.

What is expected comes from the structure found in each layer, not from a fixed list.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import torch
from torch import nn
from transformers import PreTrainedModel

from hubmaxact.errors import CoverageError, UnknownAnatomyError
from hubmaxact.measurement.anatomy import module_traits
from hubmaxact.measurement.anatomy.declared import declared, num_experts_of
from hubmaxact.measurement.anatomy.decoder_stack import find_stack
from hubmaxact.measurement.anatomy.direction import is_bidirectional, refuse_apart, refuse_leaks
from hubmaxact.measurement.anatomy.embedding_and_norm import find_embedding_and_norm
from hubmaxact.measurement.anatomy.find_deployed import find_deployed
from hubmaxact.measurement.anatomy.layer_parts import LayerParts, take_apart
from hubmaxact.measurement.anatomy.mlp_gates import find_gates
from hubmaxact.measurement.anatomy.probe_pass import LENGTH, NUM_SEQUENCES, Probe, run_probe
from hubmaxact.measurement.anatomy.rotary_pass import find_pairs
from hubmaxact.measurement.anatomy.site import Anatomy, Missing, Point, Site
from hubmaxact.measurement.anatomy.token_layout import layout_of
from hubmaxact.report.roles import (
    DEPLOYMENT,
    PAPER,
    ROLE_BY_NAME,
    Profile,
    Role,
    watched_under,
)

MOST_EXTRA_CLASSES = 4  # routers may score a few pseudo-experts (ZAYA's skip class)
BY_HEAD = (Point.KEY, Point.VALUE, Point.QUERY)
PLACED = (Point.PRODUCT,)  # by whoever found it
IN_EXPERTS = (Point.EXPERT_GATE, Point.EXPERT_INPUT, Point.EXPERT_DOWN)
OF_STREAM = ("mlp_output", "attention_update", "mlp_update")


def find_sites(
    model: PreTrainedModel, *, has_values: bool = True, profile: Profile = PAPER
) -> Anatomy:
    """Find every site of a profile in a loaded model.

    Args:
        model: A loaded checkpoint; a few tokens are run through it.
        has_values: Whether its weights are there. Without, they are shapes under torch's
            FakeTensorMode, and whether a later token reaches an earlier one is not seen: what
            the model says of itself decides whether it is bidirectional.
        profile: What is watched; "deployment" runs the tokens once more.

    Returns:
        Its sites in site order, and what is absent by design or could not be found.

    Raises:
        UnknownAnatomyError: It has no one list of layers, it claims to be causal and is not, or
            its routers choose no expert.
        CoverageError: Not one site can be watched.
    """
    stack = find_stack(model)
    probe = run_probe(stack, has_values=has_values, keep=profile == DEPLOYMENT)
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
    _refuse_idle_experts(model, parts, probe)
    for pieces in parts:
        pieces.routers = pieces.routers or _routers_by_width(model, pieces, probe)
    bidirectional = is_bidirectional(stack, probe)
    found: Found = find_embedding_and_norm(stack, probe)
    for layer, pieces in enumerate(parts):
        found += _layer(model, layer, pieces, probe)
    if bidirectional:
        found += _hidden_mixers(parts)
    if profile == DEPLOYMENT:
        found += find_deployed(stack, parts, probe, found, has_cache=not bidirectional)
    checked = [_checked(_grouped(site, model), probe, stack.width) for site in found]
    sites, same = _once(site for site in checked if isinstance(site, Site))
    _refuse_blind(model, sites)
    (refuse_apart if bidirectional else refuse_leaks)(model, sites, probe)
    experts = {layer: p.experts[0] for layer, p in enumerate(parts) if p.experts}
    return Anatomy(
        owner=stack.owner_name,
        num_layers=len(parts),
        sites=tuple(sites),
        absent=_absent(found, len(parts), watched_under(profile)),
        missing=tuple(site for site in checked if isinstance(site, Missing)),
        experts=experts,
        num_experts={n: _num_experts(model.get_submodule(e)) for n, e in experts.items()}
        | _in_products((*sites, *same)),
        experts_per_token={n: probe.routed[e] for n, e in experts.items() if e in probe.routed},
        routing_layers=tuple(n for n, p in enumerate(parts) if p.experts or p.routers),
        same=same,
        pairs=find_pairs(stack, sites) if has_values else {},
        bidirectional=bidirectional,
    )


def _once(found: Iterable[Site]) -> tuple[list[Site], dict[Site, Site]]:
    """Sites in order, a tensor under the first role it plays; the others of `deployment` beside."""
    first: dict[tuple[object, ...], Site] = {}
    sites, same = list[Site](), dict[Site, Site]()
    for site in sorted(found, key=lambda each: each.order):
        # What is read in a product is told by what multiplies it.
        maps = site.maps if site.point is Point.PRODUCT else ()
        place = (site.module, site.point, site.index, site.factor, site.summands, maps[:1])
        if place in first and ROLE_BY_NAME[site.role].profile == DEPLOYMENT:
            same[site] = first[place]
        else:
            first.setdefault(place, site)
            sites.append(site)
    return sites, same


def _in_products(sites: Iterable[Site]) -> dict[int, int]:
    """Layer -> experts, of those that are seen by what multiplies with their weights."""
    return {
        site.layer: site.groups
        for site in sites
        if site.role == "expert_input" and site.layer is not None and site.groups is not None
    }


def _num_experts(experts: nn.Module) -> int:
    number = experts.num_experts  # transformers' own name, in every module of fused experts
    assert isinstance(number, int)
    return number


def _refuse_idle_experts(model: PreTrainedModel, parts: list[LayerParts], probe: Probe) -> None:
    for pieces in parts:
        if any(probe.routed.get(name) == 0 for name in pieces.experts):
            raise UnknownAnatomyError(
                f"no token of {type(model).__name__} reaches an expert of {pieces.name}: its "
                "router chooses 0 for each. Compare num_experts_per_tok in config.json with the "
                "one the model was released with."
            )


def _refuse_blind(model: PreTrainedModel, sites: list[Site]) -> None:
    if not sites:
        raise CoverageError(
            f"not one tensor of {type(model).__name__} can be watched: no shape says which row is "
            "which token. Report the architecture as an issue."
        )


Found = list[Site | Missing]

UNKNOWN = {"attention_output": ("attention_output",), "mlp_output": ("mlp_output", "mlp_gate")}
"""Roles that a part of a layer may play, where nothing tells what it is and this one is open."""


def _layer(model: PreTrainedModel, layer: int, parts: LayerParts, probe: Probe) -> Found:
    """Every site of one layer."""
    found: Found = [Site(role="hidden_state", layer=layer, part=None, module=parts.name)]
    if not parts.mixers and not parts.blocks:
        reason = "neither a token mixer nor a channel block was found in this layer"
        return [*found, _missing("attention_output", layer, reason, parts.name)]
    for role, names in (("attention_output", parts.mixers), ("mlp_output", parts.blocks)):
        outputs = [(name, 0) for name in names]
        for site in _named(role, layer, outputs, parts.name):
            ended = _to_its_end(site, parts, probe) if role == "attention_output" else site
            found.append(_before_residual(model, ended, probe))
        if not names and parts.unknown:
            reason = "it owns matrices, and nothing tells what it is in this layer"
            found += [_missing(each, layer, reason, parts.unknown[0]) for each in UNKNOWN[role]]
    found += find_gates(model, layer, parts, probe)
    found += _named("router_logits", layer, parts.routers, parts.name)
    if parts.stacked and not parts.routers:
        reason = "this layer has experts, and no router was found for them"
        found.append(_missing("router_logits", layer, reason, parts.stacked[0]))
    return found


def _to_its_end(site: Site, parts: LayerParts, probe: Probe) -> Site:
    """The site itself, or the map back to the stream where that lies beside the mixer (BERT)."""
    beside = (n for n in probe.read_by.get(site.module, ()) if _is_within(n, parts.unknown))
    return replace(site, module=next(beside, site.module))


def _is_within(name: str, owners: Sequence[str]) -> bool:
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


def _hidden_mixers(parts: Sequence[LayerParts]) -> Iterator[Missing]:
    """Tokens meet somewhere: where no layer has a mixer, all of them were overlooked (FNet)."""
    if any(pieces.mixers for pieces in parts):
        return
    for layer, pieces in enumerate(parts):
        reason = "tokens see each other, and no token mixer was found in this layer"
        yield _missing("attention_output", layer, reason, pieces.name)


def _before_residual(model: PreTrainedModel, site: Site, probe: Probe) -> Site | Missing:
    """The site itself, or the last map inside its module where that adds the residual."""
    if not module_traits.adds_residual(model.get_submodule(site.module)):
        return site
    inside = (n for n in reversed(probe.called) if n.startswith(f"{site.module}."))
    last = next((n for n in inside if module_traits.is_map(model.get_submodule(n))), None)
    if last is None:
        return unwatchable(site, "it adds the residual stream, and no map was seen to end in it")
    return replace(site, module=last)


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
                if shape and num_experts <= shape[-1] <= num_experts + MOST_EXTRA_CLASSES:
                    routers.append((name, index))
                    break
    return routers[:1]


def _grouped(site: Site | Missing, model: PreTrainedModel) -> Site | Missing:
    """A site inside experts with their number."""
    if isinstance(site, Missing) or site.point not in IN_EXPERTS:
        return site
    return replace(site, groups=_num_experts(model.get_submodule(site.module)))


def _checked(site: Site | Missing, probe: Probe, width: int) -> Site | Missing:
    """A site with its layout; one whose rows cannot be told apart is missing, with the reason."""
    if isinstance(site, Missing) or site.point in (*BY_HEAD, *IN_EXPERTS, *PLACED):
        return site
    shapes = _seen_shapes(site, probe)
    if not shapes:
        return unwatchable(site, "it never fired: a forward pass did not reach it")
    if site.index >= len(shapes) or shapes[site.index] is None:
        return unwatchable(site, f"element {site.index} of what it returns is no tensor")
    shape = shapes[site.index] or torch.Size()
    layout = layout_of(shape, NUM_SEQUENCES, LENGTH)
    if layout is None:
        return unwatchable(site, f"shape {tuple(shape)} does not say which row is which token")
    if site.role in OF_STREAM and shape[-1] != width:
        return unwatchable(
            site, f"it puts out {shape[-1]} channels, the residual stream has {width}"
        )
    return replace(site, layout=layout)


def _seen_shapes(site: Site, probe: Probe) -> list[torch.Size | None]:
    """The shapes seen at a site in the probe; a function's input is laid out as its module's."""
    if site.point is Point.INPUT:
        return [probe.inputs[site.module]] if site.module in probe.inputs else []
    return probe.outputs.get(site.module, [])


def unwatchable(site: Site, reason: str) -> Missing:
    """The same place, as something that was expected and could not be watched."""
    return Missing(
        role=site.role, layer=site.layer, part=site.part, module=site.module, reason=reason
    )


def _missing(role: str, layer: int | None, reason: str, module: str | None = None) -> Missing:
    return Missing(role=role, layer=layer, part=None, module=module, reason=reason)


def _absent(found: Found, num_layers: int, roles: Sequence[Role]) -> dict[str, int]:
    """Per role: layers, or the model, without such a tensor by design."""
    present = Counter(role for role, _ in {(site.role, site.layer) for site in found})
    expected = {role.name: num_layers if role.per_layer else 1 for role in roles}
    return {name: number - present[name] for name, number in expected.items()}

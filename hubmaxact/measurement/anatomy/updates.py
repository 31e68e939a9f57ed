"""What each layer adds to the residual stream, and the stream between its two halves.

Followed through the sums of a forward pass, so no name tells which norm, dropout or multiplier
stands between a block and the stream. A layer that does not add to what it was given (streams that
are mixed, a norm after the sum) has none of these roles by design.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hubmaxact.measurement.anatomy.dataflow import Value
from hubmaxact.measurement.anatomy.deployed_pass import LayerFlow
from hubmaxact.measurement.anatomy.layer_parts import LayerParts
from hubmaxact.measurement.anatomy.site import Missing, Point, Site, Summand

ATTENTION, MLP = "attention_update", "mlp_update"


@dataclass(frozen=True, slots=True)
class _Step:
    """One sum on the way from a layer's input to its output."""

    stream: Value  # after it
    added: Value


def find_updates(
    layer: int, parts: LayerParts, flow: LayerFlow, outputs: Sequence[Site]
) -> list[Site | Missing]:
    """The updates of one layer, and its mid-layer residual.

    Args:
        layer: From 0.
        parts: The layer taken apart.
        flow: What it did in a pass.
        outputs: Sites of its mixers and blocks; where one of them is what is added, it is named.

    Returns:
        Sites, and updates that no module puts out, with the reason.
    """
    steps = _steps(flow)
    if not steps:
        return []
    # The dropout after a map hands on the same tensor: where a role knows it, by that name.
    known = [(site.module, site.index) for site in outputs]
    found, roles = list[Site | Missing](), list[set[str]]()
    for step in steps:
        leaves = list(_leaves(step.added, parts, flow))
        roles.append({role for leaf in leaves for role in _sides(leaf, parts, flow)})
        found += [_update(layer, parts, flow, leaf, known) for leaf in leaves]
    return [*_numbered(found, parts.name), *_mid_residual(layer, parts.name, steps, roles)]


def _steps(flow: LayerFlow) -> list[_Step]:
    """The sums from the input to the output, in order; none where there is no such way."""
    steps, now = list[_Step](), flow.end
    while now is not None and now is not flow.start:
        on = [part for part in now.parts if part.holds(flow.start)]
        if len(on) != 1:
            return []
        others = [part for part in now.parts if part is not on[0]]
        steps += [_Step(now, other) for other in others]
        now = on[0]
    return steps[::-1]


def _leaves(added: Value, parts: LayerParts, flow: LayerFlow) -> Iterator[Value]:
    """What is added, told apart by the halves that it comes from."""
    halves = len(_sides(added, parts, flow))
    if added.is_sum and not added.made_by and halves != 1:
        for part in added.parts:
            yield from _leaves(part, parts, flow)
    else:
        yield added


def _sides(value: Value, parts: LayerParts, flow: LayerFlow) -> set[str]:
    """Which halves of the layer a value comes from: back through norms and the like, and sums.

    The stream is not gone into: what reads it does not come from what was added to it before. A
    mixer that reads what a block put out only goes on with it (Inkling's convolutions).
    """
    met = {flow.start}

    def back_from(now: Value) -> set[str]:
        names = [name for name, _ in now.made_by]
        if any(_within(name, parts.blocks) for name in names):
            return {MLP}
        sides = set[str]()
        for each in (
            *(read.value for name in names for read in flow.reads.get(name, ())),
            *now.parts,
        ):
            if each not in met and not each.holds(flow.start):
                met.add(each)
                sides |= back_from(each)
        mixed = any(_within(name, parts.mixers) for name in names)
        return {ATTENTION} if mixed and MLP not in sides else sides

    return back_from(value)


def _update(
    layer: int, parts: LayerParts, flow: LayerFlow, leaf: Value, known: list[tuple[str, int]]
) -> Site | Missing:
    """Where a summand can be watched; what is no mixer's belongs to the channels' half."""
    side = _sides(leaf, parts, flow)
    role = ATTENTION if ATTENTION in side else MLP
    if len(side) > 1:
        return _missing(role, layer, parts.name, "both halves of the layer are added as one")
    one = _summand(leaf, known)
    if one is not None:
        return Site(
            role=role,
            layer=layer,
            part=None,
            module=one.module,
            index=one.index,
            factor=one.factor,
        )
    factor, total = _scale(leaf)
    several = [_summand(part, known) for part in total.parts if total.is_sum]
    summands = tuple(each for each in several if each is not None)
    if not summands or len(summands) < len(several):
        return _missing(role, layer, parts.name, "what is added is not the output of a module")
    return Site(
        role=role,
        layer=layer,
        part=None,
        module=summands[-1].module,
        point=Point.SUM,
        factor=factor,
        summands=summands,
    )


def _summand(value: Value, known: list[tuple[str, int]]) -> Summand | None:
    """The module that puts a value out, and a number that it is multiplied with."""
    factor, made = _scale(value)
    if not made.made_by:
        return None
    name, index = next((each for each in made.made_by if each in known), made.made_by[-1])
    return Summand(name, index, factor)


def _scale(value: Value) -> tuple[float, Value]:
    """A value as a number times another one."""
    if value.is_scaled and not value.made_by and value.factor is not None:
        return value.factor, value.parts[0]
    return 1.0, value


def _numbered(found: list[Site | Missing], prefix: str) -> list[Site | Missing]:
    """Sites with a part where a role has several."""
    numbered: list[Site | Missing] = []
    for site in found:
        alone = sum(each.role == site.role for each in found) == 1
        if alone or isinstance(site, Missing):
            numbered.append(site)
        else:
            part = site.module.removeprefix(f"{prefix}.")
            numbered.append(site.named(part))
    return numbered


def _mid_residual(
    layer: int, name: str, steps: list[_Step], roles: list[set[str]]
) -> Iterator[Site]:
    """The stream after all of attention and before the rest, where a module reads it."""
    for position, step in enumerate(steps[:-1]):
        before, after = set().union(*roles[: position + 1]), set().union(*roles[position + 1 :])
        readers = [each for each in step.stream.read_by if each != name]
        if before == {ATTENTION} and ATTENTION not in after and readers:
            yield Site(
                role="mid_residual", layer=layer, part=None, module=readers[0], point=Point.INPUT
            )
            return


def _within(name: str, owners: Sequence[str]) -> bool:
    return any(name == owner or name.startswith(f"{owner}.") for owner in owners)


def _missing(role: str, layer: int, module: str, reason: str) -> Missing:
    return Missing(role=role, layer=layer, part=None, module=module, reason=reason)

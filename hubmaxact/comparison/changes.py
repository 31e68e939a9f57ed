"""What changed between two releases of one model, in the order in which they were given."""

import math
from collections.abc import Iterator, Sequence

from hubmaxact.comparison.comparison import CarrierChange, Change, Mover, RoleChange, SiteChange
from hubmaxact.formats import bf16_step
from hubmaxact.report.document import GlobalMax, Report
from hubmaxact.report.model_block import every_weight_file
from hubmaxact.report.roles import ROLES, site_order
from hubmaxact.report.summaries import ratio

MOST_MOVERS = 5

Place = tuple[str, int | None, str | None]
"""Role, layer, part."""


def changes(reports: Sequence[Report], columns: Sequence[str]) -> tuple[Change, ...]:
    """Hold each report against the last one before it that is of the same model."""
    return tuple(
        _change(reports[earlier], reports[later], columns[earlier], columns[later])
        for earlier, later in _pairs(reports)
    )


def same_model(one: Report, other: Report) -> bool:
    """Whether two reports are of releases of one model: one id, or one family and shape."""
    if one["model"]["id"] is not None and one["model"]["id"] == other["model"]["id"]:
        return True
    return _shape(one) == _shape(other)


def _pairs(reports: Sequence[Report]) -> Iterator[tuple[int, int]]:
    for later, report in enumerate(reports):
        earlier = [n for n in range(later) if same_model(reports[n], report)]
        if earlier:
            yield earlier[-1], later


def _shape(report: Report) -> tuple[object, ...]:
    model = report["model"]
    family = model["family"] or model["model_type"]
    return family, model["architecture"], model["num_layers"], model["hidden_size"]


def _change(before: Report, after: Report, column: str, later_column: str) -> Change:
    old, new = _maxima(before), _maxima(after)
    # One id can come back with other layers: those have no counterpart then.
    deep = before["model"]["num_layers"] == after["model"]["num_layers"]
    shared = [place for place in old if place in new and (deep or place[1] is None)]
    sites = tuple(_site(place, old[place], new[place]) for place in shared)
    peak, later_peak = before["global_max"], after["global_max"]
    return Change(
        before=column,
        after=later_column,
        same_weights=_weights(before) == _weights(after),
        ratio=ratio(_magnitude(peak), _magnitude(later_peak)),
        within_bf16_step=_within_step(peak, later_peak),
        carrier=_carrier(peak, later_peak),
        roles=tuple(_roles(before, after)),
        movers=_movers(sites),
        sites=sites,
        num_only_before=len(old) - len(shared),
        num_only_after=len(new) - len(shared),
    )


def _maxima(report: Report) -> dict[Place, float | None]:
    """The largest |x| of every site, in site order."""
    found = {(s["role"], s["layer"], s["part"]): s["abs_max"] for s in report["sites"]}
    return {place: found[place] for place in sorted(found, key=lambda place: site_order(*place))}


def _site(place: Place, before: float | None, after: float | None) -> SiteChange:
    role, layer, part = place
    change = ratio(before, after)
    return SiteChange(role=role, layer=layer, part=part, before=before, after=after, ratio=change)


def _movers(sites: Sequence[SiteChange]) -> tuple[Mover, ...]:
    """The sites that changed by the largest factor, up or down; ties in site order."""
    layers: dict[tuple[str, str | None, float, float], list[int]] = {}
    for site in sites:
        if site.before is not None and site.after is not None and site.before != site.after:
            alike = layers.setdefault((site.role, site.part, site.before, site.after), [])
            alike.extend([] if site.layer is None else [site.layer])
    movers = [
        Mover(
            role=role,
            layers=tuple(alike),
            part=part,
            before=before,
            after=after,
            ratio=ratio(before, after),
        )
        for (role, part, before, after), alike in layers.items()
    ]
    return tuple(sorted(movers, key=lambda mover: -_factor(mover))[:MOST_MOVERS])


def _factor(mover: Mover) -> float:
    """How far tensors moved, on a log scale; from or to zero is further than anything."""
    return abs(math.log(mover.ratio)) if mover.ratio else math.inf


def _roles(before: Report, after: Report) -> Iterator[RoleChange]:
    for role in ROLES:
        old, new = before["max_by_role"].get(role.name), after["max_by_role"].get(role.name)
        values = abs(old["value"]) if old else None, abs(new["value"]) if new else None
        if values != (None, None):
            yield RoleChange(
                role=role.name, before=values[0], after=values[1], ratio=ratio(*values)
            )


def _carrier(before: GlobalMax | None, after: GlobalMax | None) -> CarrierChange | None:
    if before is None or after is None:
        return None
    old, new = _carriers(before), _carriers(after)
    return CarrierChange(
        moved=old[0] != new[0],
        channel_moved=before["channel"] != after["channel"],
        num_before=len(old),
        num_after=len(new),
        num_shared=len(set(old) & set(new)),
    )


def _carriers(peak: GlobalMax) -> list[Place]:
    return [(c["role"], c["layer"], c["part"]) for c in peak["carriers"]]


def _within_step(before: GlobalMax | None, after: GlobalMax | None) -> bool | None:
    if before is None or after is None:
        return None
    step = bf16_step(max(before["abs_max"], after["abs_max"]))
    return abs(before["abs_max"] - after["abs_max"]) <= step


def _magnitude(peak: GlobalMax | None) -> float | None:
    return None if peak is None else peak["abs_max"]


def _weights(report: Report) -> list[str]:
    return sorted(file["sha256"] for file in every_weight_file(report["model"]))
